//! Business knowledge models, decision services and boxed functions as functions of FEEL.

use std::sync::Arc;

use skep_feel::{
    Context, EvaluationError, Function, NativeFunction, NoVariables, Session, Value, Variables,
    Warning, WarningKind,
};

use super::evaluator::{Evaluator, Stop};
use super::run::Run;
use crate::limits::CALL_LEVELS;
use crate::logic::FunctionLogic;
use crate::model::{Binding, Model, Target};
use crate::scope::Frame;
use crate::types::TypeRef;

/// A business knowledge model or a decision service of a model.
pub(super) struct Invocable {
    model: Model,
    target: Target,
    parameters: Arc<[Arc<str>]>,
    /// What the function reads from around the call, in Camunda's dialect.
    captured: Vec<(Arc<str>, Value)>,
}

/// The function that the target is, as a value, called where `scope` is what names mean.
pub(super) fn function_value(
    model: &Model,
    target: Target,
    scope: &dyn Variables,
) -> Option<Value> {
    let owner = model.model_of(target)?;
    if let Target::Decision(_) | Target::Input(_) = target {
        return None;
    }
    Some(Value::Function(Function::native(function_of(owner, target.own(), scope))))
}

/// The function that the target of this model is.
pub(super) fn function_of(model: &Model, target: Target, scope: &dyn Variables) -> Invocable {
    let index = target.place().index as usize;
    let graph = model.graph();
    let parameters = match target {
        Target::Knowledge(_) => graph.knowledge.get(index).map(|found| &found.parameters),
        _ => graph.services.get(index).map(|found| &found.parameters),
    };
    let parameters = parameters.map(|names| names.iter().cloned().collect()).unwrap_or_default();
    // By the standard a function sees what it requires, in Camunda's dialect also the variables of
    // whatever calls it.
    let knowledge = match target {
        Target::Knowledge(_) if !model.dialect().is_dmn() => graph.knowledge.get(index),
        _ => None,
    };
    let free = knowledge.map(|knowledge| {
        let free = knowledge.free.iter();
        let free = free.filter(|name| !knowledge.bindings.iter().any(|bound| bound.name == **name));
        free.filter_map(|name| Some((name.clone(), scope.get(name)?))).collect()
    });
    Invocable { model: model.clone(), target, parameters, captured: free.unwrap_or_default() }
}

impl Invocable {
    /// The id of the element.
    pub(super) fn id(&self) -> &str {
        let index = self.target.place().index as usize;
        let graph = self.model.graph();
        match self.target {
            Target::Knowledge(_) => graph.knowledge.get(index).map_or("", |found| &found.id),
            _ => graph.services.get(index).map_or("", |found| &found.id),
        }
    }

    fn knowledge(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        let index = self.target.place().index as usize;
        let Some(knowledge) = self.model.graph().knowledge.get(index) else {
            return Ok(Value::Null);
        };
        let around = Frame::with(&NoVariables, self.captured.clone());
        let bindings = &knowledge.bindings;
        let scope = Functions { model: &self.model, bindings, around: &around };
        let frame = Frame::new(&scope);
        let output = &knowledge.type_ref;
        let result = call(&self.model, &knowledge.logic, output, frame, arguments, session);
        match result {
            // In Camunda's dialect a function that fails is null for whatever calls it.
            Err(
                error @ (EvaluationError::FunctionFailed(_) | EvaluationError::AssertionFailed(_)),
            ) if !self.model.dialect().is_dmn() => {
                let message = format!("Failed to invoke function '{}': {error}", knowledge.name);
                let kind = WarningKind::FunctionInvocationFailure;
                session.add_warning(Warning { kind, message, span: 0..0 });
                Ok(Value::Null)
            }
            result => result,
        }
    }

