//! `+ - * / **`: the operands, numbers and strings.

use super::{Evaluated, Evaluator, durations, shown};
use crate::node::{Arithmetic, Node, Operator, Span};
use crate::{Number, Value, WarningKind};

impl Evaluator<'_> {
    pub(super) fn arithmetic(&mut self, arithmetic: &Arithmetic, span: Span) -> Evaluated {
        let mut rest = arithmetic.rest.iter();
        let mut result = match rest.as_slice() {
            [(operator, right), ..]
                if self.is_at_hand(&arithmetic.first) & self.is_at_hand(right) =>
            {
                rest.next();
                let (left, right) = (self.peek(&arithmetic.first), self.peek(right));
                match numbers(*operator, left, right) {
                    Some(number) => number.into(),
                    None => {
                        let (left, right) = (left.clone(), right.clone());
                        self.apply(*operator, &left, &right, span)?
                    }
                }
            }
            _ => self.eval(&arithmetic.first)?,
        };
        for (operator, right_node) in rest {
            if self.is_at_hand(right_node)
                && let Some(number) = numbers(*operator, &result, self.peek(right_node))
            {
                result = number.into();
                continue;
            }
            let right = self.eval(right_node)?;
            result = self.apply(*operator, &result, &right, span)?;
        }
        Ok(result)
    }

    fn apply(&mut self, operator: Operator, left: &Value, right: &Value, span: Span) -> Evaluated {
        if let (Operator::Add, Value::String(left), Value::String(right)) = (operator, left, right)
        {
            return self.concatenate(left, right);
        }
        let result = match numbers(operator, left, right) {
            Some(number) => Some(number.into()),
            None => durations::apply(operator, left, right, self.dialect()),
        };
        match result {
            Some(value) => Ok(value),
            None => Ok(self.warn_operator(operator, left, right, span)),
        }
    }

    fn concatenate(&mut self, left: &str, right: &str) -> Evaluated {
        self.bytes((left.len() + right.len()) as u64)?;
        let mut text = String::with_capacity(left.len() + right.len());
        text.push_str(left);
        text.push_str(right);
        Ok(text.into())
    }

    #[cold]
    fn warn_operator(
        &mut self,
        operator: Operator,
        left: &Value,
        right: &Value,
        span: Span,
    ) -> Value {
        let (left, right) = (shown(left), shown(right));
        let kind = WarningKind::InvalidType;
        match operator {
            Operator::Add => self.warn(kind, span, format_args!("Can't add '{right}' to '{left}'")),
            Operator::Subtract => {
                self.warn(kind, span, format_args!("Can't subtract '{right}' from '{left}'"));
            }
            Operator::Multiply => {
                self.warn(kind, span, format_args!("Can't multiply '{left}' by '{right}'"));
            }
            Operator::Divide => {
                self.warn(kind, span, format_args!("Can't divide '{left}' by '{right}'"));
            }
            Operator::Power => {
                self.warn(kind, span, format_args!("Can't raise '{left}' to '{right}'"));
            }
        }
        Value::Null
    }

    pub(super) fn negate(&mut self, operand: &Node, span: Span) -> Evaluated {
        let value = self.eval(operand)?;
        match value {
            Value::Number(number) => Ok(number.negate().into()),
            other => match durations::negate(&other, self.dialect()) {
                Some(negative) => Ok(negative),
                None => {
                    self.warn_type("number", &other, span);
                    Ok(Value::Null)
                }
            },
        }
    }
}

/// The result for two numbers; none for other values, and beyond the range of numbers.
#[inline]
fn numbers(operator: Operator, left: &Value, right: &Value) -> Option<Number> {
    let (Value::Number(left), Value::Number(right)) = (left, right) else { return None };
    match operator {
        Operator::Add => left.checked_add(*right),
        Operator::Subtract => left.checked_sub(*right),
        Operator::Multiply => left.checked_mul(*right),
        Operator::Divide => left.checked_div(*right),
        Operator::Power => left.checked_pow(*right),
    }
}
