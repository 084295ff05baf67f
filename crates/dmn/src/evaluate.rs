//! Evaluates decisions with all that they require, under one budget, with a trace.

mod boxed;
mod call;
mod decision_table;
mod evaluator;
mod hit_policy;
mod iterate;
mod run;

pub(crate) use run::{decision, invocable, output};
