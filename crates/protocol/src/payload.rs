//! Value type, intent and value of a record in one.

use prost::Message;

use crate::intent::*;
use crate::value::*;

macro_rules! payloads {
    ($($number:literal $name:ident $text:literal $intent:ident $value:ident,)*) => {
        /// What a record is about; numbers as in `spec/engine.md` 4.3.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names are the documentation")]
        pub enum ValueType { $($name = $number,)* }

        impl ValueType {
            /// The name that exporters and golden scripts show.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        /// Intent and value, by value type.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the names are the documentation")]
        pub enum Payload { $($name($intent, $value),)* }

        impl Payload {
            /// The value type.
            #[must_use]
            pub fn value_type(&self) -> ValueType {
                match self { $(Self::$name(..) => ValueType::$name,)* }
            }

            /// The intent's name.
            #[must_use]
            pub fn intent_name(&self) -> &'static str {
                match self { $(Self::$name(intent, _) => intent.name(),)* }
            }

            /// The intent's number.
            #[must_use]
            pub fn intent_number(&self) -> u8 {
                match self { $(Self::$name(intent, _) => *intent as u8,)* }
            }

            /// Bytes of the encoded value.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self { $(Self::$name(_, value) => value.encoded_len(),)* }
            }

            /// Appends the encoded value.
            pub fn encode_value(&self, out: &mut Vec<u8>) {
                match self { $(Self::$name(_, value) => value.encode_raw(out),)* }
            }

            /// Reads a value back; `None` when the numbers are unknown to this version.
            ///
            /// # Errors
            /// When the bytes are not a value of that type.
            pub fn decode(value_type: u8, intent: u8, bytes: bytes::Bytes) -> Result<Option<Self>, prost::DecodeError> {
                match value_type {
                    $($number => match $intent::from_number(intent) {
                        Some(intent) => Ok(Some(Self::$name(intent, $value::decode(bytes)?))),
                        None => Ok(None),
                    },)*
                    _ => Ok(None),
                }
            }
        }
    };
}

payloads! {
    0 Job "JOB" JobIntent JobRecord,
    4 Deployment "DEPLOYMENT" DeploymentIntent DeploymentRecord,
    5 ProcessInstance "PROCESS_INSTANCE" ProcessInstanceIntent ProcessInstanceRecord,
    6 Incident "INCIDENT" IncidentIntent IncidentRecord,
    10 Message "MESSAGE" MessageIntent MessageRecord,
    11 MessageSubscription "MESSAGE_SUBSCRIPTION" MessageSubscriptionIntent MessageSubscriptionRecord,
    12 ProcessMessageSubscription "PROCESS_MESSAGE_SUBSCRIPTION" ProcessMessageSubscriptionIntent ProcessMessageSubscriptionRecord,
    14 JobBatch "JOB_BATCH" JobBatchIntent JobBatchRecord,
    15 Timer "TIMER" TimerIntent TimerRecord,
    16 MessageStartEventSubscription "MESSAGE_START_EVENT_SUBSCRIPTION" MessageStartEventSubscriptionIntent MessageStartEventSubscriptionRecord,
    17 Variable "VARIABLE" VariableIntent VariableRecord,
    18 VariableDocument "VARIABLE_DOCUMENT" VariableDocumentIntent VariableDocumentRecord,
    19 ProcessInstanceCreation "PROCESS_INSTANCE_CREATION" ProcessInstanceCreationIntent ProcessInstanceCreationRecord,
    20 Error "ERROR" ErrorIntent ErrorRecord,
    21 ProcessInstanceResult "PROCESS_INSTANCE_RESULT" ProcessInstanceResultIntent ProcessInstanceResultRecord,
    22 Process "PROCESS" ProcessIntent ProcessRecord,
    24 ProcessEvent "PROCESS_EVENT" ProcessEventIntent ProcessEventRecord,
    25 Decision "DECISION" DecisionIntent DecisionRecord,
    26 DecisionRequirements "DECISION_REQUIREMENTS" DecisionRequirementsIntent DecisionRequirementsRecord,
    27 DecisionEvaluation "DECISION_EVALUATION" DecisionEvaluationIntent DecisionEvaluationRecord,
    31 Signal "SIGNAL" SignalIntent SignalRecord,
    32 ResourceDeletion "RESOURCE_DELETION" ResourceDeletionIntent ResourceDeletionRecord,
    33 CommandDistribution "COMMAND_DISTRIBUTION" CommandDistributionIntent CommandDistributionRecord,
    34 ProcessInstanceBatch "PROCESS_INSTANCE_BATCH" ProcessInstanceBatchIntent ProcessInstanceBatchRecord,
    35 MessageBatch "MESSAGE_BATCH" MessageBatchIntent MessageBatchRecord,
    40 MessageCorrelation "MESSAGE_CORRELATION" MessageCorrelationIntent MessageCorrelationRecord,
    253 Scale "SCALE" ScaleIntent ScaleRecord,
    254 Checkpoint "CHECKPOINT" CheckpointIntent CheckpointRecord,
}

