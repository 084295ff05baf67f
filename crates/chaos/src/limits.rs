//! Limits, each with its unit and reason.

/// Signals that wait to be seen: a person presses Ctrl-C a few times at most, and each one is seen at once.
pub(crate) const SIGNALS_MAX: usize = 16;

/// Largest experiment, bytes: the largest known ones have some ten kilobytes, and all of it is held in memory.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Deepest nesting of values in a document, levels: an experiment has about eight, and reading recurses.
pub(crate) const DEPTH_MAX: usize = 128;

/// Values that aliases of a YAML text may stand for, values: a text of a few hundred bytes could otherwise fill the memory.
pub(crate) const ALIASED_NODES_MAX: usize = 200_000;

/// What is kept of each output of a process, bytes: the journal has all of it, and more would not be read by anybody.
pub(crate) const OUTPUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Longest timeout or pause, seconds: a year, which durations can hold.
pub(crate) const TIMEOUT_SECONDS_MAX: f64 = 365.0 * 24.0 * 3600.0;

/// Shortest secret that is looked for in log and journal, characters: shorter ones are in every other word.
pub(crate) const SECRET_LENGTH_MIN: usize = 4;

/// Largest head of an HTTP answer, bytes: servers that send more mean no good.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Headers of an HTTP answer, lines: Python's client takes no more either.
pub(crate) const HEADERS_MAX: usize = 100;

/// Redirections that are followed, answers: as many as Python's client follows.
pub(crate) const REDIRECTS_MAX: usize = 30;
