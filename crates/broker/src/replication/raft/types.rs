//! The types that openraft is used with, and their bytes in the journal.

use std::fmt;
use std::io;

use bytes::{Buf, BufMut, Bytes};
use openraft::{BasicNode, EntryPayload, Membership, OptionalSend, RaftTypeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::replication::EntryId;
use crate::replication::raft::proposals::Proposal;
use crate::replication::raft::runtime::Runtime;

/// What a Raft entry of ours carries.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Term in which it was decided. An entry that was decided in one term and appended in a later
    /// one stands on state that may not exist: every replica skips it.
    pub(crate) term: u64,
    /// Number of the batch among those of its term, from 1. A batch that does not follow the one
    /// before stands on state that may not exist either (openraft refuses proposals while the
    /// leader's lease has expired, and may take later ones): every replica skips it. 0 in logs of
    /// releases that did not count.
    pub(crate) sequence: u64,
    /// Entries of the engine.
    #[serde(serialize_with = "serialize_bytes", deserialize_with = "deserialize_bytes")]
    pub(crate) bytes: Bytes,
    /// The bytes of the whole entry as they were read, so that they are never made twice.
    #[serde(skip)]
    encoded: Option<Bytes>,
}

impl Batch {
    pub(crate) fn new(term: u64, sequence: u64, bytes: Bytes) -> Self {
        Self { term, sequence, bytes, encoded: None }
    }
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        (self.term, self.sequence, &self.bytes) == (other.term, other.sequence, &other.bytes)
    }
}

impl Eq for Batch {}

fn serialize_bytes<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

fn deserialize_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    Vec::<u8>::deserialize(deserializer).map(Bytes::from)
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of term {}", self.bytes.len(), self.term)
    }
}

/// Raft as Skep uses it: standard terms, nodes by number, batches as data.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct TypeConfig;

type LeaderId = openraft::vote::leader_id_std::LeaderId<u64, u64>;

impl RaftTypeConfig for TypeConfig {
    type D = Batch;
    type R = ();
    type NodeId = u64;
    type Node = BasicNode;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = openraft::impls::Vote<LeaderId>;
    type Payload = EntryPayload<Batch, u64, BasicNode>;
    type Entry = openraft::Entry<Term, EntryPayload<Batch, u64, BasicNode>>;
    type Responder<T: OptionalSend + 'static> = Proposal;
    type Batch<T: OptionalSend + 'static> = openraft::impls::InlineBatch<T>;
    type AsyncRuntime = Runtime;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

pub(crate) type Entry = openraft::type_config::alias::EntryOf<TypeConfig>;
pub(crate) type LogId = openraft::type_config::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<TypeConfig>;
pub(crate) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;

const KIND_BLANK: u8 = 0;
const KIND_BATCH: u8 = 1;
const KIND_MEMBERSHIP: u8 = 2;
const KIND_COUNTED_BATCH: u8 = 3;

/// Bytes before the records of a counted batch.
const BATCH_HEADER_BYTES: usize = 25;

type Term = openraft::vote::leader_id_std::CommittedLeaderId<u64>;

/// The log id of this term and index.
pub(crate) fn new_log_id(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), index)
}

/// Place of a log id in our words.
pub(crate) fn entry_id(log_id: &LogId) -> EntryId {
    EntryId { term: **log_id.committed_leader_id(), index: log_id.index() }
}

/// Our place as a log id.
pub(crate) fn log_id(entry: EntryId) -> LogId {
    new_log_id(entry.term, entry.index)
}

/// A vote for a node, as a candidate or as an established leader.
pub(crate) fn new_vote(term: u64, node_id: u64, committed: bool) -> Vote {
    Vote { leader_id: LeaderId { term, voted_for: node_id }, committed }
}