    fn service(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        let index = self.target.place().index as usize;
        let Some(service) = self.model.graph().services.get(index) else {
            return Ok(Value::Null);
        };
        let outputs = {
            let names = self.parameters.iter().cloned();
            let arguments =
                Frame::with(&NoVariables, names.zip(arguments.iter().cloned()).collect());
            let mut run = Run::new(&self.model, &arguments, session);
            for (target, (_, value)) in service.inputs.iter().zip(&arguments.entries) {
                // Nothing is evaluated for an argument of another type.
                if !run.provide(&self.model, *target, value)? {
                    return Ok(Value::Null);
                }
            }
            let mut outputs = Vec::with_capacity(service.outputs.len());
            for target in &service.outputs {
                let output = run.output(&self.model, *target);
                outputs.push(
                    output.map_err(|failure| EvaluationError::FunctionFailed(failure.message))?,
                );
            }
            run.pass_warnings();
            outputs
        };
        let value = match <[Value; 1]>::try_from(outputs) {
            Ok([only]) => only,
            Err(outputs) => {
                let names = service.output_names.iter().cloned();
                Value::Context(names.zip(outputs).collect::<Context>())
            }
        };
        let coerced = service.type_ref.declared.coerce(&value, session)?;
        Ok(coerced.unwrap_or(Value::Null))
    }
}

impl NativeFunction for Invocable {
    fn parameters(&self) -> &[Arc<str>] {
        &self.parameters
    }

    fn call(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        session.enter(CALL_LEVELS)?;
        let result = match self.target {
            Target::Knowledge(_) => self.knowledge(arguments, session),
            _ => self.service(arguments, session),
        };
        session.leave(CALL_LEVELS);
        result
    }
}

/// A function that a boxed expression defines, with what it reads from around its definition.
pub(super) struct Closure {
    pub(super) model: Model,
    pub(super) logic: Arc<FunctionLogic>,
    pub(super) captured: Vec<(Arc<str>, Value)>,
}

impl NativeFunction for Closure {
    fn parameters(&self) -> &[Arc<str>] {
        &self.logic.parameters
    }

    fn call(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        session.enter(CALL_LEVELS)?;
        let frame = Frame::with(&NoVariables, self.captured.clone());
        let result = call(&self.model, &self.logic, &TypeRef::any(), frame, arguments, session);
        session.leave(CALL_LEVELS);
        result
    }
}

/// Evaluates the body of a function with arguments of the types that it demands.
fn call(
    model: &Model,
    logic: &FunctionLogic,
    output: &TypeRef,
    mut frame: Frame<'_>,
    arguments: &[Value],
    session: &mut Session<'_>,
) -> Result<Value, EvaluationError> {
    let parameters = logic.parameters.iter().zip(&logic.parameter_types);
    let mut evaluator = Evaluator::new(model, session, false);
    for ((name, required), value) in parameters.zip(arguments) {
        let is_null = value.is_null();
        let value = evaluator.coerce(value.clone(), required, name).map_err(Stop::into_error)?;
        // Nothing is evaluated for an argument of another type.
        if value.is_null() && !is_null {
            evaluator.pass_warnings();
            return Ok(Value::Null);
        }
        frame.set(name, value);
    }
    let Some(body) = &logic.body else {
        let message = "the function has no logic that could be evaluated here";
        evaluator.warn(&Arc::from(""), message.to_owned());
        evaluator.pass_warnings();
        return Ok(Value::Null);
    };
    let result = evaluator.typed(body, output, &frame);
    evaluator.pass_warnings();
    result.map_err(Stop::into_error)
}

/// The functions that a business knowledge model sees, and what is around its call.
struct Functions<'a> {
    model: &'a Model,
    bindings: &'a [Binding],
    around: &'a dyn Variables,
}

impl Variables for Functions<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        match self.bindings.iter().find(|binding| &*binding.name == name) {
            Some(binding) => {
                binding.value(&|target| function_value(self.model, target, self.around))
            }
            None => self.around.get(name),
        }
    }
}
