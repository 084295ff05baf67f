//! Calls of built-in functions and of functions that expressions define.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Evaluated, Evaluator, Stop, shown};
use crate::builtin::{self, Call, CompiledRegex, Overload};
use crate::node::{BuiltinCall, FunctionLiteral, Invoke, Kind, Span};
use crate::value::Function;
use crate::{Value, WarningKind};

/// Why a built-in function gave no value.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Null, with this warning.
    Null(String),
    /// Null, because of arguments of the wrong types.
    Arguments,
    /// The whole evaluation ends.
    Stop(Stop),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Failure {
        Failure::Stop(stop)
    }
}

impl Evaluator<'_> {
    pub(super) fn builtin(&mut self, node: &BuiltinCall, span: Span) -> Evaluated {
        let mut arguments: SmallVec<[Value; 4]> = SmallVec::with_capacity(node.arguments.len());
        for argument in &node.arguments {
            let argument = self.eval(argument)?;
            self.steps(argument.scan_steps())?;
            arguments.push(argument);
        }
        self.call_builtin(node.overload, &arguments, &node.regex, span)
    }

    fn call_builtin(
        &mut self,
        overload: &'static Overload,
        arguments: &[Value],
        regex: &CompiledRegex,
        span: Span,
    ) -> Evaluated {
        let mut call = Call { evaluator: self, arguments, regex };
        let mut outcome = (overload.function)(&mut call);
        if let Err(Failure::Arguments) = outcome
            && self.dialect().is_dmn()
            && let Some(unwrapped) = without_singletons(arguments)
        {
            let mut call = Call { evaluator: self, arguments: &unwrapped, regex };
            outcome = (overload.function)(&mut call);
        }
        match outcome {
            Ok(value) => self.checked(value),
            Err(Failure::Stop(stop)) => Err(stop),
            Err(Failure::Null(reason)) => {
                self.warn_failure(overload.name, &reason, span);
                Ok(Value::Null)
            }
            Err(Failure::Arguments) => {
                let arguments: Vec<String> =
                    arguments.iter().map(|argument| format!("'{}'", shown(argument))).collect();
                let reason = format!("Illegal arguments: {}", arguments.join(", "));
                self.warn_failure(overload.name, &reason, span);
                Ok(Value::Null)
            }
        }
    }

    #[cold]
    fn warn_failure(&mut self, name: &str, reason: &str, span: Span) {
        self.warn(
            WarningKind::FunctionInvocationFailure,
            span,
            format_args!("Failed to invoke function '{name}': {reason}"),
        );
    }

    pub(super) fn function_literal(&mut self, literal: &FunctionLiteral) -> Evaluated {
        let mut captured = Vec::with_capacity(literal.captures.len());
        for node in &literal.captures {
            captured.push(self.quietly(node)?);
        }
        self.bytes(24 * captured.len() as u64 + 64)?;
        self.checked(Value::Function(Function::new(literal.body.clone(), captured)))
    }

    pub(super) fn invoke(&mut self, invoke: &Invoke, span: Span) -> Evaluated {
        // That there is no variable of this name is said better by the warning below.
        let target = match invoke.target.kind {
            Kind::Path(_) => self.eval(&invoke.target)?,
            _ => self.quietly(&invoke.target)?,
        };
        let Value::Function(function) = target else {
            return self.no_function(invoke, span);
        };
        let mut arguments: SmallVec<[Value; 4]> = SmallVec::new();
        if let Some(name) = function.builtin_name() {
            for argument in &invoke.arguments {
                arguments.push(self.eval(argument)?);
            }
            return self.call_builtin_value(name, &invoke.names, arguments.into_vec(), span);
        }
        if invoke.names.is_empty() {
            for argument in &invoke.arguments {
                arguments.push(self.eval(argument)?);
            }
        } else {
            match self.named_arguments(invoke, &function)? {
                Some(named) => arguments = named,
                None => return self.no_function(invoke, span),
            }
        }
        if arguments.len() != function.parameters().len() {
            return self.no_function(invoke, span);
        }
        self.call_function(&function, arguments)
    }

    /// Calls a built-in function that is a value.
    fn call_builtin_value(
        &mut self,
        name: &str,
        names: &[Arc<str>],
        arguments: Vec<Value>,
        span: Span,
    ) -> Evaluated {
        let dialect = self.dialect();
        match builtin::resolve(name, names, arguments, dialect, || Value::Null) {
            Some((overload, arguments)) => {
                self.call_builtin(overload, &arguments, &CompiledRegex::new(), span)
            }
            None => self.unknown_function(name, span),
        }
    }

    /// Arguments in the order of the parameters, null for missing ones; none if there is no
    /// parameter of some name.
    fn named_arguments(
        &mut self,
        invoke: &Invoke,
        function: &Function,
    ) -> Evaluated<Option<SmallVec<[Value; 4]>>> {
        let mut arguments = SmallVec::from_elem(Value::Null, function.parameters().len());
        for (name, argument) in invoke.names.iter().zip(&invoke.arguments) {
            let position = function.parameters().iter().position(|parameter| parameter == name);
            let value = self.eval(argument)?;
            match position.and_then(|position| arguments.get_mut(position)) {
                Some(slot) => *slot = value,
                None => return Ok(None),
            }
        }
        Ok(Some(arguments))
    }

    #[cold]
    fn no_function(&mut self, invoke: &Invoke, span: Span) -> Evaluated {
        let name = &invoke.name;
        if invoke.names.is_empty() {
            let count = invoke.arguments.len();
            let message =
                format_args!("No function found with name '{name}' and {count} parameters");
            self.warn(WarningKind::NoFunctionFound, span, message);
        } else {
            let names = invoke.names.join(",");
            let message =
                format_args!("No function found with name '{name}' and parameters: {names}");
            self.warn(WarningKind::NoFunctionFound, span, message);
        }
        Ok(Value::Null)
    }

    /// Calls a function that is no expression: the budget and the warnings go there and come back.
    fn call_native(&mut self, function: &Function, arguments: &[Value]) -> Evaluated {
        let Some(native) = function.as_native() else { return Ok(Value::Null) };
        self.enter()?;
        let value = self.with_session(|session| native.call(arguments, session))?;
        self.meter.depth -= 1;
        self.checked(value)
    }

    /// Calls a function with as many arguments as it has parameters.
    pub(crate) fn call_function(
        &mut self,
        function: &Function,
        mut arguments: SmallVec<[Value; 4]>,
    ) -> Evaluated {
        let types = function.parameter_types().iter().zip(function.parameters());
        for (argument, (required, parameter)) in arguments.iter_mut().zip(types) {
            match self.converted(argument.clone(), required, parameter, Span::default())? {
                Some(converted) => *argument = converted,
                None => return Ok(Value::Null),
            }
        }
        if let Some(name) = function.builtin_name() {
            let arguments = arguments.into_vec();
            return self.call_builtin_value(name, &[], arguments, Span::default());
        }
        let Some(body) = function.body() else { return self.call_native(function, &arguments) };
        self.enter()?;
        let caller_base = self.base;
        let caller = self.function.replace(function.clone());
        self.base = self.locals.len();
        self.locals.extend(arguments);
        let slots = (body.frame_slots as usize).max(body.parameters.len());
        self.locals.resize(self.base + slots, Value::Null);
        let result = self.eval(&body.body);
        self.locals.truncate(self.base);
        self.base = caller_base;
        self.function = caller;
        self.meter.depth -= 1;
        result
    }
}

/// The arguments with the elements of one-element lists in place of the lists; none if there are no
/// such lists.
fn without_singletons(arguments: &[Value]) -> Option<Vec<Value>> {
    let element = |argument: &Value| match argument {
        Value::List(list) if list.len() == 1 => list.get(0),
        _ => None,
    };
    if !arguments.iter().any(|argument| element(argument).is_some()) {
        return None;
    }
    Some(arguments.iter().map(|argument| element(argument).unwrap_or(argument.clone())).collect())
}
