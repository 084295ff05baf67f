//! Decisions, decision requirements graphs, and evaluations with their trace.

use bytes::Bytes;

use crate::{Key, ResourceRecord};

/// A decision that a deployment made or found again.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionMetadata {
    /// Decision id.
    #[prost(string, tag = "1")]
    pub decision_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_name: String,
    /// Version, from 1.
    #[prost(uint32, tag = "3")]
    pub version: u32,
    /// Decision.
    #[prost(uint64, tag = "4")]
    pub decision_key: Key,
    /// Id of its decision requirements graph.
    #[prost(string, tag = "5")]
    pub decision_requirements_id: String,
    /// Its decision requirements graph.
    #[prost(uint64, tag = "6")]
    pub decision_requirements_key: Key,
    /// It was there already.
    #[prost(bool, tag = "7")]
    pub duplicate: bool,
    /// Version tag of the model, empty when none.
    #[prost(string, tag = "8")]
    pub version_tag: String,
}

/// A decision requirements graph that a deployment made or found again.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionRequirementsMetadata {
    /// Id of the graph.
    #[prost(string, tag = "1")]
    pub decision_requirements_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_requirements_name: String,
    /// Version, from 1.
    #[prost(uint32, tag = "3")]
    pub version: u32,
    /// Decision requirements graph.
    #[prost(uint64, tag = "4")]
    pub decision_requirements_key: Key,
    /// Namespace of the model.
    #[prost(string, tag = "5")]
    pub namespace: String,
    /// File that it came from.
    #[prost(string, tag = "6")]
    pub resource_name: String,
    /// Checksum of the file.
    #[prost(bytes = "bytes", tag = "7")]
    pub checksum: Bytes,
    /// It was there already.
    #[prost(bool, tag = "8")]
    pub duplicate: bool,
    /// Names of the files of the deployment that it imports, those that others import first.
    #[prost(string, repeated, tag = "9")]
    pub imported_resource_names: Vec<String>,
}

/// Value of DECISION.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionRecord {
    /// Decision id.
    #[prost(string, tag = "1")]
    pub decision_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_name: String,
    /// Version, from 1.
    #[prost(uint32, tag = "3")]
    pub version: u32,
    /// Decision.
    #[prost(uint64, tag = "4")]
    pub decision_key: Key,
    /// Id of its decision requirements graph.
    #[prost(string, tag = "5")]
    pub decision_requirements_id: String,
    /// Its decision requirements graph.
    #[prost(uint64, tag = "6")]
    pub decision_requirements_key: Key,
    /// Version tag, empty when none.
    #[prost(string, tag = "7")]
    pub version_tag: String,
    /// Deployment that made it.
    #[prost(uint64, tag = "8")]
    pub deployment_key: Key,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "9")]
    pub tenant_id: String,
}

/// Value of DECISION_REQUIREMENTS.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionRequirementsRecord {
    /// Id of the graph.
    #[prost(string, tag = "1")]
    pub decision_requirements_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_requirements_name: String,
    /// Version, from 1.
    #[prost(uint32, tag = "3")]
    pub version: u32,
    /// Decision requirements graph.
    #[prost(uint64, tag = "4")]
    pub decision_requirements_key: Key,
    /// Namespace of the model.
    #[prost(string, tag = "5")]
    pub namespace: String,
    /// File that it came from.
    #[prost(string, tag = "6")]
    pub resource_name: String,
    /// The file's content; empty on deletion.
    #[prost(bytes = "bytes", tag = "7")]
    pub resource: Bytes,
    /// Checksum of the file.
    #[prost(bytes = "bytes", tag = "8")]
    pub checksum: Bytes,
    /// Deployment that made it.
    #[prost(uint64, tag = "9")]
    pub deployment_key: Key,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "10")]
    pub tenant_id: String,
    /// The files that it imports, those that others import first: the graph stays whole when they get
    /// new versions or are deleted.
    #[prost(message, repeated, tag = "11")]
    pub imports: Vec<ResourceRecord>,
}

