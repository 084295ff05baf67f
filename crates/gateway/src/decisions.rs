//! Evaluating decisions, for both protocols.

use bytes::Bytes;
use skep_protocol::{
    Command, DecisionEvaluationIntent, DecisionEvaluationRecord, Key, NO_KEY, Payload,
};

use crate::check;
use crate::error::{ErrorKind, GatewayError};
use crate::gateway::Gateway;
use crate::limits::REQUEST_TIMEOUT_DEFAULT;
use crate::transcode;

/// A decision that was evaluated: the key of the evaluation and what it gave.
pub(crate) struct Evaluated {
    pub(crate) key: Key,
    pub(crate) record: DecisionEvaluationRecord,
}

impl Gateway {
    /// Evaluates a decision, named by key or by id, on any partition.
    pub(crate) async fn evaluate_decision(
        &self,
        decision_key: Key,
        decision_id: String,
        variables: Bytes,
    ) -> Result<Evaluated, GatewayError> {
        if decision_key != NO_KEY && !decision_id.is_empty() {
            return Err(GatewayError::invalid(
                "Expected either the id or the key of a decision, but both were given",
            ));
        }
        if decision_key == NO_KEY {
            check::name("the id or the key of a decision", &decision_id)?;
        }
        let record = DecisionEvaluationRecord {
            decision_id,
            decision_key,
            variables,
            ..DecisionEvaluationRecord::default()
        };
        let payload = Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluate, record);
        let command = Command::new(NO_KEY, payload);
        let accepted = self.execute_anywhere(command, REQUEST_TIMEOUT_DEFAULT).await?;
        match accepted.payload {
            Payload::DecisionEvaluation(_, record) => Ok(Evaluated { key: accepted.key, record }),
            _ => Err(GatewayError::unexpected_answer("DECISION_EVALUATION EVALUATE")),
        }
    }
}

impl Evaluated {
    /// Names the evaluation of one of its decisions, from 1.
    pub(crate) fn instance_key(&self, index: usize) -> String {
        format!("{}-{}", self.key, index + 1)
    }
}

/// A stored value as JSON text. That it cannot be read is our fault, not the client's.
pub(crate) fn value_out(bytes: &[u8]) -> Result<String, GatewayError> {
    if bytes.is_empty() {
        return Ok("null".to_owned());
    }
    transcode::msgpack_to_json(bytes)
        .map_err(|error| GatewayError::new(ErrorKind::Internal, error.to_string()))
}
