//! Evaluates a decision after what it requires, each only once.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use skep_feel::{
    Environment, EvaluationError, NativeFunction, NoVariables, Session, Value, Variables, part_of,
};

use smallvec::SmallVec;

use super::call;
use super::evaluator::{Evaluator, Stop, pass_warnings, shown};
use crate::evaluation::{
    DecisionEvaluation, DecisionType, EvaluatedDecision, EvaluatedInput, Failure, TracedWarning,
};
use crate::limits::WARNINGS_MAX;
use crate::logic::Logic;
use crate::model::{Binding, Decision, Model, Target};
use crate::read::shorten;

/// Evaluates a decision.
pub(crate) fn decision(
    model: &Model,
    index: usize,
    variables: &dyn Variables,
    environment: &Environment,
) -> DecisionEvaluation {
    let mut session = Session::new(environment);
    let mut run = Run::new(model, variables, &mut session);
    run.traced = true;
    run.evaluated.reserve_exact(1);
    let output = run.decision(0, index);
    let evaluated_decisions = run.evaluated;
    let output = output.map_err(|failure| *failure);
    DecisionEvaluation { output, evaluated_decisions }
}

/// Evaluates a decision without a trace.
pub(crate) fn output(
    model: &Model,
    index: usize,
    variables: &dyn Variables,
    environment: &Environment,
) -> Result<Value, Failure> {
    let mut session = Session::new(environment);
    let output = Run::new(model, variables, &mut session).decision(0, index);
    output.map_err(|failure| *failure)
}

/// Calls a business knowledge model or a decision service.
pub(crate) fn invocable(
    model: &Model,
    target: Target,
    arguments: &dyn Variables,
    environment: &Environment,
) -> DecisionEvaluation {
    let mut session = Session::new(environment);
    let function = call::function_of(model, target, &NoVariables);
    let parameters = function.parameters().iter();
    let values: Vec<Value> =
        parameters.map(|name| arguments.get(name).unwrap_or(Value::Null)).collect();
    let output = function
        .call(&values, &mut session)
        .map_err(|error| Failure { decision_id: function.id().into(), message: error.to_string() });
    DecisionEvaluation { output, evaluated_decisions: Vec::new() }
}

/// An element of one of the models of a run: model and target there.
type Key = (u32, Target);

/// The evaluation of decisions against the same variables.
pub(super) struct Run<'r, 'e> {
    variables: &'r dyn Variables,
    session: &'r mut Session<'e>,
    results: Results<'r>,
    /// Whether what was evaluated is to be told.
    traced: bool,
    evaluated: Vec<EvaluatedDecision>,
    /// The warnings of what was evaluated without a trace.
    warnings: Vec<TracedWarning>,
}

/// What was evaluated so far.
struct Results<'r> {
    /// The models of which something is evaluated.
    models: SmallVec<[&'r Model; 2]>,
    values: BTreeMap<Key, Value>,
}

impl<'r> Results<'r> {
    /// The place of the model of the target of another one, if it takes part in the run.
    fn key(&self, model: &Model, target: Target) -> Option<Key> {
        let model = model.model_of(target)?;
        let place = self.models.iter().position(|known| known.is(model))?;
        Some((u32::try_from(place).ok()?, target.own()))
    }

    fn enter(&mut self, model: &'r Model, target: Target) -> Option<Key> {
        if let Some(key) = self.key(model, target) {
            return Some(key);
        }
        self.models.push(model.model_of(target)?);
        self.key(model, target)
    }
}

