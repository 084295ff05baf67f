//! What most expressions of processes are, evaluated without an evaluator: references (`order.total`,
//! `items[1]`) and conditions that compare references with constants
//! (`amount > 10 and customer.tier = "gold"`).
//!
//! Only what needs no warning is evaluated here; everything else (a missing variable, values of other
//! types) is left to the evaluator, which then starts from the beginning.

use std::sync::Arc;

use super::compare::quick;
use super::iterate::element_at;
use crate::node::{Comparison, Kind, Node, Program};
use crate::{Dialect, Number, Session, Value, Variables};

/// Variables of a condition: their values are kept on the stack.
const VARIABLES_MAX: usize = 4;

/// An expression that may be evaluated quickly.
#[derive(Debug)]
pub(crate) enum Quick {
    Reference(Reference),
    Condition(Condition),
}

impl Quick {
    /// The program as such an expression, if it is one.
    pub(crate) fn of(program: &Program) -> Option<Quick> {
        if let Some(reference) = Reference::of(&program.root) {
            return Some(Quick::Reference(reference));
        }
        Condition::of(program).map(Quick::Condition)
    }

    /// The value; none if the evaluator has to find it.
    #[inline]
    pub(crate) fn evaluate(
        &self,
        program: &Program,
        variables: &dyn Variables,
        session: &mut Session<'_>,
    ) -> Option<Value> {
        let mut steps_left = session.meter.steps_left;
        let value = match self {
            Quick::Reference(reference) => {
                let variable = variables.get(program.variables.get(reference.slot)?)?;
                reference.of_variable(variable, &mut steps_left)
            }
            Quick::Condition(condition) => {
                condition.decide(&program.variables, variables, &mut steps_left).map(Value::Boolean)
            }
        }?;
        session.meter.steps_left = steps_left;
        Some(value)
    }
}

/// A variable, or what is found in it by keys and constant places.
#[derive(Debug)]
pub(crate) struct Reference {
    slot: usize,
    steps: Box<[Step]>,
}

#[derive(Debug)]
enum Step {
    Key(Arc<str>),
    Place(Number),
}

impl Reference {
    fn of(node: &Node) -> Option<Reference> {
        let mut steps = Vec::new();
        let mut node = node;
        loop {
            match &node.kind {
                Kind::Path(path) => {
                    steps.push(Step::Key(Arc::clone(&path.key)));
                    node = &path.target;
                }
                Kind::Filter(filter) => {
                    let place = filter.condition.literal()?.as_number()?;
                    if !place.is_integer() {
                        return None;
                    }
                    steps.push(Step::Place(place));
                    node = &filter.target;
                }
                Kind::Global(slot) => {
                    steps.reverse();
                    return Some(Reference { slot: *slot as usize, steps: steps.into() });
                }
                _ => return None,
            }
        }
    }

    #[inline]
    fn of_variable(&self, mut value: Value, steps_left: &mut u64) -> Option<Value> {
        *steps_left = steps_left.checked_sub(1)?;
        for step in &self.steps {
            value = step.of(&value, steps_left)?;
        }
        Some(value)
    }

    /// Compares what is referred to with a constant, without taking it out of the variable.
    #[inline]
    fn compares(
        &self,
        variable: &Value,
        comparison: Comparison,
        constant: &Value,
        steps_left: &mut u64,
    ) -> Option<bool> {
        *steps_left = steps_left.checked_sub(2)?;
        let Some((last, before)) = self.steps.split_last() else {
            return quick(comparison, variable, constant);
        };
        let mut inner;
        let mut target = variable;
        for step in before {
            inner = step.of(target, steps_left)?;
            target = &inner;
        }
        match (last, target) {
            (Step::Key(key), Value::Context(context)) => {
                *steps_left = steps_left.checked_sub(1 + target.scan_steps())?;
                context.with_entry(key, |entry| quick(comparison, entry?, constant))
            }
            (Step::Place(_), _) => quick(comparison, &last.of(target, steps_left)?, constant),
            _ => None,
        }
    }
}

impl Step {
    #[inline]
    fn of(&self, value: &Value, steps_left: &mut u64) -> Option<Value> {
        *steps_left = steps_left.checked_sub(1 + value.scan_steps())?;
        match (self, value) {
            (Step::Key(key), Value::Context(context)) => context.get(key),
            // Whole places mean the same in both dialects.
            (Step::Place(place), Value::List(list)) => element_at(list, *place, Dialect::Camunda),
            _ => None,
        }
    }
}

/// Comparisons with constants, joined by `and` or `or`.
#[derive(Debug)]
pub(crate) struct Condition {
    /// What one part must be to decide the whole: false for `and`, true for `or`.
    decisive: bool,
    parts: Box<[Part]>,
}

#[derive(Debug)]
struct Part {
    reference: Reference,
    comparison: Comparison,
    constant: Value,
}

impl Condition {
    fn of(program: &Program) -> Option<Condition> {
        if program.variables.len() > VARIABLES_MAX {
            return None;
        }
        let (decisive, parts) = match &program.root.kind {
            Kind::And(parts) => (false, &**parts),
            Kind::Or(parts) => (true, &**parts),
            _ => (false, std::slice::from_ref(&program.root)),
        };
        let parts: Option<Box<[Part]>> = parts.iter().map(Part::of).collect();
        Some(Condition { decisive, parts: parts? })
    }

    #[inline]
    fn decide(
        &self,
        names: &[Arc<str>],
        variables: &dyn Variables,
        steps_left: &mut u64,
    ) -> Option<bool> {
        let mut values = [const { None::<Value> }; VARIABLES_MAX];
        for Part { reference, comparison, constant } in &self.parts {
            let value = values.get_mut(reference.slot)?;
            let value = match value {
                Some(value) => value,
                None => value.insert(variables.get(names.get(reference.slot)?)?),
            };
            if reference.compares(value, *comparison, constant, steps_left)? == self.decisive {
                return Some(self.decisive);
            }
        }
        Some(!self.decisive)
    }
}

impl Part {
    fn of(node: &Node) -> Option<Part> {
        let Kind::Compare(comparison, operands) = &node.kind else { return None };
        let [left, right] = &**operands;
        let constant = right.literal()?.clone();
        Some(Part { reference: Reference::of(left)?, comparison: *comparison, constant })
    }
}
