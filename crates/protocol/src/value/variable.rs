//! Variables.

use bytes::Bytes;

use crate::Key;

/// Value of VARIABLE. The record's key is the variable's and never changes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VariableRecord {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Value in MessagePack.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
    /// Element instance that owns it.
    #[prost(uint64, tag = "3")]
    pub scope_key: Key,
    /// Process instance.
    #[prost(uint64, tag = "4")]
    pub process_instance_key: Key,
    /// Process definition.
    #[prost(uint64, tag = "5")]
    pub process_definition_key: Key,
}

/// How a document is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum UpdateSemantics {
    /// Into the scope that has the variable, else into the root.
    Propagate = 0,
    /// Into the given scope only.
    Local = 1,
}

/// Value of VARIABLE_DOCUMENT.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VariableDocumentRecord {
    /// Element instance to start at.
    #[prost(uint64, tag = "1")]
    pub scope_key: Key,
    /// How to merge.
    #[prost(enumeration = "UpdateSemantics", tag = "2")]
    pub update_semantics: i32,
    /// The document (UPDATE only).
    #[prost(bytes = "bytes", tag = "3")]
    pub variables: Bytes,
}
