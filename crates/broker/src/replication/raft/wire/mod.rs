//! What replicas send each other, as bytes: version u8, kind u8, then the fields, little-endian.
//!
//! An optional field is a flag u8 and, when it is 1, the value. A log id is term u64, index u64. A
//! vote is term u64, node u64, established u8. Entries are their bytes in the journal, each after its
//! length u32; their indexes follow the previous entry without gaps. A set of nodes is their number
//! u32 and then u64 each; sets are their number u32 and then each. Anything else is an error, never a
//! panic: what arrives may be of another release, or damaged. A kind that a release does not know is
//! refused by it, and the sender goes on without; so kinds are added, and those that exist stay.

mod read;
mod write;

use std::collections::BTreeSet;

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use skep_env::fault::MessageKind;

use crate::replication::raft::types::{LogId, TypeConfig, Vote};

/// First byte of every message.
const VERSION: u8 = 1;

/// A message is not what this release understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of a replica cannot be read: {0}")]
pub(crate) struct WireError(pub(crate) String);

/// What one replica asks of another.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Append(AppendEntriesRequest<TypeConfig>),
    Vote(VoteRequest<TypeConfig>),
    PreVote(VoteRequest<TypeConfig>),
    Transfer(TransferLeaderRequest<TypeConfig>),
    Snapshot(SnapshotPiece),
    /// Whether the other belongs to a group that exists; a new replica asks before anything else.
    Probe,
    /// What the other has promised, and to whom; for a replica that does not know what it has
    /// promised itself. Releases before it was there refuse it.
    Standing,
}

/// A piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotPiece {
    pub(crate) vote: Vote,
    /// Tells one transfer from another of the same sender.
    pub(crate) transfer: u64,
    /// Where in the snapshot it belongs.
    pub(crate) offset: u64,
    /// Nothing follows: install it.
    pub(crate) last: bool,
    /// What the snapshot is, as JSON; only with the last piece.
    pub(crate) meta: Bytes,
    pub(crate) data: Bytes,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Append(AppendReply),
    Vote(VoteResponse<TypeConfig>),
    Transfer(TransferLeaderResponse<TypeConfig>),
    Snapshot(SnapshotReply),
    Probe(ProbeReply),
    Standing(Standing),
    /// The other cannot do it now, for people to read.
    Refused(String),
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendReply {
    /// All entries are durable there.
    Success,
    /// The entry before them is not there.
    Conflict,
    /// A newer leader or candidate is known there.
    HigherVote(Vote),
}

/// What became of a piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotReply {
    /// It is there; the next one belongs here.
    Continue(u64),
    /// It does not follow what is there: begin again.
    Restart,
    /// The transfer has ended: installed, or overruled by a higher vote.
    Done(SnapshotResponse<TypeConfig>),
}

/// What a replica knows of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProbeReply {
    pub(crate) vote: Vote,
    pub(crate) last_index: Option<u64>,
    /// It knows to which group it belongs, and takes part in it.
    pub(crate) started: bool,
    /// It may grant votes: it has lost nothing that it may have promised.
    pub(crate) votes: bool,
}

/// What a replica has promised, and the group that it knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) vote: Vote,
    pub(crate) last_log_id: Option<LogId>,
    /// It may grant votes: it has lost nothing that it may have promised.
    pub(crate) votes: bool,
    /// Each set of nodes of which a majority is needed: those of the last membership in its log and,
    /// while it does not know that one to be committed, of the one before. Empty without any.
    pub(crate) voters: Vec<BTreeSet<u64>>,
}

mod kind {
    pub(super) const APPEND: u8 = 1;
    pub(super) const VOTE: u8 = 2;
    pub(super) const PRE_VOTE: u8 = 3;
    pub(super) const TRANSFER: u8 = 4;
    pub(super) const SNAPSHOT: u8 = 5;
    pub(super) const PROBE: u8 = 6;
    pub(super) const STANDING: u8 = 7;
    pub(super) const REFUSED: u8 = 255;
}

/// What a message of a replica is for, as faults name it.
pub(crate) fn message_kind(message: &[u8]) -> MessageKind {
    match message.get(1).copied() {
        Some(kind::VOTE | kind::PRE_VOTE | kind::TRANSFER | kind::PROBE | kind::STANDING) => {
            MessageKind::Vote
        }
        Some(kind::SNAPSHOT) => MessageKind::Snapshot,
        _ => MessageKind::Append,
    }
}

