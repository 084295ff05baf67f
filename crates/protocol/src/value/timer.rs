//! Timers and signals.

use bytes::Bytes;

use crate::Key;

/// Value of TIMER.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimerRecord {
    /// Element instance that waits; 0 for timer start events.
    #[prost(uint64, tag = "1")]
    pub element_instance_key: Key,
    /// Process instance; 0 for timer start events.
    #[prost(uint64, tag = "2")]
    pub process_instance_key: Key,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// Element that is triggered.
    #[prost(string, tag = "4")]
    pub target_element_id: String,
    /// When, epoch milliseconds.
    #[prost(int64, tag = "5")]
    pub due_date_ms: i64,
    /// How often it still fires; -1 for ever.
    #[prost(int32, tag = "6")]
    pub repetitions: i32,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "7")]
    pub tenant_id: String,
}

/// Value of SIGNAL.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SignalRecord {
    /// Signal name.
    #[prost(string, tag = "1")]
    pub signal_name: String,
    /// Variables.
    #[prost(bytes = "bytes", tag = "2")]
    pub variables: Bytes,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "3")]
    pub tenant_id: String,
}
