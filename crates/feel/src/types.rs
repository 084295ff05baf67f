//! The types of FEEL: what `instance of` asks for, and what parameters and results are converted to.

use std::fmt;
use std::sync::Arc;

use crate::function::Function;
use crate::temporal::DateTime;
use crate::{Context, EvaluationError, List, Session, Value};

/// A type, as expressions and models name it.
#[derive(Clone, Debug)]
pub struct Type(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Any,
    Null,
    Boolean,
    Number,
    String,
    Date,
    Time,
    DateTime,
    DaysTimeDuration,
    YearsMonthsDuration,
    /// Of elements of this type, if one is given.
    List(Option<Arc<Type>>),
    /// With at least these entries.
    Context(Arc<[(Arc<str>, Type)]>),
    /// With bounds of this type, if one is given.
    Range(Option<Arc<Type>>),
    Function(Option<Arc<Signature>>),
    Named(Named),
    /// A name that is no type: nothing is of it.
    Unknown,
}

/// The types of the parameters and the result of a function.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) parameters: Box<[Type]>,
    pub(crate) result: Type,
}

/// A type that a model declares under a name.
pub trait NamedType: Send + Sync {
    /// Whether a value other than null is of the type. What it evaluates counts against the session.
    fn contains(&self, value: &Value, session: &mut Session<'_>) -> Result<bool, EvaluationError>;

    /// What the name stands for, where types are compared with each other; anything by default.
    fn definition(&self) -> Type {
        Type(Kind::Any)
    }
}

#[derive(Clone)]
pub(crate) struct Named(Arc<dyn NamedType>);

impl fmt::Debug for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Named")
    }
}

/// What the name of a type stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// The values that are allowed.
    Members,
    /// The type behind it; which of its values are allowed does not matter.
    Definition,
}

/// Levels of types inside one another that are compared with each other; named types may contain
/// themselves.
const COMPARED_DEPTH_MAX: u32 = 20;

impl Type {
    /// The type that FEEL knows by this name, without arguments.
    pub fn builtin(name: &str) -> Option<Type> {
        Some(Type(match name {
            "Any" => Kind::Any,
            "Null" | "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "number" => Kind::Number,
            "string" => Kind::String,
            "date" => Kind::Date,
            "time" => Kind::Time,
            "date and time" | "dateTime" => Kind::DateTime,
            "days and time duration" | "dayTimeDuration" => Kind::DaysTimeDuration,
            "years and months duration" | "yearMonthDuration" => Kind::YearsMonthsDuration,
            "list" => Kind::List(None),
            "context" => Kind::Context(Arc::new([])),
            "range" => Kind::Range(None),
            "function" => Kind::Function(None),
            _ => return None,
        }))
    }

    /// The type of every value.
    pub fn any() -> Type {
        Type(Kind::Any)
    }

    /// Lists of such elements.
    pub fn list(element: Type) -> Type {
        Type(Kind::List(Some(Arc::new(element))))
    }

    /// Contexts with at least these entries.
    pub fn context(entries: Vec<(Arc<str>, Type)>) -> Type {
        Type(Kind::Context(entries.into()))
    }

    /// Ranges between such bounds.
    pub fn range(bound: Type) -> Type {
        Type(Kind::Range(Some(Arc::new(bound))))
    }

    /// Functions of such parameters with such a result.
    pub fn function(parameters: Vec<Type>, result: Type) -> Type {
        Type(Kind::Function(Some(Arc::new(Signature { parameters: parameters.into(), result }))))
    }

    /// A type that somebody else decides about.
    pub fn named(named: Arc<dyn NamedType>) -> Type {
        Type(Kind::Named(Named(named)))
    }

    /// Whether every value is of the type.
    pub fn is_any(&self) -> bool {
        matches!(self.0, Kind::Any)
    }

