//! What the evaluation of a decision gives: its output or why there is none, and the trace.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use skep_feel::{Value, Warning};

/// The evaluation of a decision and of everything that it required.
#[derive(Clone, Debug)]
pub struct DecisionEvaluation {
    /// The output, or why there is none.
    pub output: Result<Value, Failure>,
    /// The decisions that were evaluated, in the order in which they ended: required ones first, the
    /// asked one last. One that failed is the last one.
    pub evaluated_decisions: Vec<EvaluatedDecision>,
}

/// Why a decision has no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Id of the decision whose evaluation failed: the asked one or one that it requires.
    pub decision_id: Arc<str>,
    /// What went wrong, with expression, inputs and warnings, and what to do.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What the logic of a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionType {
    /// A decision table.
    DecisionTable,
    /// A literal expression.
    LiteralExpression,
    /// A boxed context.
    Context,
    /// An invocation of business knowledge.
    Invocation,
    /// A boxed list.
    List,
    /// A relation.
    Relation,
    /// Any other boxed expression.
    Unknown,
}

impl DecisionType {
    /// The name in records and answers (`spec/engine.md` 7.12, item 125).
    pub fn name(self) -> &'static str {
        match self {
            Self::DecisionTable => "DECISION_TABLE",
            Self::LiteralExpression => "LITERAL_EXPRESSION",
            Self::Context => "CONTEXT",
            Self::Invocation => "INVOCATION",
            Self::List => "LIST",
            Self::Relation => "RELATION",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The evaluation of one decision.
#[derive(Clone, Debug)]
pub struct EvaluatedDecision {
    /// Id of the decision; [`crate::Model::decision`] tells more.
    pub decision_id: Arc<str>,
    /// Its name.
    pub decision_name: Arc<str>,
    /// What its logic is.
    pub decision_type: DecisionType,
    /// The output; null if it failed.
    pub output: Value,
    /// The inputs of a decision table with their values, in the order of its columns.
    pub inputs: Vec<EvaluatedInput>,
    /// The rules of a decision table that matched, in the order in which they contribute.
    pub matched_rules: Vec<MatchedRule>,
    /// What went wrong quietly.
    pub warnings: Vec<TracedWarning>,
}

/// The value of an input of a decision table.
#[derive(Clone, Debug)]
pub struct EvaluatedInput {
    /// Id of the input element.
    pub input_id: Arc<str>,
    /// Its label, else the text of its expression (shortened as Camunda does).
    pub input_name: Arc<str>,
    /// The value of its expression.
    pub value: Value,
}

/// A rule that matched.
#[derive(Clone, Debug)]
pub struct MatchedRule {
    /// Id of the rule element.
    pub rule_id: Arc<str>,
    /// Place of the rule in the table, from 1.
    pub rule_index: u32,
    /// Its outputs, in the order of the columns.
    pub outputs: Vec<EvaluatedOutput>,
}

/// An output of a rule that matched.
#[derive(Clone, Debug)]
pub struct EvaluatedOutput {
    /// Id of the output element.
    pub output_id: Arc<str>,
    /// Its label, else its name.
    pub output_name: Arc<str>,
    /// The value of the rule's entry.
    pub value: Value,
}

/// A warning with the expression that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedWarning {
    /// Id of the element that holds the expression, or of the nearest one around it with an id.
    pub element_id: Arc<str>,
    /// The text of the expression.
    pub expression: Arc<str>,
    /// What went wrong.
    pub message: String,
    /// Bytes of the expression that it is about.
    pub span: Range<usize>,
}

impl TracedWarning {
    /// A warning of this expression of this element.
    pub fn new(element_id: Arc<str>, expression: Arc<str>, warning: Warning) -> TracedWarning {
        TracedWarning { element_id, expression, message: warning.message, span: warning.span }
    }
}
