//! Steps: the engine's own follow-up work inside one command.
//!
//! Steps run from a queue, never by recursion. What does not fit one slice is encoded into a
//! PROCESS_INSTANCE_BATCH record and goes on with a later command, so steps name elements by id.

use bytes::Bytes;
use prost::Message;
use skep_protocol::Key;

/// One piece of follow-up work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// A token reached an element: make an instance of it.
    Enter {
        /// Element instance around it.
        scope_key: Key,
        /// The element.
        element_id: String,
        /// It was reached because its event happened: complete it with these variables.
        triggered: Option<Bytes>,
    },
    /// Go on with an activation: input mappings and what the element does.
    Activate {
        /// Element instance.
        key: Key,
    },
    /// Complete an element with the variables that its event or job brought.
    Complete {
        /// Element instance.
        key: Key,
        /// Variables, MessagePack; empty for none.
        variables: Bytes,
    },
    /// Go on with a completion that an incident stopped.
    ResumeCompletion {
        /// Element instance.
        key: Key,
    },
    /// End an element from outside.
    Terminate {
        /// Element instance.
        key: Key,
    },
    /// End the children of a scope, those after the given one.
    TerminateChildren {
        /// Element instance around them.
        scope_key: Key,
        /// The last child that was handled, 0 to start.
        after: Key,
    },
    /// An element that is being terminated may have lost its last child.
    FinishTermination {
        /// Element instance.
        key: Key,
    },
    /// Throw an error from an element.
    ThrowError {
        /// Element instance.
        key: Key,
        /// Job that threw it, 0 when none.
        job_key: Key,
        /// Code.
        code: String,
        /// Message for people.
        message: String,
        /// Variables for the catch event.
        variables: Bytes,
    },
    /// Create the next timer of a cycle whose expression could not be evaluated.
    RepeatTimer {
        /// Element instance that the timer belongs to.
        key: Key,
        /// Element that it triggers.
        element_id: String,
        /// When it fired last, epoch milliseconds.
        due_date_ms: i64,
        /// How often it fires, that time included; -1 for ever.
        repetitions: i32,
    },
}

/// Bytes of a step.
#[derive(Clone, PartialEq, Message)]
struct StepRecord {
    #[prost(uint32, tag = "1")]
    kind: u32,
    #[prost(uint64, tag = "2")]
    key: Key,
    #[prost(string, tag = "3")]
    element_id: String,
    #[prost(bytes = "bytes", optional, tag = "4")]
    variables: Option<Bytes>,
    #[prost(uint64, tag = "5")]
    other_key: Key,
    #[prost(string, tag = "6")]
    text: String,
    #[prost(int64, tag = "7")]
    time_ms: i64,
    #[prost(int32, tag = "8")]
    count: i32,
}

impl Step {
    /// Encodes it for a batch record or an incident.
    pub(crate) fn encode(&self) -> Bytes {
        let record = match self.clone() {
            Self::Enter { scope_key, element_id, triggered } => StepRecord {
                kind: 1,
                key: scope_key,
                element_id,
                variables: triggered,
                ..StepRecord::default()
            },
            Self::Activate { key } => StepRecord { kind: 2, key, ..StepRecord::default() },
            Self::Complete { key, variables } => {
                StepRecord { kind: 3, key, variables: Some(variables), ..StepRecord::default() }
            }
            Self::ResumeCompletion { key } => StepRecord { kind: 4, key, ..StepRecord::default() },
            Self::Terminate { key } => StepRecord { kind: 5, key, ..StepRecord::default() },
            Self::TerminateChildren { scope_key, after } => {
                StepRecord { kind: 6, key: scope_key, other_key: after, ..StepRecord::default() }
            }
            Self::FinishTermination { key } => StepRecord { kind: 7, key, ..StepRecord::default() },
            Self::ThrowError { key, job_key, code, message, variables } => StepRecord {
                kind: 8,
                key,
                other_key: job_key,
                element_id: code,
                text: message,
                variables: Some(variables),
                ..StepRecord::default()
            },
            Self::RepeatTimer { key, element_id, due_date_ms, repetitions } => StepRecord {
                kind: 9,
                key,
                element_id,
                time_ms: due_date_ms,
                count: repetitions,
                ..StepRecord::default()
            },
        };
        record.encode_to_vec().into()
    }

    /// Reads a step back; `None` when it is none that this version knows.
    pub(crate) fn decode(bytes: Bytes) -> Option<Self> {
        let record = StepRecord::decode(bytes).ok()?;
        let key = record.key;
        Some(match record.kind {
            1 => Self::Enter {
                scope_key: key,
                element_id: record.element_id,
                triggered: record.variables,
            },
            2 => Self::Activate { key },
            3 => Self::Complete { key, variables: record.variables.unwrap_or_default() },
            4 => Self::ResumeCompletion { key },
            5 => Self::Terminate { key },
            6 => Self::TerminateChildren { scope_key: key, after: record.other_key },
            7 => Self::FinishTermination { key },
            8 => Self::ThrowError {
                key,
                job_key: record.other_key,
                code: record.element_id,
                message: record.text,
                variables: record.variables.unwrap_or_default(),
            },
            9 => Self::RepeatTimer {
                key,
                element_id: record.element_id,
                due_date_ms: record.time_ms,
                repetitions: record.count,
            },
            _ => return None,
        })
    }

    /// The element instance that the step is about.
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Enter { scope_key, .. } | Self::TerminateChildren { scope_key, .. } => *scope_key,
            Self::Activate { key }
            | Self::Complete { key, .. }
            | Self::ResumeCompletion { key }
            | Self::Terminate { key }
            | Self::FinishTermination { key }
            | Self::ThrowError { key, .. }
            | Self::RepeatTimer { key, .. } => *key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_back() {
        let variables = Bytes::from_static(&[0x80]);
        for step in [
            Step::Enter { scope_key: 1, element_id: "a".to_owned(), triggered: None },
            Step::Enter {
                scope_key: 1,
                element_id: "a".to_owned(),
                triggered: Some(variables.clone()),
            },
            Step::Activate { key: 2 },
            Step::Complete { key: 3, variables: variables.clone() },
            Step::ResumeCompletion { key: 4 },
            Step::Terminate { key: 5 },
            Step::TerminateChildren { scope_key: 6, after: 7 },
            Step::FinishTermination { key: 8 },
            Step::ThrowError {
                key: 9,
                job_key: 10,
                code: "c".into(),
                message: "m".into(),
                variables,
            },
            Step::RepeatTimer { key: 11, element_id: "t".into(), due_date_ms: -5, repetitions: -1 },
        ] {
            assert_eq!(Step::decode(step.encode()), Some(step));
        }
    }
}
