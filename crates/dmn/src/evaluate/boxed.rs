//! Boxed expressions, except tables and iterations.

use std::sync::Arc;

use skep_feel::{Context, EvaluationError, Function, Value, Variables};

use super::call::Closure;
use super::evaluator::{Evaluated, Evaluator};
use crate::limits::BOXED_LEVELS;
use crate::logic::{Boxed, Entries, FunctionLogic, Invocation, Logic, Relation};
use crate::scope::Frame;

/// Bytes counted for an element of a list or context that is built.
const ELEMENT_BYTES: u64 = 48;

impl Evaluator<'_, '_> {
    /// The value of a boxed expression, as its own type demands.
    pub(super) fn boxed(&mut self, boxed: &Boxed, scope: &dyn Variables) -> Evaluated {
        let value = match &boxed.logic {
            Logic::Literal(expression) => self.expression(&boxed.id, expression, scope)?,
            _ => {
                self.session.enter(BOXED_LEVELS)?;
                let value = self.compound(boxed, scope);
                self.session.leave(BOXED_LEVELS);
                value?
            }
        };
        self.coerce(value, &boxed.type_ref, &boxed.id)
    }

    // Arms only call, so that the frame of this function stays small: it is on the stack once for
    // every level of nesting.
    fn compound(&mut self, boxed: &Boxed, scope: &dyn Variables) -> Evaluated {
        let traced = std::mem::replace(&mut self.traced, false);
        match &boxed.logic {
            Logic::Literal(expression) => self.expression(&boxed.id, expression, scope),
            Logic::Table(table) => self.table(&boxed.id, table, scope, traced),
            Logic::Context(entries) => self.context(entries, scope),
            Logic::Relation(relation) => self.relation(relation, scope),
            Logic::List(parts) => self.list(parts, scope),
            Logic::Function(function) => self.function(function, scope),
            Logic::Invocation(invocation) => self.invocation(&boxed.id, invocation, scope),
            Logic::Conditional(parts) => self.conditional(parts, scope),
            Logic::Filter(parts) => self.filter(&boxed.id, parts, scope),
            Logic::For(iteration) => self.for_each(iteration, scope),
            Logic::Some(iteration) => self.quantified(&boxed.id, iteration, true, scope),
            Logic::Every(iteration) => self.quantified(&boxed.id, iteration, false, scope),
        }
    }

    /// A list value, counted against the budget.
    pub(super) fn list_of(&mut self, values: Vec<Value>) -> Evaluated {
        self.session.spend_bytes(ELEMENT_BYTES * values.len() as u64)?;
        Ok(self.session.checked(values.into())?)
    }

    /// A context value, counted against the budget.
    pub(super) fn context_of(&mut self, entries: Vec<(Arc<str>, Value)>) -> Evaluated {
        self.session.spend_bytes(ELEMENT_BYTES * entries.len() as u64)?;
        Ok(self.session.checked(Value::Context(Context::from(entries)))?)
    }

    fn context(&mut self, entries: &Entries, scope: &dyn Variables) -> Evaluated {
        let mut frame = Frame::new(scope);
        for entry in &entries.named {
            let value = self.typed(&entry.value, &entry.type_ref, &frame)?;
            frame.set(&entry.name, value);
        }
        match &entries.result {
            Some(result) => self.boxed(result, &frame),
            None => self.context_of(frame.entries),
        }
    }

    fn relation(&mut self, relation: &Relation, scope: &dyn Variables) -> Evaluated {
        let mut rows = Vec::with_capacity(relation.rows.len());
        for row in &relation.rows {
            let mut entries = Vec::with_capacity(row.len());
            for ((name, required), cell) in relation.columns.iter().zip(row) {
                entries.push((name.clone(), self.typed(cell, required, scope)?));
            }
            rows.push(self.context_of(entries)?);
        }
        self.list_of(rows)
    }

    fn list(&mut self, parts: &[Boxed], scope: &dyn Variables) -> Evaluated {
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            values.push(self.boxed(part, scope)?);
        }
        self.list_of(values)
    }

    fn function(&mut self, logic: &Arc<FunctionLogic>, scope: &dyn Variables) -> Evaluated {
        let free = logic.free.iter();
        let captured: Vec<(Arc<str>, Value)> =
            free.filter_map(|name| Some((name.clone(), scope.get(name)?))).collect();
        self.session.spend_bytes(ELEMENT_BYTES * captured.len() as u64)?;
        let closure = Closure { model: self.model.clone(), logic: logic.clone(), captured };
        Ok(Value::Function(Function::native(closure)))
    }

    fn invocation(
        &mut self,
        element: &Arc<str>,
        invocation: &Invocation,
        scope: &dyn Variables,
    ) -> Evaluated {
        let function = self.boxed(&invocation.function, scope)?;
        let Value::Function(function) = function else {
            return self.no_result(element, "the invoked expression is no function".to_owned());
        };
        if self.is_dmn() && function.is_builtin() {
            return self.builtin_invocation(element, &function, invocation, scope);
        }
        let parameters = function.parameters();
        let is_bound = |name: &Arc<str>| invocation.bindings.iter().any(|(bound, _)| bound == name);
        if !self.is_dmn()
            && let Some(missing) = parameters.iter().find(|name| !is_bound(name))
        {
            return self.no_result(element, format!("no parameter found with name '{missing}'"));
        }
        let mut arguments = vec![Value::Null; parameters.len()];
        for (name, binding) in &invocation.bindings {
            let value = self.boxed(binding, scope)?;
            let position = parameters.iter().position(|parameter| parameter == name);
            match position.and_then(|position| arguments.get_mut(position)) {
                Some(argument) => *argument = value,
                None => {
                    let message = format!(
                        "the invoked function has no parameter '{name}', only: {}",
                        parameters.join(", ")
                    );
                    return self.no_result(element, message);
                }
            }
        }
        let value = function.call(&arguments, self.session);
        self.called(element, value)
    }

    /// Invokes a function that FEEL has: which overload depends on the bindings.
    fn builtin_invocation(
        &mut self,
        element: &Arc<str>,
        function: &Function,
        invocation: &Invocation,
        scope: &dyn Variables,
    ) -> Evaluated {
        let (mut names, mut arguments) = (Vec::new(), Vec::new());
        for (name, binding) in &invocation.bindings {
            names.push(name.clone());
            arguments.push(self.boxed(binding, scope)?);
        }
        let value = function.call_named(&names, &arguments, self.session);
        self.called(element, value)
    }

    /// The value of a function, whose warnings become those of the element.
    fn called(&mut self, element: &Arc<str>, value: Result<Value, EvaluationError>) -> Evaluated {
        for warning in self.session.take_warnings() {
            self.warn(element, warning.message);
        }
        Ok(value?)
    }

    fn conditional(&mut self, parts: &[Boxed; 3], scope: &dyn Variables) -> Evaluated {
        let [condition, then, otherwise] = parts;
        match self.boxed(condition, scope)? {
            Value::Boolean(true) => self.boxed(then, scope),
            Value::Boolean(false) => self.boxed(otherwise, scope),
            other => self.not_boolean(&condition.id, &other),
        }
    }
}