impl<'r, 'e> Run<'r, 'e> {
    pub(super) fn new(
        model: &'r Model,
        variables: &'r dyn Variables,
        session: &'r mut Session<'e>,
    ) -> Run<'r, 'e> {
        let results = Results { models: SmallVec::from_iter([model]), values: BTreeMap::new() };
        Run {
            variables,
            session,
            results,
            traced: false,
            evaluated: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Gives an element of the first model its value beforehand, as an argument of a service; false
    /// if the value is not of its type.
    pub(super) fn provide(
        &mut self,
        model: &'r Model,
        target: Target,
        value: &Value,
    ) -> Result<bool, EvaluationError> {
        let Some(key) = self.results.enter(model, target) else { return Ok(false) };
        let Some(owner) = model.model_of(target) else { return Ok(false) };
        let graph = owner.graph();
        let index = target.place().index as usize;
        let required = match target {
            Target::Input(_) => graph.inputs.get(index).map(|input| &input.type_ref),
            _ => graph.decisions.get(index).map(|decision| &decision.type_ref),
        };
        let Some(required) = required else { return Ok(false) };
        let coerced = required.declared.coerce(value, self.session)?;
        let fits = coerced.is_some();
        self.results.values.insert(key, coerced.unwrap_or(Value::Null));
        Ok(fits)
    }

    /// The value of a target of the first model, which has to be a decision.
    pub(super) fn output(
        &mut self,
        model: &'r Model,
        target: Target,
    ) -> Result<Value, Box<Failure>> {
        let Some((place, target)) = self.results.enter(model, target) else {
            return Ok(Value::Null);
        };
        self.decision(place, target.place().index as usize)
    }

    /// Hands the warnings to the session, as those of a function that an expression called.
    pub(super) fn pass_warnings(&mut self) {
        pass_warnings(self.session, Vec::new(), &self.warnings);
    }

    /// The value of a decision of the model at the place.
    fn decision(&mut self, place: u32, index: usize) -> Result<Value, Box<Failure>> {
        let model = self.results.models.get(place as usize).copied();
        let decision = model.and_then(|model| model.graph().decisions.get(index));
        if let (Some(model), Some(decision)) = (model, decision)
            && decision.required.is_empty()
            && self.results.values.is_empty()
        {
            return self.logic(model, decision);
        }
        let first = (place, Target::Decision(crate::model::Place::own(index)));
        // A stack of its own, so that a long chain of decisions does not nest.
        let mut stack: SmallVec<[(Key, usize); 4]> = SmallVec::from_iter([(first, 0)]);
        let mut last = Value::Null;
        while let Some((key, next)) = stack.last_mut() {
            let key = *key;
            if let Some(value) = self.results.values.get(&key) {
                last = value.clone();
                stack.pop();
                continue;
            }
            let Some(model) = self.results.models.get(key.0 as usize).copied() else { break };
            let index = key.1.place().index as usize;
            let Some(decision) = model.graph().decisions.get(index) else { break };
            match decision.required.get(*next) {
                Some(target) => {
                    *next += 1;
                    let Some(required) = self.results.enter(model, *target) else { continue };
                    match target {
                        Target::Decision(_) => stack.push((required, 0)),
                        _ => self.input(&decision.id, required)?,
                    }
                }
                None => {
                    let value = self.logic(model, decision)?;
                    stack.pop();
                    if stack.is_empty() {
                        return Ok(value);
                    }
                    self.results.values.insert(key, value);
                }
            }
        }
        Ok(last)
    }

    /// Reads an input, as its type demands; null if it is not of it.
    fn input(&mut self, decision: &Arc<str>, key: Key) -> Result<(), Box<Failure>> {
        if self.results.values.contains_key(&key) {
            return Ok(());
        }
        let Some(model) = self.results.models.get(key.0 as usize) else { return Ok(()) };
        if !model.dialect().is_dmn() {
            return Ok(());
        }
        let Some(input) = model.graph().inputs.get(key.1.place().index as usize) else {
            return Ok(());
        };
        let value = self.variables.get(&input.name).unwrap_or(Value::Null);
        let coerced = input.type_ref.declared.coerce(&value, self.session);
        let coerced = coerced.map_err(|error| Failure {
            decision_id: decision.clone(),
            message: format!("failed to evaluate the input '{}': {error}", input.id),
        })?;
        self.results.values.insert(key, coerced.unwrap_or(Value::Null));
        Ok(())
    }

    /// Evaluates the logic of a decision, everything required being known.
    fn logic(&mut self, model: &Model, decision: &Decision) -> Result<Value, Box<Failure>> {
        let scope = Scope {
            model,
            bindings: &decision.bindings,
            run: &self.results,
            variables: self.variables,
            levels: FUNCTION_LEVELS,
        };
        let mut evaluator = Evaluator::new(model, self.session, self.traced);
        let value = match &decision.logic {
            Some(logic) => evaluator.output(logic, &decision.type_ref, &scope),
            None => Ok(Value::Null),
        };
        let (inputs, matched_rules, warnings) = evaluator.finish();
        let value = value.map_err(|stop| failure(decision, &stop, &inputs, &warnings));
        if !self.traced {
            let left = WARNINGS_MAX.saturating_sub(self.warnings.len());
            self.warnings.extend(warnings.into_iter().take(left));
            return value;
        }
        self.evaluated.push(EvaluatedDecision {
            decision_id: decision.id.clone(),
            decision_name: decision.name.clone(),
            decision_type: type_of(decision),
            output: value.as_ref().map_or(Value::Null, Value::clone),
            inputs,
            matched_rules,
            warnings,
        });
        value
    }
}

/// A warning with the part of its expression that it is about.
fn located(warning: &TracedWarning) -> String {
    match part_of(&warning.expression, &warning.span) {
        Some(part) => format!("{} (at '{}')", warning.message, shorten(part)),
        None => warning.message.clone(),
    }
}

/// What stopped the decision, with its inputs and warnings.
#[cold]
fn failure(
    decision: &Decision,
    stop: &Stop,
    inputs: &[EvaluatedInput],
    warnings: &[TracedWarning],
) -> Box<Failure> {
    let mut message = stop.to_string();
    let mut part = |title: &str, texts: Vec<String>| {
        if !texts.is_empty() {
            let _ = write!(message, "; {title}: {}", texts.join(", "));
        }
    };
    let told = |input: &EvaluatedInput| format!("{} = {}", input.input_name, shown(&input.value));
    part("inputs", inputs.iter().map(told).collect());
    let mut warnings: Vec<String> = warnings.iter().map(located).collect();
    warnings.dedup();
    part("warnings", warnings);
    Box::new(Failure { decision_id: decision.id.clone(), message })
}

fn type_of(decision: &Decision) -> DecisionType {
    match decision.logic.as_ref().map(|logic| &logic.logic) {
        Some(Logic::Table(_)) => DecisionType::DecisionTable,
        Some(Logic::Literal(_)) => DecisionType::LiteralExpression,
        Some(Logic::Context(_)) => DecisionType::Context,
        Some(Logic::Invocation(_)) => DecisionType::Invocation,
        Some(Logic::List(_)) => DecisionType::List,
        Some(Logic::Relation(_)) => DecisionType::Relation,
        _ => DecisionType::Unknown,
    }
}

/// How far functions that are in scope see one another by that alone, without requiring it: the one
/// that is called, those that it names, and no further. All of them see themselves, which would not end.
const FUNCTION_LEVELS: u32 = 2;

/// The names that an element sees.
#[derive(Clone, Copy)]
struct Scope<'a, 'r> {
    model: &'a Model,
    bindings: &'a [Binding],
    run: &'a Results<'r>,
    variables: &'a dyn Variables,
    /// How far functions see one another.
    levels: u32,
}

impl Scope<'_, '_> {
    fn element(&self, target: Target) -> Option<Value> {
        match target {
            Target::Decision(_) | Target::Input(_) => {
                let key = self.run.key(self.model, target)?;
                self.run.values.get(&key).cloned()
            }
            Target::Knowledge(_) | Target::Service(_) => {
                let levels = self.levels.checked_sub(1)?;
                call::function_value(self.model, target, &Scope { levels, ..*self })
            }
        }
    }
}

impl Variables for Scope<'_, '_> {
    fn get(&self, name: &str) -> Option<Value> {
        match self.bindings.iter().find(|binding| &*binding.name == name) {
            Some(binding) => binding.value(&|target| self.element(target)),
            // By the standard nothing is seen but what is required.
            None if self.model.dialect().is_dmn() => None,
            None => self.variables.get(name),
        }
    }
}
