//! The types that a model declares, and what a value has to be like to be of one (DMN 1.5,
//! 10.3.2.9): values that are not are converted where the standard says so, else they are null.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::{EvaluationError, Expression, NoVariables, Session, Value};

use crate::scope::Input;

/// A type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Type {
    /// Every value is of it.
    #[default]
    Any,
    Boolean,
    Number,
    String,
    Date,
    Time,
    DateTime,
    DaysTimeDuration,
    YearsMonthsDuration,
    List,
    Context,
    Range,
    Function,
    /// An item definition, by its place in [`Types`].
    Item(u32),
}

impl Type {
    /// The type that FEEL knows by this name.
    pub(crate) fn builtin(name: &str) -> Option<Type> {
        Some(match name {
            "Any" => Type::Any,
            "boolean" => Type::Boolean,
            "number" => Type::Number,
            "string" => Type::String,
            "date" => Type::Date,
            "time" => Type::Time,
            "date and time" | "dateTime" => Type::DateTime,
            "days and time duration" | "dayTimeDuration" => Type::DaysTimeDuration,
            "years and months duration" | "yearMonthDuration" => Type::YearsMonthsDuration,
            "list" => Type::List,
            "context" => Type::Context,
            "range" => Type::Range,
            "function" => Type::Function,
            _ => return None,
        })
    }
}

/// An item definition.
#[derive(Clone, Debug)]
pub(crate) struct ItemType {
    /// The name, for messages.
    pub(crate) name: Arc<str>,
    /// What a value (an element, if it is a collection) is like.
    pub(crate) shape: Shape,
    /// Whether values are lists.
    pub(crate) is_collection: bool,
    /// What a value (an element, if it is a collection) has to satisfy.
    pub(crate) allowed: Option<Expression>,
    /// What a value as a whole has to satisfy.
    pub(crate) constraint: Option<Expression>,
}

/// What the values of an item definition are like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// As those of another type.
    Alias(Type),
    /// Contexts with these entries.
    Components(Box<[(Arc<str>, Type)]>),
    /// Functions with so many parameters and a result of this type.
    Function { parameters: usize, output: Type },
}

/// The item definitions of a model and, under the names of their imports, of what it imports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    pub(crate) items: Vec<ItemType>,
    pub(crate) by_name: BTreeMap<Arc<str>, u32>,
}

impl Types {
    /// The item definition of this type, if it is one.
    pub(crate) fn item(&self, required: Type) -> Option<&ItemType> {
        match required {
            Type::Item(index) => self.items.get(index as usize),
            _ => None,
        }
    }

    /// What to call the type in messages.
    pub(crate) fn name(&self, required: Type) -> &str {
        match required {
            Type::Any => "Any",
            Type::Boolean => "boolean",
            Type::Number => "number",
            Type::String => "string",
            Type::Date => "date",
            Type::Time => "time",
            Type::DateTime => "date and time",
            Type::DaysTimeDuration => "days and time duration",
            Type::YearsMonthsDuration => "years and months duration",
            Type::List => "list",
            Type::Context => "context",
            Type::Range => "range",
            Type::Function => "function",
            Type::Item(_) => self.item(required).map_or("", |item| &item.name),
        }
    }

    /// The type of the results of a function type.
    pub(crate) fn function_output(&self, required: Type) -> Type {
        match self.item(required).map(|item| &item.shape) {
            Some(Shape::Function { output, .. }) => *output,
            _ => Type::Any,
        }
    }