#[cfg(test)]
mod tests {
    use openraft::EntryPayload;
    use openraft::raft::TransferLeaderError;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::replication::raft::types::{Batch, Entry, new_log_id, new_vote};

    fn requests() -> Vec<Request> {
        let vote = new_vote(3, 1, true);
        let last_log_id = Some(new_log_id(2, 9));
        let entry = |index, payload| Entry { log_id: new_log_id(3, index), payload };
        vec![
            Request::Append(AppendEntriesRequest {
                vote,
                prev_log_id: last_log_id,
                entries: vec![
                    entry(10, EntryPayload::Blank),
                    entry(11, EntryPayload::Normal(Batch::new(3, 1, Bytes::from_static(b"a")))),
                ],
                leader_commit: None,
            }),
            Request::Append(AppendEntriesRequest {
                vote,
                prev_log_id: None,
                entries: vec![entry(0, EntryPayload::Blank)],
                leader_commit: last_log_id,
            }),
            Request::Vote(VoteRequest { vote, last_log_id, leadership_transfer: true }),
            Request::PreVote(VoteRequest { vote, last_log_id: None, leadership_transfer: false }),
            Request::Transfer(TransferLeaderRequest::new(vote, 2, last_log_id)),
            Request::Snapshot(SnapshotPiece {
                vote,
                transfer: 7,
                offset: 1 << 40,
                last: true,
                meta: Bytes::from_static(b"{}"),
                data: Bytes::from_static(b"data"),
            }),
            Request::Probe,
            Request::Standing,
        ]
    }

    fn replies() -> Vec<Reply> {
        let vote = new_vote(3, 1, false);
        let log_id = Some(new_log_id(2, 9));
        vec![
            Reply::Append(AppendReply::Success),
            Reply::Append(AppendReply::Conflict),
            Reply::Append(AppendReply::HigherVote(vote)),
            Reply::Vote(VoteResponse { vote, vote_granted: true, last_log_id: log_id }),
            Reply::Transfer(Ok(())),
            Reply::Transfer(Err(TransferLeaderError::VoteChanged { expected: vote, actual: vote })),
            Reply::Transfer(Err(TransferLeaderError::LogNotFlushed {
                expected: log_id,
                actual: None,
            })),
            Reply::Snapshot(SnapshotReply::Continue(5)),
            Reply::Snapshot(SnapshotReply::Restart),
            Reply::Snapshot(SnapshotReply::Done(SnapshotResponse::new(vote))),
            Reply::Probe(ProbeReply { vote, last_index: Some(3), started: true, votes: false }),
            Reply::Probe(ProbeReply { vote, last_index: None, started: false, votes: true }),
            Reply::Standing(Standing {
                vote,
                last_log_id: log_id,
                votes: true,
                voters: vec![[1, 2, 3].into(), [2, 3, 4].into()],
            }),
            Reply::Standing(Standing { vote, last_log_id: None, votes: false, voters: Vec::new() }),
            Reply::Refused("not yet".to_owned()),
        ]
    }

    #[test]
    fn messages_read_back() {
        for request in requests() {
            let bytes = request.encode().unwrap();
            let read = Request::decode(bytes).unwrap();
            assert_eq!(format!("{read:?}"), format!("{request:?}"));
        }
        for reply in replies() {
            assert_eq!(Reply::decode(reply.encode()).unwrap(), reply);
        }
    }

    #[test]
    fn damage_is_an_error_or_another_message_but_no_panic() {
        let mut messages: Vec<Bytes> = requests().iter().map(|it| it.encode().unwrap()).collect();
        messages.extend(replies().iter().map(Reply::encode));
        let mut random = SmallRng::seed_from_u64(1);
        for message in messages {
            for length in 0..message.len() {
                assert!(Request::decode(message.slice(..length)).is_err() || length > 0);
                let _ = Reply::decode(message.slice(..length));
            }
            for _ in 0..500 {
                let mut bytes = message.to_vec();
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
                let bytes = Bytes::from(bytes);
                let _ = Request::decode(bytes.clone());
                let _ = Reply::decode(bytes);
            }
        }
    }

    #[test]
    fn what_is_too_long_or_of_another_version_is_refused() {
        let mut bytes = Request::Probe.encode().unwrap().to_vec();
        bytes.push(0);
        assert!(Request::decode(Bytes::from(bytes)).is_err());
        assert!(Request::decode(Bytes::from_static(&[2, kind::PROBE])).is_err());
        assert!(Request::decode(Bytes::from_static(&[1, 99])).is_err());
    }
}
