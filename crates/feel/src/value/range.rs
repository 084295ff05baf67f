//! Ranges: intervals between two values.

use super::Value;
use super::extent::Extent;

/// An interval; a null bound is unbounded.
#[derive(Clone, Debug)]
pub struct Range {
    /// The lower bound, null for none.
    pub start: Value,
    /// Whether the lower bound belongs to the range.
    pub start_included: bool,
    /// The upper bound, null for none.
    pub end: Value,
    /// Whether the upper bound belongs to the range.
    pub end_included: bool,
}

impl Range {
    pub(super) fn extent(&self) -> Extent {
        Extent::of([&self.start, &self.end])
    }
}
