//! Limits of the crate, each with its unit and reason.

/// Levels of nesting in the text of an expression. Models stay below ten; each level costs stack in
/// the parser, the evaluator and the drop of the tree.
pub const EXPRESSION_DEPTH_MAX: u32 = 200;

/// Bytes of expression text: no hand-written expression comes near, and it bounds the parse.
pub const EXPRESSION_BYTES_MAX: usize = 1024 * 1024;

/// Steps (evaluated nodes, visited elements) of one evaluation, unless the caller says otherwise:
/// about a tenth of a second, which is the longest that one command may hold a partition.
pub const STEPS_MAX: u64 = 2_000_000;

/// Bytes of values that one evaluation may build, unless the caller says otherwise.
pub const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Nested evaluations (text nesting plus function invocations) of one evaluation. Must fit into a
/// 2 MiB thread stack in a debug build.
pub const EVALUATION_DEPTH_MAX: u32 = 600;

/// Levels of nesting of a value. Bounds every recursion over values (compare, print, drop).
pub const VALUE_DEPTH_MAX: u16 = 500;

/// Warnings that one evaluation reports; further ones are dropped.
pub const WARNINGS_MAX: usize = 32;

/// Characters of a value shown in a warning.
pub const WARNING_VALUE_CHARACTERS_MAX: usize = 200;

/// Bytes of a regular expression compiled at run time: bounds the time of the compilation.
pub const REGEX_BYTES_MAX: usize = 4 * 1024;

/// Bytes of memory of one compiled regular expression.
pub const REGEX_MEMORY_BYTES_MAX: usize = 1024 * 1024;

/// Groups and classes inside one another in a regular expression. Patterns stay below five; each
/// level costs stack where they are read and compiled.
pub const REGEX_DEPTH_MAX: u32 = 50;

/// Steps of matching a regular expression that refers back to its groups, which can need exponential
/// time: about a tenth of a second.
pub const REGEX_STEPS_MAX: u64 = 1_000_000;

/// Bytes of text that are compared or passed over in about the time of a step: longer texts cost
/// more steps, so that comparing megabytes again and again exceeds the budget and not the patience.
pub(crate) const TEXT_STEP_BYTES: usize = 1024;
