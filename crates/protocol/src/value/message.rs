//! Messages and subscriptions.

use bytes::Bytes;

use crate::Key;

/// Value of MESSAGE.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageRecord {
    /// Message name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Correlation key.
    #[prost(string, tag = "2")]
    pub correlation_key: String,
    /// Message id, empty for no uniqueness check.
    #[prost(string, tag = "3")]
    pub message_id: String,
    /// Time to live in milliseconds.
    #[prost(int64, tag = "4")]
    pub time_to_live_ms: i64,
    /// When it expires, epoch milliseconds (PUBLISHED).
    #[prost(int64, tag = "5")]
    pub deadline_ms: i64,
    /// Variables.
    #[prost(bytes = "bytes", tag = "6")]
    pub variables: Bytes,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "7")]
    pub tenant_id: String,
}

/// Value of MESSAGE_BATCH: a slice of expiry.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageBatchRecord {}

/// Value of MESSAGE_CORRELATION: a publication whose caller waits for the correlation.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageCorrelationRecord {
    /// Message name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Correlation key.
    #[prost(string, tag = "2")]
    pub correlation_key: String,
    /// Variables.
    #[prost(bytes = "bytes", tag = "3")]
    pub variables: Bytes,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "4")]
    pub tenant_id: String,
    /// The message.
    #[prost(uint64, tag = "5")]
    pub message_key: Key,
    /// Process instance that took it.
    #[prost(uint64, tag = "6")]
    pub process_instance_key: Key,
}

/// Value of MESSAGE_SUBSCRIPTION: lives on the partition of the correlation key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageSubscriptionRecord {
    /// Process instance that waits.
    #[prost(uint64, tag = "1")]
    pub process_instance_key: Key,
    /// Element instance that waits.
    #[prost(uint64, tag = "2")]
    pub element_instance_key: Key,
    /// Message name.
    #[prost(string, tag = "3")]
    pub message_name: String,
    /// Correlation key.
    #[prost(string, tag = "4")]
    pub correlation_key: String,
    /// Process id.
    #[prost(string, tag = "5")]
    pub bpmn_process_id: String,
    /// Message that is being correlated.
    #[prost(uint64, tag = "6")]
    pub message_key: Key,
    /// Variables of that message.
    #[prost(bytes = "bytes", tag = "7")]
    pub variables: Bytes,
    /// Closes after one correlation.
    #[prost(bool, tag = "8")]
    pub interrupting: bool,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "9")]
    pub tenant_id: String,
    /// Key of the subscription on the instance's side; tells a reopened subscription from its predecessor.
    #[prost(uint64, tag = "10")]
    pub subscription_key: Key,
    /// CORRELATING of one that does not close after it: the how-manieth message it is, from 1.
    #[prost(uint64, tag = "11")]
    pub sequence: u64,
}

/// Value of PROCESS_MESSAGE_SUBSCRIPTION: lives with the process instance.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessMessageSubscriptionRecord {
    /// Process instance that waits.
    #[prost(uint64, tag = "1")]
    pub process_instance_key: Key,
    /// Element instance that waits.
    #[prost(uint64, tag = "2")]
    pub element_instance_key: Key,
    /// Message name.
    #[prost(string, tag = "3")]
    pub message_name: String,
    /// Correlation key.
    #[prost(string, tag = "4")]
    pub correlation_key: String,
    /// Process id.
    #[prost(string, tag = "5")]
    pub bpmn_process_id: String,
    /// Message that is being correlated.
    #[prost(uint64, tag = "6")]
    pub message_key: Key,
    /// Variables of that message.
    #[prost(bytes = "bytes", tag = "7")]
    pub variables: Bytes,
    /// Closes after one correlation.
    #[prost(bool, tag = "8")]
    pub interrupting: bool,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "9")]
    pub tenant_id: String,
    /// Element that takes the message.
    #[prost(string, tag = "10")]
    pub element_id: String,
    /// Process definition.
    #[prost(uint64, tag = "11")]
    pub process_definition_key: Key,
    /// Key of this subscription.
    #[prost(uint64, tag = "12")]
    pub subscription_key: Key,
    /// CORRELATED: the other partition may ask again, so the correlation is remembered until it
    /// acknowledges.
    #[prost(bool, tag = "13")]
    pub remembered: bool,
    /// The number that the message's side gave to this correlation, 0 when the subscription closes
    /// with it.
    #[prost(uint64, tag = "14")]
    pub sequence: u64,
}

/// Value of MESSAGE_START_EVENT_SUBSCRIPTION: lives on every partition.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageStartEventSubscriptionRecord {
    /// Process definition.
    #[prost(uint64, tag = "1")]
    pub process_definition_key: Key,
    /// Process id.
    #[prost(string, tag = "2")]
    pub bpmn_process_id: String,
    /// Start event.
    #[prost(string, tag = "3")]
    pub start_event_id: String,
    /// Message name.
    #[prost(string, tag = "4")]
    pub message_name: String,
    /// Correlation key of the message (CORRELATED).
    #[prost(string, tag = "5")]
    pub correlation_key: String,
    /// The message (CORRELATED).
    #[prost(uint64, tag = "6")]
    pub message_key: Key,
    /// The instance that it started (CORRELATED).
    #[prost(uint64, tag = "7")]
    pub process_instance_key: Key,
    /// Variables of the message (CORRELATED).
    #[prost(bytes = "bytes", tag = "8")]
    pub variables: Bytes,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "9")]
    pub tenant_id: String,
}
