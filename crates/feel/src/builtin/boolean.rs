//! `not`, `is defined`, `get or else`, `assert`.

use super::{Call, Outcome, Overload};
use crate::evaluate::Failure;
use crate::value::identical;
use crate::{Dialect, EvaluationError, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("not", &["negand"], not),
    Overload::new("is", &["value1", "value2"], is).only(Dialect::Dmn),
    Overload::new("is defined", &["value"], is_defined),
    Overload::new("get or else", &["value", "default"], get_or_else),
    Overload::new("assert", &["value", "condition"], assert),
    Overload::new("assert", &["value", "condition", "cause"], assert),
    Overload::new("fromAi", &["value"], from_ai),
    Overload::new("fromAi", &["value", "description"], from_ai),
    Overload::new("fromAi", &["value", "description", "type"], from_ai),
    Overload::new("fromAi", &["value", "description", "type", "schema"], from_ai),
    Overload::new("fromAi", &["value", "description", "type", "schema", "options"], from_ai)
        .lenient(),
];

fn not(call: &mut Call<'_, '_>) -> Outcome {
    // So that a list of one boolean is that boolean, as everywhere.
    if call.dialect().is_dmn() && matches!(call.argument(0), Value::List(_)) {
        return Err(Failure::Arguments);
    }
    Ok(call.argument(0).as_bool().map(|value| !value).into())
}

/// Whether two values are the same element of the domain, their zones included.
fn is(call: &mut Call<'_, '_>) -> Outcome {
    let (left, right) = (call.argument(0), call.argument(1));
    call.walk(left)?;
    call.walk(right)?;
    Ok(Value::Boolean(identical(left, right)))
}

fn is_defined(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(!call.argument(0).is_null()))
}

fn get_or_else(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.argument(0);
    Ok(if value.is_null() { call.argument(1).clone() } else { value.clone() })
}

/// The one function that fails the evaluation on purpose.
fn assert(call: &mut Call<'_, '_>) -> Outcome {
    if call.argument(1).as_bool() == Some(true) {
        return Ok(call.argument(0).clone());
    }
    let cause = call.argument(2).as_str().unwrap_or("The condition is not fulfilled");
    Err(Failure::Stop(Box::new(EvaluationError::AssertionFailed(cause.into()))))
}

/// Marks a value that an agent fills in; evaluates to its first argument.
fn from_ai(call: &mut Call<'_, '_>) -> Outcome {
    Ok(call.argument(0).clone())
}
