//! Process instances, their elements, creation and sliced work.

use bytes::Bytes;

use crate::Key;

/// BpmnElementType of `spec/engine.md` 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum ElementType {
    Unspecified = 0,
    Process = 1,
    SubProcess = 2,
    EventSubProcess = 3,
    StartEvent = 4,
    IntermediateCatchEvent = 5,
    IntermediateThrowEvent = 6,
    BoundaryEvent = 7,
    EndEvent = 8,
    ServiceTask = 9,
    ReceiveTask = 10,
    UserTask = 11,
    ManualTask = 12,
    Task = 13,
    ExclusiveGateway = 14,
    ParallelGateway = 15,
    EventBasedGateway = 16,
    InclusiveGateway = 17,
    SequenceFlow = 18,
    MultiInstanceBody = 19,
    CallActivity = 20,
    BusinessRuleTask = 21,
    ScriptTask = 22,
    SendTask = 23,
    AdHocSubProcess = 24,
    AdHocSubProcessInnerInstance = 25,
}

impl ElementType {
    /// The name that exporters and golden scripts show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Process => "PROCESS",
            Self::SubProcess => "SUB_PROCESS",
            Self::EventSubProcess => "EVENT_SUB_PROCESS",
            Self::StartEvent => "START_EVENT",
            Self::IntermediateCatchEvent => "INTERMEDIATE_CATCH_EVENT",
            Self::IntermediateThrowEvent => "INTERMEDIATE_THROW_EVENT",
            Self::BoundaryEvent => "BOUNDARY_EVENT",
            Self::EndEvent => "END_EVENT",
            Self::ServiceTask => "SERVICE_TASK",
            Self::ReceiveTask => "RECEIVE_TASK",
            Self::UserTask => "USER_TASK",
            Self::ManualTask => "MANUAL_TASK",
            Self::Task => "TASK",
            Self::ExclusiveGateway => "EXCLUSIVE_GATEWAY",
            Self::ParallelGateway => "PARALLEL_GATEWAY",
            Self::EventBasedGateway => "EVENT_BASED_GATEWAY",
            Self::InclusiveGateway => "INCLUSIVE_GATEWAY",
            Self::SequenceFlow => "SEQUENCE_FLOW",
            Self::MultiInstanceBody => "MULTI_INSTANCE_BODY",
            Self::CallActivity => "CALL_ACTIVITY",
            Self::BusinessRuleTask => "BUSINESS_RULE_TASK",
            Self::ScriptTask => "SCRIPT_TASK",
            Self::SendTask => "SEND_TASK",
            Self::AdHocSubProcess => "AD_HOC_SUB_PROCESS",
            Self::AdHocSubProcessInnerInstance => "AD_HOC_SUB_PROCESS_INNER_INSTANCE",
        }
    }
}

/// BpmnEventType of `spec/engine.md` 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum EventType {
    Unspecified = 0,
    None = 1,
    Message = 2,
    Timer = 3,
    Error = 4,
    Terminate = 5,
    Signal = 6,
    Escalation = 7,
    Link = 8,
    Compensation = 9,
    Conditional = 10,
}

/// Value of PROCESS_INSTANCE: one element instance, or a taken sequence flow.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessInstanceRecord {
    /// Process id.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Version of the process definition.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "4")]
    pub process_instance_key: Key,
    /// Element, or sequence flow.
    #[prost(string, tag = "5")]
    pub element_id: String,
    /// Element instance that encloses it; 0 for the process itself.
    #[prost(uint64, tag = "6")]
    pub flow_scope_key: Key,
    /// Element type.
    #[prost(enumeration = "ElementType", tag = "7")]
    pub element_type: i32,
    /// Event type.
    #[prost(enumeration = "EventType", tag = "8")]
    pub event_type: i32,
    /// Process instance that called this one.
    #[prost(uint64, tag = "9")]
    pub parent_process_instance_key: Key,
    /// Call activity that called this one.
    #[prost(uint64, tag = "10")]
    pub parent_element_instance_key: Key,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "11")]
    pub tenant_id: String,
    /// Business id of a root instance, empty when none.
    #[prost(string, tag = "12")]
    pub business_id: String,
    /// Tags of the instance (root only).
    #[prost(string, repeated, tag = "13")]
    pub tags: Vec<String>,
    /// How many instances call each other above this one (root only); bounds recursion.
    #[prost(uint32, tag = "14")]
    pub call_depth: u32,
    /// ELEMENT_ACTIVATING: tokens of the flow scope that this element takes.
    #[prost(uint32, tag = "15")]
    pub tokens_taken: u32,
    /// The parallel gateway at which tokens wait for each other: the target of a taken flow, or the
    /// gateway that takes them.
    #[prost(string, tag = "16")]
    pub join_element_id: String,
}

/// Value of PROCESS_INSTANCE_CREATION.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessInstanceCreationRecord {
    /// Process id; has priority over the key.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Version; negative means the latest.
    #[prost(int32, tag = "2")]
    pub version: i32,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// CREATED: the instance.
    #[prost(uint64, tag = "4")]
    pub process_instance_key: Key,
    /// Variables of the root scope (CREATE only).
    #[prost(bytes = "bytes", tag = "5")]
    pub variables: Bytes,
    /// Elements to start at instead of the none start event.
    #[prost(string, repeated, tag = "6")]
    pub start_element_ids: Vec<String>,
    /// Variables to give back with the result; empty means all.
    #[prost(string, repeated, tag = "7")]
    pub fetch_variables: Vec<String>,
    /// Tags.
    #[prost(string, repeated, tag = "8")]
    pub tags: Vec<String>,
    /// Business id, empty when none.
    #[prost(string, tag = "9")]
    pub business_id: String,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "10")]
    pub tenant_id: String,
    /// CREATED: hash of the request, by which a retry is known.
    #[prost(uint64, tag = "11")]
    pub request_fingerprint: u64,
}

/// Value of PROCESS_INSTANCE_RESULT: an instance that somebody awaits has completed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessInstanceResultRecord {
    /// Process id.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Version.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "4")]
    pub process_instance_key: Key,
    /// Variables of the root scope.
    #[prost(bytes = "bytes", tag = "5")]
    pub variables: Bytes,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "6")]
    pub tenant_id: String,
    /// Tags.
    #[prost(string, repeated, tag = "7")]
    pub tags: Vec<String>,
    /// Business id, empty when none.
    #[prost(string, tag = "8")]
    pub business_id: String,
}

/// Value of PROCESS_INSTANCE_BATCH: internal work that did not fit one slice and goes on later.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessInstanceBatchRecord {
    /// Process instance.
    #[prost(uint64, tag = "1")]
    pub process_instance_key: Key,
    /// The steps that are left, encoded by the engine.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub steps: Vec<Bytes>,
    /// Steps done so far without waiting for anything from outside.
    #[prost(uint64, tag = "3")]
    pub steps_done: u64,
}

/// Value of PROCESS_EVENT: a trigger on its way to an element of a scope.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessEventRecord {
    /// Element instance that was triggered.
    #[prost(uint64, tag = "1")]
    pub scope_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "2")]
    pub process_instance_key: Key,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// Element that takes the trigger.
    #[prost(string, tag = "4")]
    pub target_element_id: String,
    /// Variables of the trigger.
    #[prost(bytes = "bytes", tag = "5")]
    pub variables: Bytes,
}
