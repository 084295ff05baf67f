//! What a table gives for the rules that matched.

use std::sync::{Arc, LazyLock};

use skep_feel::{Expression, NoVariables, Value};

use super::decision_table::{Matched, Outputs};
use super::evaluator::{Evaluated, Evaluator, shown};
use crate::logic::{Aggregation, HitPolicy, Table};
use crate::scope::Input;

impl Evaluator<'_, '_> {
    /// The result of a table of which at least one rule matched.
    pub(super) fn hit(
        &mut self,
        element: &Arc<str>,
        table: &Table,
        mut matched: Matched,
    ) -> Evaluated {
        match table.policy {
            HitPolicy::Unique if matched.len() > 1 => {
                let message = format!(
                    "multiple values aren't allowed for UNIQUE hit policy. found: '{}'",
                    self.shown(table, matched)
                );
                self.no_result(element, message)
            }
            HitPolicy::Any if !self.all_equal(&matched)? => {
                let message = format!(
                    "different values aren't allowed for ANY hit policy. found: '{}'",
                    self.shown(table, matched)
                );
                self.no_result(element, message)
            }
            HitPolicy::Unique | HitPolicy::Any | HitPolicy::First => self.first(table, matched),
            HitPolicy::Priority => {
                self.sort(table, &mut matched)?;
                self.first(table, matched)
            }
            HitPolicy::OutputOrder => {
                self.sort(table, &mut matched)?;
                self.all(table, matched)
            }
            HitPolicy::RuleOrder | HitPolicy::Collect(None) => self.all(table, matched),
            HitPolicy::Collect(Some(Aggregation::Count)) => Ok(matched.len().into()),
            HitPolicy::Collect(Some(aggregation)) => self.aggregate(element, aggregation, matched),
        }
    }

    /// The result if no rule matched and no output has a default.
    pub(super) fn nothing(&self, table: &Table) -> Value {
        match table.policy {
            HitPolicy::Collect(Some(Aggregation::Count)) if self.is_dmn() => Value::from(0_i64),
            _ => Value::Null,
        }
    }

    #[inline]
    fn first(&mut self, table: &Table, mut matched: Matched) -> Evaluated {
        match matched.first_mut() {
            Some(outputs) if outputs.len() == 1 => Ok(outputs.pop().unwrap_or(Value::Null)),
            Some(outputs) => {
                let outputs = std::mem::take(outputs);
                self.combine(table, outputs)
            }
            None => Ok(Value::Null),
        }
    }

    fn all(&mut self, table: &Table, matched: Matched) -> Evaluated {
        let mut values = Vec::with_capacity(matched.len());
        for outputs in matched {
            values.push(self.combine(table, outputs)?);
        }
        self.list_of(values)
    }

    /// One output is the value itself, several are a context.
    fn combine(&mut self, table: &Table, mut outputs: Outputs) -> Evaluated {
        match outputs.len() {
            1 => Ok(outputs.pop().unwrap_or(Value::Null)),
            _ => {
                let names = table.outputs.iter().map(|clause| clause.name.clone());
                self.context_of(names.zip(outputs).collect())
            }
        }
    }

    fn shown(&mut self, table: &Table, matched: Matched) -> String {
        match self.all(table, matched) {
            Ok(values) => shown(&values),
            Err(_) => String::new(),
        }
    }

    /// Sorts by priority; rules of the same priority stay in the order of the table.
    fn sort(&mut self, table: &Table, matched: &mut [Outputs]) -> Evaluated<()> {
        for outputs in &*matched {
            for (clause, value) in table.outputs.iter().zip(outputs) {
                self.session.spend_steps(clause.priorities.len() as u64)?;
                self.session.spend_walk(value)?;
            }
        }
        let place = |outputs: &Outputs| -> Vec<usize> {
            let columns = table.outputs.iter().zip(outputs);
            columns
                .map(|(clause, value)| {
                    let found = clause.priorities.iter().position(|listed| listed == value);
                    found.unwrap_or(usize::MAX)
                })
                .collect()
        };
        if self.is_dmn() {
            matched.sort_by_cached_key(place);
            return Ok(());
        }
        // Camunda compares the places as one text.
        matched.sort_by_cached_key(|outputs| -> String {
            let places = place(outputs).into_iter();
            places
                .map(|place| match place {
                    usize::MAX => "~".to_owned(),
                    place => place.to_string(),
                })
                .collect()
        });
        Ok(())
    }

    fn aggregate(
        &mut self,
        element: &Arc<str>,
        aggregation: Aggregation,
        matched: Matched,
    ) -> Evaluated {
        let values: Vec<Value> = matched.into_iter().flatten().collect();
        if !self.is_dmn()
            && let Some(other) = values.iter().find(|value| value.as_number().is_none())
        {
            let message = format!("expected number but found '{}'", shown(other));
            return self.no_result(element, message);
        }
        let Some(expression) = aggregated(aggregation) else { return Ok(Value::Null) };
        let list = self.list_of(values)?;
        self.expression(element, expression, &Input::new(&NoVariables, &list))
    }

    fn all_equal(&mut self, matched: &[Outputs]) -> Evaluated<bool> {
        let Some((first, rest)) = matched.split_first() else { return Ok(true) };
        for outputs in rest {
            for (output, other) in first.iter().zip(outputs) {
                self.session.spend_walk(output)?;
                if output != other {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// What an aggregation makes of the list `?`: parsed once, not for every table that is evaluated.
fn aggregated(aggregation: Aggregation) -> Option<&'static Expression> {
    type Parsed = LazyLock<Option<Expression>>;
    static SUM: Parsed = LazyLock::new(|| Expression::parse("sum(?)").ok());
    static MIN: Parsed = LazyLock::new(|| Expression::parse("min(?)").ok());
    static MAX: Parsed = LazyLock::new(|| Expression::parse("max(?)").ok());
    match aggregation {
        Aggregation::Sum => &SUM,
        Aggregation::Min => &MIN,
        Aggregation::Max | Aggregation::Count => &MAX,
    }
    .as_ref()
}