impl Payload {
    /// About how many bytes the encoded value takes: exact for what can be large, a guess for the
    /// rest. Costs next to nothing, unlike [`Payload::encoded_len`].
    #[must_use]
    pub fn bytes_estimate(&self) -> usize {
        /// Keys, ids and names of a usual value.
        const SMALL_BYTES: usize = 160;
        SMALL_BYTES
            + match self {
                Self::Job(_, value) => value.variables.len() + value.error_message.len(),
                Self::Deployment(_, value) => value
                    .resources
                    .iter()
                    .map(|resource| resource.content.len() + resource.name.len())
                    .sum(),
                Self::Message(_, value) => value.variables.len(),
                Self::MessageSubscription(_, value) => value.variables.len(),
                Self::ProcessMessageSubscription(_, value) => value.variables.len(),
                Self::JobBatch(_, value) => value.job_keys.len() * 9,
                Self::MessageStartEventSubscription(_, value) => value.variables.len(),
                Self::Variable(_, value) => value.value.len() + value.name.len(),
                Self::VariableDocument(_, value) => value.variables.len(),
                Self::ProcessInstanceCreation(_, value) => value.variables.len(),
                Self::ProcessInstanceResult(_, value) => value.variables.len(),
                Self::Process(_, value) => value.resource.len(),
                Self::ProcessEvent(_, value) => value.variables.len(),
                Self::DecisionRequirements(_, value) => {
                    value.resource.len()
                        + value.imports.iter().map(|file| file.content.len()).sum::<usize>()
                }
                // A trace has no one part that is large.
                Self::DecisionEvaluation(_, value) => value.encoded_len(),
                Self::Signal(_, value) => value.variables.len(),
                Self::CommandDistribution(_, value) => value.command.len(),
                Self::ProcessInstanceBatch(_, value) => {
                    value.steps.iter().map(|step| step.len() + 4).sum()
                }
                Self::MessageCorrelation(_, value) => value.variables.len(),
                Self::Incident(_, value) => value.error_message.len() + value.retry_step.len(),
                Self::Error(_, value) => value.exception_message.len(),
                Self::ProcessInstance(..)
                | Self::Decision(..)
                | Self::Timer(..)
                | Self::ResourceDeletion(..)
                | Self::MessageBatch(..)
                | Self::Scale(..)
                | Self::Checkpoint(..) => 0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record is moved and kept by the thousand: its rarest value must not make all larger.
    #[test]
    fn no_value_is_larger_than_that_of_a_job() {
        assert_eq!(size_of::<Payload>(), size_of::<JobRecord>() + 8);
    }

    #[test]
    fn a_deployment_of_the_first_release_still_reads() {
        // Field 3 (deployment key 7) and a process in field 2, as written before decisions were known.
        let bytes = bytes::Bytes::from_static(b"\x12\x07\x0a\x01p\x10\x01\x18\x05\x18\x07");
        let read = Payload::decode(4, 1, bytes).unwrap().unwrap();
        let process = ProcessMetadata {
            bpmn_process_id: "p".to_owned(),
            version: 1,
            process_definition_key: 5,
            ..ProcessMetadata::default()
        };
        let expected = DeploymentRecord {
            processes: vec![process],
            deployment_key: 7,
            ..DeploymentRecord::default()
        };
        assert_eq!(read, Payload::Deployment(DeploymentIntent::Created, expected));
    }

    #[test]
    fn decisions_have_the_numbers_of_the_contract() {
        let numbers =
            [ValueType::Decision, ValueType::DecisionRequirements, ValueType::DecisionEvaluation]
                .map(|value_type| value_type as u8);
        assert_eq!(numbers, [25, 26, 27]);
        let evaluation = DecisionEvaluationRecord {
            decision_id: "d".to_owned(),
            caller: Some(Box::new(DecisionCaller {
                element_id: "e".to_owned(),
                ..DecisionCaller::default()
            })),
            evaluated_decisions: vec![EvaluatedDecisionRecord::default()],
            ..DecisionEvaluationRecord::default()
        };
        let payload = Payload::DecisionEvaluation(DecisionEvaluationIntent::Failed, evaluation);
        let mut bytes = Vec::new();
        payload.encode_value(&mut bytes);
        assert_eq!(bytes, b"\x0a\x01d\x4a\x03\x22\x01e\x62\x00");
        assert_eq!(Payload::decode(27, 1, bytes.into()).unwrap(), Some(payload));
    }
}
