//! Functions that make one value of many: `min`, `sum`, `mean`, `all` and the like. Each takes a
//! list or any number of arguments.

use std::cmp::Ordering;

use super::{Call, Outcome, Overload, null, number_value};
use crate::evaluate::{Failure, shown};
use crate::value::order;
use crate::{Dialect, List, Number, Value};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("count", &["list"], count),
    Overload::variadic("min", &["list"], |call| extreme(call, Ordering::Less)),
    Overload::variadic("max", &["list"], |call| extreme(call, Ordering::Greater)),
    Overload::variadic("sum", &["list"], sum),
    Overload::variadic("product", &["list"], product),
    Overload::variadic("mean", &["list"], mean),
    Overload::variadic("median", &["list"], median),
    Overload::variadic("stddev", &["list"], stddev),
    Overload::variadic("mode", &["list"], mode),
    Overload::variadic("all", &["list"], |call| decide(call, false)),
    Overload::variadic("and", &["list"], |call| decide(call, false)),
    Overload::variadic("any", &["list"], |call| decide(call, true)),
    Overload::variadic("or", &["list"], |call| decide(call, true)),
];

fn count(call: &mut Call<'_, '_>) -> Outcome {
    Ok(call.list(0)?.len().into())
}

/// The element before all others in this order; null for an empty list.
fn extreme(call: &mut Call<'_, '_>, wanted: Ordering) -> Outcome {
    let list = call.elements()?;
    let mut best: Option<Value> = None;
    for element in &list {
        best = Some(match best {
            None if is_ordered(&element) => element,
            None => return not_comparable(&list),
            Some(best) => match order(&element, &best, call.dialect()) {
                Some(order) if order == wanted => element,
                Some(_) => best,
                None => return not_comparable(&list),
            },
        });
    }
    Ok(best.unwrap_or(Value::Null))
}

fn is_ordered(value: &Value) -> bool {
    order(value, value, Dialect::Camunda).is_some()
}

fn not_comparable(list: &List) -> Outcome {
    null(format!("{} is not comparable", shown(&Value::List(list.clone()))))
}

/// The elements as numbers.
fn numbers(call: &mut Call<'_, '_>) -> Result<Vec<Number>, Failure> {
    let list = call.elements()?;
    call.evaluator.bytes(16 * list.len() as u64)?;
    let mut numbers = Vec::with_capacity(list.len());
    for element in &list {
        match element {
            Value::Number(number) => numbers.push(number),
            other => return null(format!("expected number but found '{}'", shown(&other))),
        }
    }
    Ok(numbers)
}

fn sum_of(numbers: &[Number]) -> Option<Number> {
    numbers.iter().try_fold(Number::ZERO, |sum, number| sum.checked_add(*number))
}

fn mean_of(numbers: &[Number]) -> Option<Number> {
    sum_of(numbers)?.checked_div(Number::from(numbers.len()))
}

fn sum(call: &mut Call<'_, '_>) -> Outcome {
    let numbers = numbers(call)?;
    if numbers.is_empty() { Ok(Value::Null) } else { number_value(sum_of(&numbers)) }
}

fn product(call: &mut Call<'_, '_>) -> Outcome {
    let numbers = numbers(call)?;
    if numbers.is_empty() {
        return Ok(Value::Null);
    }
    let product =
        numbers.iter().try_fold(Number::ONE, |product, number| product.checked_mul(*number));
    number_value(product)
}

fn mean(call: &mut Call<'_, '_>) -> Outcome {
    let numbers = numbers(call)?;
    if numbers.is_empty() { Ok(Value::Null) } else { number_value(mean_of(&numbers)) }
}

fn median(call: &mut Call<'_, '_>) -> Outcome {
    let mut numbers = numbers(call)?;
    numbers.sort();
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied();
    let lower = middle.checked_sub(1).and_then(|lower| numbers.get(lower)).copied();
    match (lower, upper) {
        (Some(lower), Some(upper)) if numbers.len().is_multiple_of(2) => {
            number_value(mean_of(&[lower, upper]))
        }
        (_, upper) => Ok(upper.into()),
    }
}

/// The standard deviation of a sample, which needs two numbers at least.
fn stddev(call: &mut Call<'_, '_>) -> Outcome {
    let numbers = numbers(call)?;
    if numbers.is_empty() {
        return Ok(Value::Null);
    }
    if numbers.len() == 1 {
        return null("the standard deviation needs at least two numbers");
    }
    let deviation = || {
        let mean = mean_of(&numbers)?;
        let mut sum = Number::ZERO;
        for number in &numbers {
            let difference = number.checked_sub(mean)?;
            sum = sum.checked_add(difference.checked_mul(difference)?)?;
        }
        let variance = sum.checked_div(Number::from(numbers.len() - 1))?;
        if call.dialect().is_dmn() { variance.root() } else { variance.sqrt() }
    };
    number_value(deviation())
}

/// The most frequent numbers in ascending order.
fn mode(call: &mut Call<'_, '_>) -> Outcome {
    let mut numbers = numbers(call)?;
    numbers.sort();
    let most = numbers.chunk_by(PartialEq::eq).map(<[Number]>::len).max().unwrap_or(0);
    let modes: Vec<Value> = numbers
        .chunk_by(PartialEq::eq)
        .filter(|equal| equal.len() == most)
        .filter_map(|equal| equal.first().copied().map(Value::Number))
        .collect();
    call.list_value(modes)
}

/// Whether an element is decisive; null if none is and one is no boolean.
fn decide(call: &mut Call<'_, '_>, decisive: bool) -> Outcome {
    let list = call.elements()?;
    let mut undecided = false;
    for element in &list {
        match element {
            Value::Boolean(value) if value == decisive => return Ok(Value::Boolean(decisive)),
            Value::Boolean(_) => {}
            _ => undecided = true,
        }
    }
    Ok(if undecided { Value::Null } else { Value::Boolean(!decisive) })
}
