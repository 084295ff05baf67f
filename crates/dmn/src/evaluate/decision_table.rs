//! Decision tables: which rules match, and what they give.

use std::sync::Arc;

use skep_feel::{Expression, Value, Variables};
use smallvec::SmallVec;

use super::evaluator::{Evaluated, Evaluator, shown};
use crate::evaluation::{EvaluatedInput, EvaluatedOutput, MatchedRule};
use crate::logic::{Cell, HitPolicy, InputClause, OutputClause, Rule, Table};
use crate::read::shorten;
use crate::scope::Input;
use crate::types::satisfies;

/// The outputs of a rule that matched, in the order of the columns.
pub(super) type Outputs = SmallVec<[Value; 2]>;

/// The values of the inputs, in the order of the columns.
type Inputs = SmallVec<[Value; 4]>;

/// The outputs of the rules that matched, in the order of the table.
pub(super) type Matched = SmallVec<[Outputs; 1]>;

impl Evaluator<'_, '_> {
    pub(super) fn table(
        &mut self,
        element: &Arc<str>,
        table: &Table,
        scope: &dyn Variables,
        traced: bool,
    ) -> Evaluated {
        let mut inputs = Inputs::new();
        for clause in &table.inputs {
            inputs.push(self.input(clause, scope)?);
        }
        let result = self.result(element, table, &inputs, scope, traced);
        if traced {
            self.inputs = evaluated_inputs(table, inputs);
        }
        result
    }

    fn result(
        &mut self,
        element: &Arc<str>,
        table: &Table,
        inputs: &[Value],
        scope: &dyn Variables,
        traced: bool,
    ) -> Evaluated {
        for (clause, value) in table.inputs.iter().zip(inputs) {
            if clause.allowed.is_some() && !self.is_allowed(clause, value)? {
                let (name, value) = (&clause.name, shown(value));
                let message = format!("the value '{value}' of the input '{name}' is not allowed");
                return self.no_result(&clause.id, message);
            }
        }
        let matched = self.matched(table, inputs, scope, traced);
        if matched.is_err() && traced {
            self.matched_rules.clear();
        }
        let matched = matched?;
        if matched.is_empty() {
            return self.no_match(table, scope);
        }
        self.hit(element, table, matched)
    }

    fn matched(
        &mut self,
        table: &Table,
        inputs: &[Value],
        scope: &dyn Variables,
        traced: bool,
    ) -> Evaluated<Matched> {
        self.session.spend_steps(table.steps)?;
        let mut matched = Matched::new();
        for (rule, number) in table.rules.iter().zip(1..) {
            if !self.matches(rule, inputs, scope)? {
                continue;
            }
            let outputs = self.outputs(table, rule, scope)?;
            if traced {
                self.matched_rules.reserve_exact(usize::from(self.matched_rules.is_empty()));
                self.matched_rules.push(matched_rule(table, rule, number, &outputs));
            }
            matched.push(outputs);
            if table.policy == HitPolicy::First {
                break;
            }
        }
        Ok(matched)
    }

    fn input(&mut self, clause: &InputClause, scope: &dyn Variables) -> Evaluated {
        let value = self.expression(&clause.id, &clause.expression, scope)?;
        self.coerce(value, &clause.type_ref, &clause.id)
    }

    fn is_allowed(&mut self, clause: &InputClause, value: &Value) -> Evaluated<bool> {
        self.all_allowed(value, clause.allowed.as_ref())
    }