/// Value of DECISION_EVALUATION.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionEvaluationRecord {
    /// Decision id.
    #[prost(string, tag = "1")]
    pub decision_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_name: String,
    /// Version.
    #[prost(uint32, tag = "3")]
    pub decision_version: u32,
    /// Decision.
    #[prost(uint64, tag = "4")]
    pub decision_key: Key,
    /// Id of its decision requirements graph.
    #[prost(string, tag = "5")]
    pub decision_requirements_id: String,
    /// Its decision requirements graph.
    #[prost(uint64, tag = "6")]
    pub decision_requirements_key: Key,
    /// Output, a MessagePack value; null when the evaluation failed.
    #[prost(bytes = "bytes", tag = "7")]
    pub decision_output: Bytes,
    /// Variables: of the command, or those of the element's scopes that the evaluation read. A
    /// MessagePack map.
    #[prost(bytes = "bytes", tag = "8")]
    pub variables: Bytes,
    /// The business rule task that asked; none when a client did. Boxed: rare values must not make
    /// every record larger.
    #[prost(message, optional, boxed, tag = "9")]
    pub caller: Option<Box<DecisionCaller>>,
    /// Why there is no output; empty when there is one.
    #[prost(string, tag = "10")]
    pub evaluation_failure_message: String,
    /// The decision that failed: the asked one or one that it requires.
    #[prost(string, tag = "11")]
    pub failed_decision_id: String,
    /// The decisions that were evaluated, in the order in which they ended.
    #[prost(message, repeated, tag = "12")]
    pub evaluated_decisions: Vec<EvaluatedDecisionRecord>,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "13")]
    pub tenant_id: String,
}

/// The business rule task that a decision was evaluated for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DecisionCaller {
    /// Process id.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Process definition.
    #[prost(uint64, tag = "2")]
    pub process_definition_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "3")]
    pub process_instance_key: Key,
    /// The task.
    #[prost(string, tag = "4")]
    pub element_id: String,
    /// Its instance.
    #[prost(uint64, tag = "5")]
    pub element_instance_key: Key,
}

/// The evaluation of one decision.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EvaluatedDecisionRecord {
    /// Decision id.
    #[prost(string, tag = "1")]
    pub decision_id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub decision_name: String,
    /// Decision.
    #[prost(uint64, tag = "3")]
    pub decision_key: Key,
    /// Version.
    #[prost(uint32, tag = "4")]
    pub decision_version: u32,
    /// What its logic is, for example `DECISION_TABLE`.
    #[prost(string, tag = "5")]
    pub decision_type: String,
    /// Output, a MessagePack value.
    #[prost(bytes = "bytes", tag = "6")]
    pub decision_output: Bytes,
    /// Inputs of a decision table.
    #[prost(message, repeated, tag = "7")]
    pub evaluated_inputs: Vec<EvaluatedInputRecord>,
    /// Rules of a decision table that matched.
    #[prost(message, repeated, tag = "8")]
    pub matched_rules: Vec<MatchedRuleRecord>,
    /// What went wrong quietly.
    #[prost(message, repeated, tag = "9")]
    pub warnings: Vec<EvaluationWarningRecord>,
}

/// The value of an input of a decision table.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EvaluatedInputRecord {
    /// Id of the input.
    #[prost(string, tag = "1")]
    pub input_id: String,
    /// Its label or expression.
    #[prost(string, tag = "2")]
    pub input_name: String,
    /// A MessagePack value.
    #[prost(bytes = "bytes", tag = "3")]
    pub input_value: Bytes,
}

/// A rule that matched.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MatchedRuleRecord {
    /// Id of the rule.
    #[prost(string, tag = "1")]
    pub rule_id: String,
    /// Its place in the table, from 1.
    #[prost(uint32, tag = "2")]
    pub rule_index: u32,
    /// Its outputs.
    #[prost(message, repeated, tag = "3")]
    pub evaluated_outputs: Vec<EvaluatedOutputRecord>,
}

/// An output of a rule that matched.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EvaluatedOutputRecord {
    /// Id of the output.
    #[prost(string, tag = "1")]
    pub output_id: String,
    /// Its label or name.
    #[prost(string, tag = "2")]
    pub output_name: String,
    /// A MessagePack value.
    #[prost(bytes = "bytes", tag = "3")]
    pub output_value: Bytes,
}

/// Something that made a part of a result null.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EvaluationWarningRecord {
    /// The element of the model with the expression.
    #[prost(string, tag = "1")]
    pub element_id: String,
    /// The expression.
    #[prost(string, tag = "2")]
    pub expression: String,
    /// What went wrong.
    #[prost(string, tag = "3")]
    pub message: String,
    /// First byte of the expression that it is about.
    #[prost(uint32, tag = "4")]
    pub span_start: u32,
    /// First byte after that.
    #[prost(uint32, tag = "5")]
    pub span_end: u32,
}
