//! What two nodes tell each other first.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::wire::{FrameError, Reader, put_text};

/// Version of the frames that this code speaks.
pub(crate) const PROTOCOL_VERSION: u16 = 1;

/// Oldest version of the frames that this code still understands.
pub(crate) const PROTOCOL_VERSION_MIN: u16 = 1;

/// A node as the others know it. Brokers have numbers; gateways are told apart by their lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeName {
    /// A broker, by its number.
    Broker(u32),
    /// A standalone gateway, by the random number of its life.
    Gateway(u64),
}

impl NodeName {
    /// The number, when it is a broker.
    #[must_use]
    pub fn broker(self) -> Option<u32> {
        match self {
            Self::Broker(id) => Some(id),
            Self::Gateway(_) => None,
        }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(id) => write!(f, "node {id}"),
            Self::Gateway(life) => write!(f, "gateway {life:016x}"),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To stay.
    Link,
    /// To hear whether the other side refuses this node, and to be dialled by it.
    Introduction,
}

/// The first frame of each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) protocol: u16,
    pub(crate) protocol_min: u16,
    /// Version of Skep, for people.
    pub(crate) version: String,
    pub(crate) cluster_id: String,
    pub(crate) name: NodeName,
    /// Random number of this life of the node.
    pub(crate) incarnation: u64,
    pub(crate) purpose: Purpose,
    /// Where brokers are dialled; empty for gateways.
    pub(crate) address: String,
    /// Where clients reach this node.
    pub(crate) client_address: String,
    /// Version of the cluster configuration that the node has; 0: none yet.
    pub(crate) config_version: u64,
    pub(crate) partition_count: u32,
    pub(crate) replication_factor: u32,
    /// Tells sets of brokers apart.
    pub(crate) members: u64,
}

impl Hello {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16_le(self.protocol);
        out.put_u16_le(self.protocol_min);
        put_text(out, &self.version);
        put_text(out, &self.cluster_id);
        match self.name {
            NodeName::Broker(id) => {
                out.put_u8(0);
                out.put_u64_le(u64::from(id));
            }
            NodeName::Gateway(life) => {
                out.put_u8(1);
                out.put_u64_le(life);
            }
        }
        out.put_u64_le(self.incarnation);
        out.put_u8(u8::from(self.purpose == Purpose::Introduction));
        put_text(out, &self.address);
        put_text(out, &self.client_address);
        out.put_u64_le(self.config_version);
        out.put_u32_le(self.partition_count);
        out.put_u32_le(self.replication_factor);
        out.put_u64_le(self.members);
    }

    /// Fields that a later version appends are for that version.
    pub(super) fn decode(reader: &mut Reader) -> Result<Self, FrameError> {
        let protocol = reader.u16()?;
        let protocol_min = reader.u16()?;
        let version = reader.text()?;
        let cluster_id = reader.text()?;
        let kind = reader.u8()?;
        let number = reader.u64()?;
        let name = match kind {
            0 => NodeName::Broker(
                u32::try_from(number)
                    .map_err(|_| FrameError::Malformed("a node id is too large"))?,
            ),
            1 => NodeName::Gateway(number),
            other => return Err(FrameError::Unknown(format!("node kind {other}"))),
        };
        let hello = Self {
            protocol,
            protocol_min,
            version,
            cluster_id,
            name,
            incarnation: reader.u64()?,
            purpose: if reader.bool()? { Purpose::Introduction } else { Purpose::Link },
            address: reader.text()?,
            client_address: reader.text()?,
            config_version: reader.u64()?,
            partition_count: reader.u32()?,
            replication_factor: reader.u32()?,
            members: reader.u64()?,
        };
        reader.rest();
        Ok(hello)
    }
}

/// Why a node is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The operator has to act: trying again changes nothing.
    pub(crate) fatal: bool,
    /// Why and what to do, for people.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn fatal(reason: impl Into<String>) -> Self {
        Self { fatal: true, reason: reason.into() }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(self.fatal));
        put_text(out, &self.reason);
    }

    pub(super) fn decode(reader: &mut Reader) -> Result<Self, FrameError> {
        Ok(Self { fatal: reader.bool()?, reason: reader.text()? })
    }
}
