//! FEEL in two [dialects](Dialect): parse once at deployment, evaluate many times under a budget.
//!
//! An [`Expression`] is parsed without knowing any variable (so it can be parsed at deployment),
//! knows which variables it reads, and evaluates to a [`Value`] plus [`Warning`]s. Evaluation has no
//! clock, no randomness and no IO of its own: time, zone and seed come in by [`Environment`].
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

mod builtin;
mod dialect;
mod environment;
mod error;
mod evaluate;
mod expression;
mod function;
pub mod limits;
mod node;
mod number;
mod parse;
mod session;
pub mod temporal;
mod types;
mod value;

pub use dialect::Dialect;
pub use environment::{Budget, Environment, NoVariables, Variables};
pub use error::{EvaluationError, MsgpackError, ParseError, Warning, WarningKind, part_of};
pub use expression::{Evaluation, Expression};
pub use function::NativeFunction;
pub use number::{Number, ParseNumberError, Rounding};
pub use parse::{Names, Syntax};
pub use session::Session;
pub use types::{NamedType, Type};
pub use value::{Context, Function, List, ListIter, Range, Value};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
