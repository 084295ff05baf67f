//! What the names in an expression mean: frames of values, each with what is around it.

use std::sync::Arc;

use skep_feel::{Value, Variables};

/// Names with values, and what is around them. Of equal names the last one counts.
pub(crate) struct Frame<'a> {
    outer: &'a dyn Variables,
    pub(crate) entries: Vec<(Arc<str>, Value)>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(outer: &'a dyn Variables) -> Frame<'a> {
        Frame { outer, entries: Vec::new() }
    }

    pub(crate) fn with(outer: &'a dyn Variables, entries: Vec<(Arc<str>, Value)>) -> Frame<'a> {
        Frame { outer, entries }
    }

    /// Gives the name a value.
    pub(crate) fn set(&mut self, name: &Arc<str>, value: Value) {
        match self.entries.iter_mut().find(|(existing, _)| existing == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name.clone(), value)),
        }
    }
}

impl Variables for Frame<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        let found = self.entries.iter().rev().find(|(existing, _)| &**existing == name);
        found.map(|(_, value)| value.clone()).or_else(|| self.outer.get(name))
    }
}

/// The input value `?` of unary tests.
pub(crate) struct Input<'a> {
    outer: &'a dyn Variables,
    value: &'a Value,
}

impl<'a> Input<'a> {
    pub(crate) fn new(outer: &'a dyn Variables, value: &'a Value) -> Input<'a> {
        Input { outer, value }
    }
}

impl Variables for Input<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        if name == "?" { Some(self.value.clone()) } else { self.outer.get(name) }
    }
}

/// The element of a list that a boxed filter looks at: `item`, and the names of its entries.
pub(crate) struct Element<'a> {
    outer: &'a dyn Variables,
    value: &'a Value,
}

impl<'a> Element<'a> {
    pub(crate) fn new(outer: &'a dyn Variables, value: &'a Value) -> Element<'a> {
        Element { outer, value }
    }
}

impl Variables for Element<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        let entry = self.value.as_context().and_then(|context| context.get(name));
        entry.or_else(|| match name {
            "item" => Some(self.value.clone()),
            _ => self.outer.get(name),
        })
    }
}

/// The element of a boxed iteration under its name, and the results so far as `partial`.
pub(crate) struct Iterated<'a> {
    outer: &'a dyn Variables,
    name: &'a str,
    value: &'a Value,
    partial: &'a [Value],
}

impl<'a> Iterated<'a> {
    pub(crate) fn new(
        outer: &'a dyn Variables,
        name: &'a str,
        value: &'a Value,
        partial: &'a [Value],
    ) -> Iterated<'a> {
        Iterated { outer, name, value, partial }
    }
}

impl Variables for Iterated<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        if name == self.name {
            return Some(self.value.clone());
        }
        match name {
            "partial" => Some(Value::from(self.partial.to_vec())),
            _ => self.outer.get(name),
        }
    }
}
