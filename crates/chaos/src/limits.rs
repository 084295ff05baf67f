//! Limits, each with its unit and reason.

/// Signals that wait to be seen: a person presses Ctrl-C a few times at most, and each one is seen at once.
pub(crate) const SIGNALS_MAX: usize = 16;

/// Largest experiment, bytes: the largest known ones have some ten kilobytes, and all of it is held in memory.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Deepest nesting of values in a document, levels: an experiment has about eight, and reading recurses.
pub(crate) const DEPTH_MAX: usize = 128;

/// Values that aliases of a YAML text may stand for, values: a text of a few hundred bytes could otherwise fill the memory.
pub(crate) const ALIASED_NODES_MAX: usize = 200_000;
