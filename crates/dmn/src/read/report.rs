//! Collects what is wrong with a file while it is read.

use std::collections::BTreeSet;

use crate::limits::VIOLATIONS_MAX;
use crate::violation::{Violation, Violations};
use crate::xml::{Lines, Node, nearest_id};

/// What is wrong with a file, so far.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Lines,
    violations: Vec<(u32, Violation)>,
    /// What is in `violations` already.
    seen: BTreeSet<(u32, String)>,
    left_out: usize,
}

impl Report {
    pub(crate) fn new(text: &str) -> Report {
        let (violations, seen) = (Vec::new(), BTreeSet::new());
        Report { lines: Lines::new(text), violations, seen, left_out: 0 }
    }

    /// Refuses the file because of this node.
    pub(crate) fn refuse(&mut self, node: Node<'_>, reason: impl Into<String>) {
        let reason = reason.into();
        let position = u32::try_from(node.range().start).unwrap_or(u32::MAX);
        if !self.seen.insert((position, reason.clone())) {
            return;
        }
        if self.violations.len() >= VIOLATIONS_MAX {
            self.left_out += 1;
            return;
        }
        let violation = Violation {
            element_id: nearest_id(node).to_owned(),
            line: self.lines.of(node),
            construct: node.tag_name().name().to_owned(),
            reason,
        };
        self.violations.push((position, violation));
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// Everything that is wrong in the order of the file, or nothing.
    pub(crate) fn finish(mut self) -> Result<(), Violations> {
        if self.violations.is_empty() {
            return Ok(());
        }
        self.violations.sort_by_key(|(position, _)| *position);
        let mut violations: Vec<Violation> =
            self.violations.into_iter().map(|(_, violation)| violation).collect();
        if self.left_out > 0 {
            let more = format!("{} more violations are not shown", self.left_out);
            violations.push(Violation::of_file(0, more));
        }
        Err(Violations { violations })
    }
}
