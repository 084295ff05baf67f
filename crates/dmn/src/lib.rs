//! DMN 1.1 - 1.5: XML to a [`Model`], or every [`Violation`] with element id, line and reason; and the
//! evaluation of a decision with all that it requires, under one budget, with a full trace.
//!
//! ```
//! let xml = r#"<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="drg" name="Greeting"
//!       namespace="http://example.com">
//!     <decision id="greet" name="Greet"><literalExpression><text>"Hello " + name</text></literalExpression></decision>
//!   </definitions>"#;
//! let model = skep_dmn::parse(xml, &skep_dmn::Options::default())?;
//! let variables = std::collections::BTreeMap::from([("name".to_owned(), skep_feel::Value::from("Ada"))]);
//! let evaluation = model.evaluate("greet", &variables, &skep_feel::Environment::at(0)).unwrap();
//! assert_eq!(evaluation.output.unwrap().as_str(), Some("Hello Ada"));
//! # Ok::<(), skep_dmn::Violations>(())
//! ```
//!
//! A file is read once, with all its expressions, and refused whole if anything is wrong with it; a
//! [`Model`] is evaluated as often as wanted, also from several threads. Each decision is evaluated at
//! most once in an evaluation, after what it requires, in the order of the requirements.
//!
//! What goes wrong in an expression is null with a [`TracedWarning`]; an evaluation has a [`Failure`]
//! instead of an output only when its budget is exceeded, an assertion does not hold or, in Camunda's
//! dialect, logic has no result. The [dialect](skep_feel::Dialect) is chosen when a file is read.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

mod evaluate;
mod evaluation;
pub mod limits;
mod logic;
mod model;
mod outline;
mod read;
mod scope;
mod types;
mod violation;
mod xml;

pub use evaluation::{
    DecisionEvaluation, DecisionType, EvaluatedDecision, EvaluatedInput, EvaluatedOutput, Failure,
    MatchedRule, TracedWarning,
};
pub use model::{Decision, Model, Options, parse};
pub use outline::{Outline, outline};
pub use violation::{Violation, Violations};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
