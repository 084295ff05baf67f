//! Functions as values.

use std::fmt;
use std::sync::Arc;

use crate::node::FunctionBody;
use crate::value::Extent;
use crate::{EvaluationError, Session, Type, Value};

/// A function that an expression defined with the values it captured, or one from outside.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

enum Inner {
    Defined {
        body: Arc<FunctionBody>,
        captured: Vec<Value>,
        extent: Extent,
    },
    Native(Box<dyn NativeFunction>),
    /// A built-in function as a value, with the parameters of its first overload.
    Builtin {
        name: Box<str>,
        parameters: Box<[Arc<str>]>,
    },
}

/// A function whose body is no expression, such as a decision table.
pub trait NativeFunction: Send + Sync {
    /// The names of the parameters.
    fn parameters(&self) -> &[Arc<str>];

    /// The types of the parameters, where they are declared; what is missing is any.
    fn parameter_types(&self) -> &[Type] {
        &[]
    }

    /// The type of the result, if it is declared.
    fn result_type(&self) -> Type {
        Type::any()
    }

    /// The value for as many arguments as there are parameters. What it evaluates counts against
    /// the session; what goes wrong quietly is null and a warning there.
    fn call(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError>;
}

impl Function {
    pub(crate) fn new(body: Arc<FunctionBody>, captured: Vec<Value>) -> Function {
        let extent = Extent::of(&captured);
        Function(Arc::new(Inner::Defined { body, captured, extent }))
    }

    /// A function that is evaluated by other means than an expression.
    pub fn native(function: impl NativeFunction + 'static) -> Function {
        Function(Arc::new(Inner::Native(Box::new(function))))
    }

    /// The built-in function of this name.
    pub(crate) fn builtin(name: &str, parameters: Box<[Arc<str>]>) -> Function {
        Function(Arc::new(Inner::Builtin { name: name.into(), parameters }))
    }

    /// The name, if the function is a built-in one.
    pub(crate) fn builtin_name(&self) -> Option<&str> {
        match &*self.0 {
            Inner::Builtin { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The names of the parameters.
    pub fn parameters(&self) -> &[Arc<str>] {
        match &*self.0 {
            Inner::Defined { body, .. } => &body.parameters,
            Inner::Native(function) => function.parameters(),
            Inner::Builtin { parameters, .. } => parameters,
        }
    }

    /// Calls the function with as many arguments as it has parameters, against the budget of the
    /// session; null with a warning for another number of arguments.
    pub fn call(
        &self,
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        crate::evaluate::call(self, &[], arguments, session)
    }

    /// Calls the function with an argument for each of these parameters; those of no name are null.
    /// A built-in function has all parameters of its overloads.
    pub fn call_named(
        &self,
        names: &[Arc<str>],
        arguments: &[Value],
        session: &mut Session<'_>,
    ) -> Result<Value, EvaluationError> {
        crate::evaluate::call(self, names, arguments, session)
    }

    /// Whether the function is one that FEEL has.
    pub fn is_builtin(&self) -> bool {
        self.builtin_name().is_some()
    }

    /// The types of the parameters, where they are declared; what is missing is any.
    pub(crate) fn parameter_types(&self) -> &[Type] {
        match &*self.0 {
            Inner::Defined { body, .. } => &body.parameter_types,
            Inner::Native(function) => function.parameter_types(),
            Inner::Builtin { .. } => &[],
        }
    }

    pub(crate) fn result_type(&self) -> Type {
        match &*self.0 {
            Inner::Native(function) => function.result_type(),
            Inner::Defined { .. } | Inner::Builtin { .. } => Type::any(),
        }
    }

    pub(crate) fn as_native(&self) -> Option<&dyn NativeFunction> {
        match &*self.0 {
            Inner::Native(function) => Some(&**function),
            Inner::Defined { .. } | Inner::Builtin { .. } => None,
        }
    }

    pub(crate) fn body(&self) -> Option<&FunctionBody> {
        match &*self.0 {
            Inner::Defined { body, .. } => Some(body),
            Inner::Native(_) | Inner::Builtin { .. } => None,
        }
    }

    pub(crate) fn captured(&self) -> &[Value] {
        match &*self.0 {
            Inner::Defined { captured, .. } => captured,
            Inner::Native(_) | Inner::Builtin { .. } => &[],
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        match &*self.0 {
            Inner::Defined { extent, .. } => *extent,
            Inner::Native(_) | Inner::Builtin { .. } => Extent::default(),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "function({})", self.parameters().join(", "))
    }
}
