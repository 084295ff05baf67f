//! Why a file is refused, in words that name the place and say what to do.

use std::fmt;

/// One reason why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Id of the element (of the nearest enclosing one if the construct has no id of its own), or
    /// empty when the reason is about the file.
    pub element_id: String,
    /// Line in the file, from 1; 0 when unknown.
    pub line: u32,
    /// The construct, for example `decisionTable`; empty when the reason is about the file.
    pub construct: String,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Violation {
    /// A reason that is about the file as a whole.
    pub(crate) fn of_file(line: u32, reason: impl Into<String>) -> Violation {
        Violation {
            element_id: String::new(),
            line,
            construct: String::new(),
            reason: reason.into(),
        }
    }

    fn is_at_same_place(&self, other: &Violation) -> bool {
        (&self.element_id, self.line, &self.construct)
            == (&other.element_id, other.line, &other.construct)
    }

    fn place(&self) -> String {
        let mut details = Vec::new();
        if self.line > 0 {
            details.push(format!("line {}", self.line));
        }
        if !self.construct.is_empty() {
            details.push(self.construct.clone());
        }
        let subject = match self.element_id.as_str() {
            "" => "file".to_owned(),
            id => format!("element `{id}`"),
        };
        if details.is_empty() { subject } else { format!("{subject} ({})", details.join(", ")) }
    }
}

/// Every reason why a file is refused, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations {
    /// At least one.
    pub violations: Vec<Violation>,
}

impl Violations {
    pub(crate) fn of_file(line: u32, reason: impl Into<String>) -> Violations {
        Violations { violations: vec![Violation::of_file(line, reason)] }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ERROR: {}: {}", self.place(), self.reason)
    }
}

/// One block per element; several reasons for one element are a list below it.
impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = self.violations.chunk_by(Violation::is_at_same_place);
        for (position, block) in blocks.enumerate() {
            if position > 0 {
                writeln!(formatter)?;
            }
            match block {
                [only] => write!(formatter, "{only}")?,
                [first, ..] => {
                    write!(formatter, "ERROR: {}:", first.place())?;
                    for violation in block {
                        write!(formatter, "\n  - {}", violation.reason)?;
                    }
                }
                [] => {}
            }
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}
