//! Input and output mappings (`spec/engine.md` 7.1, items 4 to 7 and 11).

use std::collections::BTreeMap;

use bytes::Bytes;
use skep_bpmn::model::{Mapping, Value as ModelValue};
use skep_feel::{Value, Variables};
use skep_protocol::{ErrorType, Key};

use super::expression::{self, ScopeVariables};
use super::variables;
use crate::context::Context;
use crate::document;
use crate::problem::{Outcome, Problem};

/// What the mappings put at one place: a source, or more targets below it. A target has the place of
/// its first mapping, as the real broker orders them.
enum Target<'a> {
    Source(&'a ModelValue),
    Nested(Targets<'a>),
}

type Targets<'a> = Vec<(&'a str, Target<'a>)>;

/// The targets of all mappings as a tree. A later mapping of the same target replaces an earlier one.
fn targets(mappings: &[Mapping]) -> Targets<'_> {
    let mut roots = Targets::with_capacity(mappings.len());
    for mapping in mappings {
        let Some((last, parents)) = mapping.target.split_last() else { continue };
        let mut level = Some(&mut roots);
        for segment in parents {
            level = level.and_then(|level| match place(level, segment) {
                Some(Target::Nested(inner)) => Some(inner),
                Some(target) => {
                    *target = Target::Nested(Targets::new());
                    if let Target::Nested(inner) = target { Some(inner) } else { None }
                }
                None => None,
            });
        }
        if let Some(target) = level.and_then(|level| place(level, last)) {
            *target = Target::Source(&mapping.source);
        }
    }
    roots
}

fn place<'a, 'b>(level: &'b mut Targets<'a>, name: &'a str) -> Option<&'b mut Target<'a>> {
    let at = level.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
        level.push((name, Target::Nested(Targets::new())));
        level.len() - 1
    });
    level.get_mut(at).map(|(_, target)| target)
}

impl Context<'_> {
    /// Evaluates input mappings on the element's scope and sets the results local to it.
    pub(crate) fn map_inputs(&mut self, mappings: &[Mapping], scope_key: Key) -> Outcome {
        if mappings.is_empty() {
            return Ok(());
        }
        let results = self.evaluate_mappings(mappings, scope_key, false)?;
        self.set_local_all(scope_key, results);
        Ok(())
    }

    /// Evaluates output mappings on the element's scope and merges the results from the scope
    /// around it outward.
    pub(crate) fn map_outputs(
        &mut self,
        mappings: &[Mapping],
        scope_key: Key,
        flow_scope_key: Key,
    ) -> Outcome {
        let results = self.evaluate_mappings(mappings, scope_key, true)?;
        self.merge(flow_scope_key, results);
        Ok(())
    }

    /// All mappings as one context: later ones see the results of earlier ones, those inside a nested
    /// target their siblings too. Nested outputs extend the variable that the element sees.
    fn evaluate_mappings(
        &self,
        mappings: &[Mapping],
        scope_key: Key,
        extend: bool,
    ) -> Outcome<Vec<(String, Bytes)>> {
        let scopes = if extend { variables::scopes(self.state, scope_key) } else { Vec::new() };
        let existing = |name: &str| variables::find(self.state, &scopes, name);
        self.evaluate_targets(&targets(mappings), scope_key, &mut BTreeMap::new(), &existing)
    }

    /// Evaluates one level of targets. Recursion ends with the segments of a target, which the model
    /// limits.
    fn evaluate_targets(
        &self,
        targets: &Targets<'_>,
        scope_key: Key,
        seen: &mut BTreeMap<String, Value>,
        existing: &dyn Fn(&str) -> Option<Bytes>,
    ) -> Outcome<Vec<(String, Bytes)>> {
        let mut results = Vec::with_capacity(targets.len());
        for (name, target) in targets {
            let (value, bytes) = match target {
                Target::Source(source) => {
                    let value = self.evaluate_source(source, scope_key, seen)?;
                    let bytes = expression::encode(&value);
                    (value, bytes)
                }
                Target::Nested(inner) => {
                    // What is there and no context gives way to one.
                    let mut entries = existing(name)
                        .and_then(|bytes| document::entries(&bytes))
                        .unwrap_or_default();
                    let below = |name: &str| {
                        entries
                            .iter()
                            .find(|(other, _)| other == name)
                            .map(|(_, bytes)| bytes.clone())
                    };
                    let put = self.evaluate_targets(inner, scope_key, &mut seen.clone(), &below)?;
                    for (name, bytes) in put {
                        match entries.iter_mut().find(|(other, _)| *other == name) {
                            Some((_, old)) => *old = bytes,
                            None => entries.push((name, bytes)),
                        }
                    }
                    let bytes = document::build(
                        entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref())),
                    );
                    let value = Value::from_msgpack_shared(bytes.clone())
                        .map_err(|_| Problem::internal("a mapping result cannot be read back"))?;
                    (value, bytes)
                }
            };
            seen.insert((*name).to_owned(), value);
            results.push(((*name).to_owned(), bytes));
        }
        Ok(results)
    }

    fn evaluate_source(
        &self,
        source: &ModelValue,
        scope_key: Key,
        overlay: &BTreeMap<String, Value>,
    ) -> Outcome<Value> {
        match source {
            ModelValue::Static(text) => Ok(Value::String(text.as_ref().into())),
            ModelValue::Expression(feel) => {
                let variables = ScopeVariables::new(self.state, scope_key).with_overlay(overlay);
                expression::evaluate(
                    feel,
                    &variables as &dyn Variables,
                    &self.environment(),
                    ErrorType::IoMappingError,
                )
                .map(|evaluation| evaluation.value)
                .map_err(|problem| problem.at_scope(scope_key))
            }
        }
    }
}