    /// Whether the type is known and has the arguments that the standard demands of it.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.0 {
            Kind::Unknown | Kind::List(None) | Kind::Range(None) | Kind::Function(None) => false,
            Kind::Context(entries) => !entries.is_empty(),
            _ => true,
        }
    }

    /// What `instance of` says: null is of no type but its own, and which values a named type allows
    /// does not matter.
    pub fn is_instance(
        &self,
        value: &Value,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        match (&self.0, value) {
            (Kind::Null, value) => Ok(value.is_null()),
            (_, Value::Null) => Ok(false),
            _ => self.fits(value, Names::Definition, session),
        }
    }

    /// Whether the value is of the type as it is; null is of every type.
    pub fn conforms(
        &self,
        value: &Value,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        self.fits(value, Names::Members, session)
    }

    fn fits(
        &self,
        value: &Value,
        names: Names,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        session.spend_steps(1)?;
        session.enter(1)?;
        let fits = self.fits_inside(value, names, session);
        session.leave(1);
        fits
    }

    fn fits_inside(
        &self,
        value: &Value,
        names: Names,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        Ok(match (&self.0, value) {
            (Kind::Named(Named(named)), value) if !value.is_null() => {
                return match names {
                    Names::Members => named.contains(value, session),
                    Names::Definition => named.definition().fits(value, names, session),
                };
            }
            (Kind::Unknown, _) => false,
            (_, Value::Null)
            | (Kind::Any, _)
            | (Kind::Boolean, Value::Boolean(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::String, Value::String(_))
            | (Kind::Date, Value::Date(_))
            | (Kind::Time, Value::Time(_))
            | (Kind::DateTime, Value::DateTime(_))
            | (Kind::DaysTimeDuration, Value::DaysTimeDuration(_))
            | (Kind::YearsMonthsDuration, Value::YearsMonthsDuration(_))
            | (Kind::List(None), Value::List(_))
            | (Kind::Range(None), Value::Range(_))
            | (Kind::Function(None), Value::Function(_)) => true,
            (Kind::List(Some(element)), Value::List(list)) => {
                return element.fits_all(list, names, session);
            }
            (Kind::Range(Some(bound)), Value::Range(range)) => {
                bound.fits(&range.start, names, session)?
                    && bound.fits(&range.end, names, session)?
            }
            (Kind::Context(entries), Value::Context(context)) => {
                return fits_entries(entries, context, names, session);
            }
            (Kind::Function(Some(signature)), Value::Function(function)) => {
                signature.is_of(function)
            }
            _ => false,
        })
    }

    fn fits_all(
        &self,
        list: &List,
        names: Names,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        if self.is_any() {
            return Ok(true);
        }
        for element in list {
            if !self.fits(&element, names, session)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value as one of the type (DMN 1.5, 10.3.2.9.4): as it is, the only element of a list, a
    /// list of it, a date as the date-time of its midnight in UTC; none if it is none of these.
    pub fn coerce(
        &self,
        value: &Value,
        session: &mut Session<'_>,
    ) -> Result<Option<Value>, EvaluationError> {
        if self.is_any() || self.conforms(value, session)? {
            return Ok(Some(value.clone()));
        }
        match value {
            Value::List(list) if list.len() == 1 => {
                let only: Value = list.get(0).into();
                return Ok(self.conforms(&only, session)?.then_some(only));
            }
            Value::List(_) => return Ok(None),
            Value::Date(date) => {
                let midnight = DateTime::midnight(*date).into();
                if self.conforms(&midnight, session)? {
                    return Ok(Some(midnight));
                }
            }
            _ => {}
        }
        let list = Value::from(vec![value.clone()]);
        Ok(self.conforms(&list, session)?.then_some(list))
    }

    /// Whether every value of this type is one of the other.
    pub(crate) fn is_within(&self, other: &Type) -> bool {
        self.is_within_at(other, COMPARED_DEPTH_MAX)
    }

    fn is_within_at(&self, other: &Type, depth_left: u32) -> bool {
        let Some(depth_left) = depth_left.checked_sub(1) else { return true };
        match (&self.0, &other.0) {
            (Kind::Named(Named(left)), Kind::Named(Named(right)))
                if Arc::as_ptr(left).addr() == Arc::as_ptr(right).addr() =>
            {
                true
            }
            (_, Kind::Any) | (Kind::Null, _) => true,
            (Kind::Named(Named(left)), _) => left.definition().is_within_at(other, depth_left),
            (_, Kind::Named(Named(right))) => self.is_within_at(&right.definition(), depth_left),
            (Kind::List(_), Kind::List(None))
            | (Kind::Range(_), Kind::Range(None))
            | (Kind::Function(_), Kind::Function(None))
            | (Kind::Boolean, Kind::Boolean)
            | (Kind::Number, Kind::Number)
            | (Kind::String, Kind::String)
            | (Kind::Date, Kind::Date)
            | (Kind::Time, Kind::Time)
            | (Kind::DateTime, Kind::DateTime)
            | (Kind::DaysTimeDuration, Kind::DaysTimeDuration)
            | (Kind::YearsMonthsDuration, Kind::YearsMonthsDuration) => true,
            (Kind::List(Some(left)), Kind::List(Some(right)))
            | (Kind::Range(Some(left)), Kind::Range(Some(right))) => {
                left.is_within_at(right, depth_left)
            }
            (Kind::List(None), Kind::List(Some(right)))
            | (Kind::Range(None), Kind::Range(Some(right))) => right.is_any(),
            (Kind::Context(left), Kind::Context(right)) => right.iter().all(|(key, wanted)| {
                let entry = left.iter().find(|(name, _)| name == key);
                entry.is_some_and(|(_, found)| found.is_within_at(wanted, depth_left))
            }),
            (Kind::Function(Some(left)), Kind::Function(Some(right))) => {
                left.parameters.len() == right.parameters.len()
                    && right
                        .parameters
                        .iter()
                        .zip(&left.parameters)
                        .all(|(wanted, found)| wanted.is_within_at(found, depth_left))
                    && left.result.is_within_at(&right.result, depth_left)
            }
            _ => false,
        }
    }
}

fn fits_entries(
    entries: &[(Arc<str>, Type)],
    context: &Context,
    names: Names,
    session: &mut Session<'_>,
) -> Result<bool, EvaluationError> {
    for (key, required) in entries {
        let Some(value) = context.get(key) else { return Ok(false) };
        if !required.fits(&value, names, session)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Signature {
    /// Whether the function takes at least such arguments; of a result that is not declared anything
    /// may be expected.
    fn is_of(&self, function: &Function) -> bool {
        let types = function.parameter_types();
        let result = function.result_type();
        function.parameters().len() == self.parameters.len()
            && self.parameters.iter().zip(types).all(|(wanted, found)| wanted.is_within(found))
            && (result.is_any() || result.is_within(&self.result))
    }
}
