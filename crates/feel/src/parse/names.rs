//! What a parser has to know besides the text: the dialect, and names that are no identifiers.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Dialect;

/// The names that a DMN model declares for an expression. Only those that are no plain identifiers
/// (`Applicant Age`, `a-b`) matter: the parser takes the longest of them that fits; all other names
/// need no declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeSet<Arc<str>>);

impl Names {
    /// No names.
    pub const fn none() -> Names {
        Names(BTreeSet::new())
    }

    /// Adds a name.
    pub fn insert(&mut self, name: &str) {
        self.0.insert(name.into());
    }

    /// Whether the name was added.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Names {
        Names(names.into_iter().map(Arc::from).collect())
    }
}

static NO_NAMES: Names = Names::none();

/// How a text is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Syntax<'a> {
    /// The dialect.
    pub dialect: Dialect,
    /// Names of variables, functions and entries that the model declares; of no effect in Camunda's
    /// dialect.
    pub names: &'a Names,
}

impl Default for Syntax<'_> {
    fn default() -> Self {
        Syntax { dialect: Dialect::Camunda, names: &NO_NAMES }
    }
}
