//! Boxed iterations: `for`, `some`, `every` and filters.

use std::sync::{Arc, LazyLock};

use skep_feel::{Dialect, Expression, List, NoVariables, Syntax, Value, Variables};

use super::evaluator::{Evaluated, Evaluator, shown};
use crate::logic::{Boxed, Iteration};
use crate::scope::{Element, Input, Iterated};

/// The elements of the range `?`, parsed once.
static ELEMENTS: LazyLock<Option<Expression>> = LazyLock::new(|| {
    let syntax = Syntax { dialect: Dialect::Dmn, ..Syntax::default() };
    Expression::parse_in("for element in ? return element", &syntax).ok()
});

impl Evaluator<'_, '_> {
    /// The list that a value is; a single value is a list of it, null is none.
    fn domain(&mut self, boxed: &Boxed, value: Value) -> Option<List> {
        match value {
            Value::List(list) => Some(list),
            Value::Null => {
                self.warn(&boxed.id, "Expected a list but found 'null'".to_owned());
                None
            }
            single => Some(List::from(vec![single])),
        }
    }

    /// The list to iterate over, by the standard also the elements of a range.
    fn iterated(&mut self, boxed: &Boxed, scope: &dyn Variables) -> Evaluated<Option<List>> {
        let mut value = self.boxed(boxed, scope)?;
        if self.is_dmn() && matches!(value, Value::Range(_)) {
            let Some(elements) = &*ELEMENTS else { return Ok(None) };
            value = self.expression(&boxed.id, elements, &Input::new(&NoVariables, &value))?;
        }
        Ok(self.domain(boxed, value))
    }

    pub(super) fn for_each(&mut self, iteration: &Iteration, scope: &dyn Variables) -> Evaluated {
        let Some(domain) = self.iterated(&iteration.domain, scope)? else { return Ok(Value::Null) };
        let mut results = Vec::with_capacity(domain.len());
        for value in &domain {
            // What is read as `partial` is a copy of the results so far.
            let copied = if iteration.reads_partial { results.len() as u64 } else { 0 };
            self.session.spend_steps(1 + copied)?;
            let scope = Iterated::new(scope, &iteration.variable, &value, &results);
            let result = self.boxed(&iteration.body, &scope)?;
            results.push(result);
        }
        self.list_of(results)
    }

    /// `some` (true is decisive) or `every` (false is).
    pub(super) fn quantified(
        &mut self,
        element: &Arc<str>,
        iteration: &Iteration,
        decisive: bool,
        scope: &dyn Variables,
    ) -> Evaluated {
        let Some(domain) = self.iterated(&iteration.domain, scope)? else { return Ok(Value::Null) };
        for value in &domain {
            self.session.spend_steps(1)?;
            let scope = Iterated::new(scope, &iteration.variable, &value, &[]);
            match self.boxed(&iteration.body, &scope)? {
                Value::Boolean(result) if result == decisive => return Ok(result.into()),
                Value::Boolean(_) => {}
                other => return self.not_boolean(element, &other),
            }
        }
        Ok(Value::Boolean(!decisive))
    }

    /// The elements for which the condition is true.
    pub(super) fn filter(
        &mut self,
        element: &Arc<str>,
        parts: &[Boxed; 2],
        scope: &dyn Variables,
    ) -> Evaluated {
        let [domain, condition] = parts;
        let value = self.boxed(domain, scope)?;
        let Some(domain) = self.domain(domain, value) else { return Ok(Value::Null) };
        let mut kept = Vec::new();
        for value in &domain {
            self.session.spend_steps(1)?;
            match self.boxed(condition, &Element::new(scope, &value))? {
                Value::Boolean(true) => kept.push(value),
                Value::Boolean(false) => {}
                other => return self.not_boolean(element, &other),
            }
        }
        self.list_of(kept)
    }

    /// Null, as a condition is no boolean.
    #[cold]
    pub(super) fn not_boolean(&mut self, element: &Arc<str>, found: &Value) -> Evaluated {
        self.warn(element, format!("Expected boolean but found '{}'", shown(found)));
        Ok(Value::Null)
    }
}