    /// Whether the value is allowed, or each of its elements if it is a list.
    fn all_allowed(&mut self, value: &Value, allowed: Option<&Expression>) -> Evaluated<bool> {
        if satisfies(value, allowed, self.session)? {
            return Ok(true);
        }
        let Value::List(list) = value else { return Ok(false) };
        for element in list {
            if !satisfies(&element, allowed, self.session)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether all tests of the rule hold.
    fn matches(&mut self, rule: &Rule, inputs: &[Value], scope: &dyn Variables) -> Evaluated<bool> {
        for (test, input) in rule.tests.iter().zip(inputs) {
            let Some(test) = test else { continue };
            if !self.test(test, input, scope)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[inline]
    fn test(&mut self, test: &Cell, input: &Value, scope: &dyn Variables) -> Evaluated<bool> {
        match test.expression.decide(input) {
            Some(holds) => Ok(holds),
            None => self.test_slowly(test, input, scope),
        }
    }

    fn test_slowly(
        &mut self,
        test: &Cell,
        input: &Value,
        scope: &dyn Variables,
    ) -> Evaluated<bool> {
        match self.expression(&test.id, &test.expression, &Input::new(scope, input))? {
            Value::Boolean(result) => Ok(result),
            Value::Null => Ok(false),
            other => {
                let (text, found) = (shorten(test.expression.text()), shown(&other));
                let message = format!(
                    "the tests '{text}' of the input '{}' gave '{found}' instead of true, false or null",
                    shown(input)
                );
                self.no_result(&test.id, message)?;
                Ok(false)
            }
        }
    }

    /// The values of the output entries of a rule.
    fn outputs(&mut self, table: &Table, rule: &Rule, scope: &dyn Variables) -> Evaluated<Outputs> {
        let mut outputs = Outputs::new();
        for (clause, cell) in table.outputs.iter().zip(&rule.outputs) {
            outputs.push(match cell {
                Some(cell) => self.entry(clause, &cell.id, &cell.expression, scope)?,
                None => Value::Null,
            });
        }
        Ok(outputs)
    }

    fn entry(
        &mut self,
        clause: &OutputClause,
        element: &Arc<str>,
        expression: &Expression,
        scope: &dyn Variables,
    ) -> Evaluated {
        let value = self.expression(element, expression, scope)?;
        let value = self.coerce(value, &clause.type_ref, element)?;
        if !self.all_allowed(&value, clause.allowed.as_ref())? {
            let (name, value) = (&clause.label, shown(&value));
            self.warn(
                element,
                format!("the value '{value}' of the output '{name}' is not allowed"),
            );
            return Ok(Value::Null);
        }
        Ok(value)
    }

    /// The defaults of the outputs, if there are any, when no rule matches.
    fn no_match(&mut self, table: &Table, scope: &dyn Variables) -> Evaluated {
        if !table.has_default {
            return Ok(self.nothing(table));
        }
        let mut values = Vec::new();
        for clause in &table.outputs {
            match &clause.default {
                Some(default) => {
                    let value = self.entry(clause, &clause.id, default, scope)?;
                    values.push((clause.name.clone(), value));
                }
                // By the standard, all outputs are there; Camunda gives those that have a default.
                None if self.is_dmn() => values.push((clause.name.clone(), Value::Null)),
                None => {}
            }
        }
        match <[(Arc<str>, Value); 1]>::try_from(values) {
            Ok([(_, only)]) => Ok(only),
            Err(values) => self.context_of(values),
        }
    }
}

fn evaluated_inputs(table: &Table, values: Inputs) -> Vec<EvaluatedInput> {
    let clauses = table.inputs.iter().zip(values);
    let inputs = clauses.map(|(clause, value)| EvaluatedInput {
        input_id: clause.id.clone(),
        input_name: clause.name.clone(),
        value,
    });
    inputs.collect()
}

fn matched_rule(table: &Table, rule: &Rule, number: u32, outputs: &Outputs) -> MatchedRule {
    let clauses = table.outputs.iter().zip(outputs);
    MatchedRule {
        rule_id: rule.id.clone(),
        rule_index: number,
        outputs: clauses
            .map(|(clause, value)| EvaluatedOutput {
                output_id: clause.id.clone(),
                output_name: clause.label.clone(),
                value: value.clone(),
            })
            .collect(),
    }
}