/// Bytes of an entry in the journal and on the wire: kind u8, term u64, then for a batch the term of
/// its decision u64, its number in that term u64 and its records, for a membership JSON.
/// Little-endian; the index and checksum are the journal's. Kind 1 is a batch without a number.
pub(crate) fn encode(entry: &Entry) -> io::Result<Bytes> {
    let term = **entry.log_id.committed_leader_id();
    let mut out;
    match &entry.payload {
        EntryPayload::Blank => {
            out = Vec::with_capacity(9);
            out.put_u8(KIND_BLANK);
            out.put_u64_le(term);
        }
        EntryPayload::Normal(batch) => {
            if let Some(encoded) = batch.encoded.as_ref().filter(|it| term_of(it) == Some(term)) {
                return Ok(encoded.clone());
            }
            out = Vec::with_capacity(BATCH_HEADER_BYTES + batch.bytes.len());
            out.put_u8(KIND_COUNTED_BATCH);
            out.put_u64_le(term);
            out.put_u64_le(batch.term);
            out.put_u64_le(batch.sequence);
            out.extend_from_slice(&batch.bytes);
        }
        EntryPayload::Membership(membership) => {
            out = Vec::new();
            out.put_u8(KIND_MEMBERSHIP);
            out.put_u64_le(term);
            serde_json::to_writer(&mut out, &membership)?;
        }
    }
    Ok(Bytes::from(out))
}

/// The entry that these bytes are; a batch is not copied.
pub(crate) fn decode(index: u64, mut bytes: Bytes) -> io::Result<Entry> {
    let damaged = |what: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("entry {index} of the replicated log {what}; restore this replica"),
        )
    };
    if bytes.len() < 9 {
        return Err(damaged(format!("has only {} bytes", bytes.len())));
    }
    let encoded = Some(bytes.clone());
    let kind = bytes.get_u8();
    let term = bytes.get_u64_le();
    let payload = match kind {
        KIND_BLANK => EntryPayload::Blank,
        KIND_BATCH if bytes.len() >= 8 => {
            let term = bytes.get_u64_le();
            EntryPayload::Normal(Batch { term, sequence: 0, bytes, encoded })
        }
        KIND_COUNTED_BATCH if bytes.len() >= 16 => {
            let (term, sequence) = (bytes.get_u64_le(), bytes.get_u64_le());
            EntryPayload::Normal(Batch { term, sequence, bytes, encoded })
        }
        KIND_MEMBERSHIP => {
            let membership: Membership<u64, BasicNode> = serde_json::from_slice(&bytes)
                .map_err(|error| damaged(format!("has no membership: {error}")))?;
            EntryPayload::Membership(membership)
        }
        other => {
            return Err(damaged(format!("is of kind {other}, which this version does not know")));
        }
    };
    Ok(Entry { log_id: new_log_id(term, index), payload })
}

/// Term of the entry with these bytes.
pub(crate) fn term_of(bytes: &Bytes) -> Option<u64> {
    bytes.get(1..9).map(|mut term| term.get_u64_le())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back() {
        let membership = Membership::new_with_defaults(vec![[0, 1].into()], []);
        for payload in [
            EntryPayload::Blank,
            EntryPayload::Normal(Batch::new(2, 9, Bytes::from_static(b"records"))),
            EntryPayload::Membership(membership),
        ] {
            let entry = Entry { log_id: new_log_id(3, 7), payload };
            let bytes = encode(&entry).unwrap();
            assert_eq!(term_of(&bytes), Some(3));
            let read = decode(7, bytes.clone()).unwrap();
            assert_eq!(read, entry);
            assert_eq!(encode(&read).unwrap(), bytes, "the same bytes again");
        }
    }

    #[test]
    fn batches_without_a_number_read_back() {
        let bytes = Bytes::from_static(b"\x01\x03\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0records");
        let entry = decode(7, bytes.clone()).unwrap();
        let batch = Batch::new(2, 0, Bytes::from_static(b"records"));
        assert_eq!(entry.payload, EntryPayload::Normal(batch));
        assert_eq!(encode(&entry).unwrap(), bytes);
    }

    #[test]
    fn damage_is_an_error() {
        assert!(decode(1, Bytes::from_static(b"12345678")).is_err());
        assert!(decode(1, Bytes::from_static(b"\x01\x01\0\0\0\0\0\0\0short")).is_err());
        assert!(decode(1, Bytes::from_static(b"\x03\x01\0\0\0\0\0\0\0no number")).is_err());
        assert!(decode(1, Bytes::from_static(b"\x09\x01\0\0\0\0\0\0\0")).is_err());
    }
}