    /// The value as one of the type; none if it is not and cannot be converted.
    pub(crate) fn coerce(
        &self,
        value: &Value,
        required: Type,
        session: &mut Session<'_>,
    ) -> Result<Option<Value>, EvaluationError> {
        if value.is_null() || self.is_of(value, required, session)? {
            return Ok(Some(value.clone()));
        }
        if let Value::List(list) = value
            && let (1, Some(only)) = (list.len(), list.get(0))
            && self.is_of(&only, required, session)?
        {
            return Ok(Some(only));
        }
        if let Value::Date(_) = value
            && let Some(midnight) = midnight_of(value, session)?
            && self.is_of(&midnight, required, session)?
        {
            return Ok(Some(midnight));
        }
        if !matches!(value, Value::List(_)) {
            let list = Value::from(vec![value.clone()]);
            if self.is_of(&list, required, session)? {
                return Ok(Some(list));
            }
        }
        Ok(None)
    }

    /// Whether the value is of the type as it is. Null is of every type.
    pub(crate) fn is_of(
        &self,
        value: &Value,
        required: Type,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        if value.is_null() {
            return Ok(true);
        }
        session.spend_steps(1)?;
        Ok(match (required, value) {
            (Type::Any, _)
            | (Type::Boolean, Value::Boolean(_))
            | (Type::Number, Value::Number(_))
            | (Type::String, Value::String(_))
            | (Type::Date, Value::Date(_))
            | (Type::Time, Value::Time(_))
            | (Type::DateTime, Value::DateTime(_))
            | (Type::DaysTimeDuration, Value::DaysTimeDuration(_))
            | (Type::YearsMonthsDuration, Value::YearsMonthsDuration(_))
            | (Type::List, Value::List(_))
            | (Type::Context, Value::Context(_))
            | (Type::Range, Value::Range(_))
            | (Type::Function, Value::Function(_)) => true,
            (Type::Item(_), value) => {
                let Some(item) = self.item(required) else { return Ok(false) };
                session.enter(1)?;
                let result = self.is_of_item(value, item, session);
                session.leave(1);
                return result;
            }
            _ => false,
        })
    }

    fn is_of_item(
        &self,
        value: &Value,
        item: &ItemType,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        match (item.is_collection, value) {
            (false, value) => {
                if !self.has_shape(value, item, session)? {
                    return Ok(false);
                }
            }
            (true, Value::List(list)) => {
                for element in list {
                    if !self.has_shape(&element, item, session)? {
                        return Ok(false);
                    }
                }
            }
            (true, _) => return Ok(false),
        }
        satisfies(value, item.constraint.as_ref(), session)
    }

    fn has_shape(
        &self,
        value: &Value,
        item: &ItemType,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        let fits = match (&item.shape, value) {
            (Shape::Alias(base), value) => self.is_of(value, *base, session)?,
            (_, Value::Null) => true,
            (Shape::Components(components), Value::Context(context)) => {
                for (name, required) in components {
                    let Some(entry) = context.get(name) else { return Ok(false) };
                    if !self.is_of(&entry, *required, session)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Shape::Function { parameters, .. }, Value::Function(function)) => {
                function.parameters().len() == *parameters
            }
            _ => false,
        };
        Ok(fits && satisfies(value, item.allowed.as_ref(), session)?)
    }
}

/// Whether the value satisfies the unary tests, if there are any.
pub(crate) fn satisfies(
    value: &Value,
    tests: Option<&Expression>,
    session: &mut Session<'_>,
) -> Result<bool, EvaluationError> {
    let Some(tests) = tests else { return Ok(true) };
    let warnings = session.warning_count();
    let outcome = tests.evaluate_in(&Input::new(&NoVariables, value), session)?;
    session.truncate_warnings(warnings);
    Ok(outcome.as_bool() == Some(true))
}

/// The date and time in UTC at which the date begins.
fn midnight_of(date: &Value, session: &mut Session<'_>) -> Result<Option<Value>, EvaluationError> {
    let text = "date and time(?, time(\"00:00:00Z\"))";
    let Ok(expression) = Expression::parse(text) else { return Ok(None) };
    let value = expression.evaluate_in(&Input::new(&NoVariables, date), session)?;
    Ok(matches!(value, Value::DateTime(_)).then_some(value))
}
