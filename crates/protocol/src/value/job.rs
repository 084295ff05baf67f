//! Jobs and their activation.

use bytes::Bytes;

use crate::Key;

/// A header of a job.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Header {
    /// Name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Value of JOB.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JobRecord {
    /// Job type.
    #[prost(string, tag = "1")]
    pub job_type: String,
    /// Element that the job belongs to.
    #[prost(string, tag = "2")]
    pub element_id: String,
    /// Element instance that the job belongs to.
    #[prost(uint64, tag = "3")]
    pub element_instance_key: Key,
    /// Process id.
    #[prost(string, tag = "4")]
    pub bpmn_process_id: String,
    /// Version of the process definition.
    #[prost(uint32, tag = "5")]
    pub process_definition_version: u32,
    /// Process definition.
    #[prost(uint64, tag = "6")]
    pub process_definition_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "7")]
    pub process_instance_key: Key,
    /// Headers of the model and reserved ones.
    #[prost(message, repeated, tag = "8")]
    pub headers: Vec<Header>,
    /// Worker that holds it.
    #[prost(string, tag = "9")]
    pub worker: String,
    /// Retries left.
    #[prost(int32, tag = "10")]
    pub retries: i32,
    /// Back-off before the next attempt, in milliseconds (FAIL).
    #[prost(int64, tag = "11")]
    pub retry_back_off_ms: i64,
    /// When the back-off ends, epoch milliseconds.
    #[prost(int64, tag = "12")]
    pub recurring_time_ms: i64,
    /// When the activation ends, epoch milliseconds.
    #[prost(int64, tag = "13")]
    pub deadline_ms: i64,
    /// Length of an activation in milliseconds (UPDATE_TIMEOUT).
    #[prost(int64, tag = "14")]
    pub timeout_ms: i64,
    /// Variables given by the worker.
    #[prost(bytes = "bytes", tag = "15")]
    pub variables: Bytes,
    /// Message of a failure or thrown error.
    #[prost(string, tag = "16")]
    pub error_message: String,
    /// Code of a thrown error.
    #[prost(string, tag = "17")]
    pub error_code: String,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "18")]
    pub tenant_id: String,
    /// UPDATE: change retries (then `retries` counts).
    #[prost(bool, tag = "19")]
    pub changes_retries: bool,
    /// UPDATE: change the timeout (then `timeout_ms` counts).
    #[prost(bool, tag = "20")]
    pub changes_timeout: bool,
}

/// Value of JOB_BATCH: activation of jobs of one type.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JobBatchRecord {
    /// Job type.
    #[prost(string, tag = "1")]
    pub job_type: String,
    /// Worker name.
    #[prost(string, tag = "2")]
    pub worker: String,
    /// Length of the activation in milliseconds.
    #[prost(int64, tag = "3")]
    pub timeout_ms: i64,
    /// At most so many jobs.
    #[prost(uint32, tag = "4")]
    pub jobs_max: u32,
    /// Names of the variables to hand out; empty means all.
    #[prost(string, repeated, tag = "5")]
    pub fetch_variables: Vec<String>,
    /// ACTIVATED: the jobs.
    #[prost(uint64, repeated, tag = "6")]
    pub job_keys: Vec<Key>,
    /// ACTIVATED: end of the activation, epoch milliseconds.
    #[prost(int64, tag = "7")]
    pub deadline_ms: i64,
    /// ACTIVATED: more jobs were there than fit the answer.
    #[prost(bool, tag = "8")]
    pub truncated: bool,
    /// ACTIVATE: the answer may be so many bytes long; 0 means the default.
    #[prost(uint64, tag = "9")]
    pub response_bytes_max: u64,
}
