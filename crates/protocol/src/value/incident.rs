//! Incidents and internal errors.

use crate::Key;

/// Why an incident was raised (`spec/engine.md` 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum ErrorType {
    Unknown = 0,
    IoMappingError = 1,
    JobNoRetries = 2,
    ConditionError = 3,
    ExtractValueError = 4,
    CalledElementError = 5,
    UnhandledErrorEvent = 6,
    MessageSizeExceeded = 7,
    CalledDecisionError = 8,
    DecisionEvaluationError = 9,
    FormNotFound = 10,
    ExecutionListenerNoRetries = 11,
    ResourceNotFound = 12,
}

impl ErrorType {
    /// The name that clients and exporters see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::IoMappingError => "IO_MAPPING_ERROR",
            Self::JobNoRetries => "JOB_NO_RETRIES",
            Self::ConditionError => "CONDITION_ERROR",
            Self::ExtractValueError => "EXTRACT_VALUE_ERROR",
            Self::CalledElementError => "CALLED_ELEMENT_ERROR",
            Self::UnhandledErrorEvent => "UNHANDLED_ERROR_EVENT",
            Self::MessageSizeExceeded => "MESSAGE_SIZE_EXCEEDED",
            Self::CalledDecisionError => "CALLED_DECISION_ERROR",
            Self::DecisionEvaluationError => "DECISION_EVALUATION_ERROR",
            Self::FormNotFound => "FORM_NOT_FOUND",
            Self::ExecutionListenerNoRetries => "EXECUTION_LISTENER_NO_RETRIES",
            Self::ResourceNotFound => "RESOURCE_NOT_FOUND",
        }
    }
}

/// Value of INCIDENT.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IncidentRecord {
    /// Kind.
    #[prost(enumeration = "ErrorType", tag = "1")]
    pub error_type: i32,
    /// What went wrong and what to do.
    #[prost(string, tag = "2")]
    pub error_message: String,
    /// Process id.
    #[prost(string, tag = "3")]
    pub bpmn_process_id: String,
    /// Process definition.
    #[prost(uint64, tag = "4")]
    pub process_definition_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "5")]
    pub process_instance_key: Key,
    /// Element.
    #[prost(string, tag = "6")]
    pub element_id: String,
    /// Element instance.
    #[prost(uint64, tag = "7")]
    pub element_instance_key: Key,
    /// Job, when it is about one.
    #[prost(uint64, tag = "8")]
    pub job_key: Key,
    /// Scope whose variables to look at.
    #[prost(uint64, tag = "9")]
    pub variable_scope_key: Key,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "10")]
    pub tenant_id: String,
    /// The step to repeat when the incident is resolved, encoded by the engine; empty means: activate
    /// or complete the element again, by its state.
    #[prost(bytes = "bytes", tag = "11")]
    pub retry_step: bytes::Bytes,
}

/// Value of ERROR: the engine itself failed on a command; nothing else of it was applied.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErrorRecord {
    /// What happened.
    #[prost(string, tag = "1")]
    pub exception_message: String,
    /// Position of the command.
    #[prost(uint64, tag = "2")]
    pub error_event_position: u64,
    /// Process instance, when known.
    #[prost(uint64, tag = "3")]
    pub process_instance_key: Key,
}
