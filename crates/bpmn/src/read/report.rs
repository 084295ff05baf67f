//! Collects what is wrong with a file while it is read.

use std::collections::BTreeSet;

use crate::limits::{VIOLATIONS_MAX, WARNINGS_MAX};
use crate::violation::{Violation, Violations};
use crate::xml::{Lines, Node, construct_of};

/// What is wrong with a file, so far.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Lines,
    violations: Vec<Violation>,
    /// What is in `violations` already: a message that several events use is checked at each use.
    seen: BTreeSet<(u32, String)>,
    left_out: usize,
    warnings: Vec<String>,
}

impl Report {
    pub(crate) fn new(text: &str) -> Report {
        Report {
            lines: Lines::new(text),
            violations: Vec::new(),
            seen: BTreeSet::new(),
            left_out: 0,
            warnings: Vec::new(),
        }
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
        self.violations.push(Violation {
            element_id: nearest_id(node).to_owned(),
            line: self.lines.of(node),
            construct: construct_of(node),
            reason,
        });
    }

    /// Says something about this node that does not stop the deployment.
    pub(crate) fn warn(&mut self, node: Node<'_>, text: impl AsRef<str>) {
        if self.warnings.len() >= WARNINGS_MAX {
            return;
        }
        let (id, line, construct) = (nearest_id(node), self.lines.of(node), construct_of(node));
        self.warnings.push(format!("element `{id}` (line {line}, {construct}): {}", text.as_ref()));
    }

    /// The warnings since the last call.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// How many violations there are.
    pub(crate) fn violations_count(&self) -> usize {
        self.violations.len()
    }

    /// Everything that is wrong in the order of the file, or nothing.
    pub(crate) fn finish(mut self) -> Result<(), Violations> {
        if self.violations.is_empty() {
            return Ok(());
        }
        self.violations.sort_by(|one, other| {
            (one.line, &one.element_id, &one.construct).cmp(&(
                other.line,
                &other.element_id,
                &other.construct,
            ))
        });
        if self.left_out > 0 {
            let more = format!("{} more violations are not shown", self.left_out);
            self.violations.push(Violation::of_file(0, more));
        }
        Err(Violations { violations: self.violations })
    }
}

/// The id of the node or of the nearest element around it that has one.
fn nearest_id<'a>(node: Node<'a>) -> &'a str {
    node.ancestors().find_map(|ancestor| ancestor.attribute("id")).unwrap_or_default()
}
