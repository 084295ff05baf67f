//! Messages into bytes.

use std::collections::BTreeSet;
use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use openraft::raft::{
    AppendEntriesRequest, TransferLeaderError, TransferLeaderResponse, VoteRequest, VoteResponse,
};

use super::{AppendReply, Reply, Request, SnapshotReply, Standing, VERSION, kind};
use crate::replication::raft::types::{self, LogId, TypeConfig, Vote};

/// Room for the fields of any message but its entries and data.
const FIELDS_BYTES: usize = 128;

impl Request {
    /// The bytes of this request.
    ///
    /// # Errors
    /// When a membership cannot be written as JSON.
    pub(crate) fn encode(&self) -> io::Result<Bytes> {
        let mut out = BytesMut::with_capacity(FIELDS_BYTES);
        out.put_u8(VERSION);
        match self {
            Self::Append(request) => return append_entries(request),
            Self::Vote(request) => vote_request(&mut out, kind::VOTE, request),
            Self::PreVote(request) => vote_request(&mut out, kind::PRE_VOTE, request),
            Self::Transfer(request) => {
                out.put_u8(kind::TRANSFER);
                vote(&mut out, request.from_leader());
                out.put_u64_le(*request.to_node_id());
                log_id(&mut out, request.last_log_id());
            }
            Self::Snapshot(piece) => {
                out.reserve(piece.meta.len() + piece.data.len());
                out.put_u8(kind::SNAPSHOT);
                vote(&mut out, &piece.vote);
                out.put_u64_le(piece.transfer);
                out.put_u64_le(piece.offset);
                out.put_u8(u8::from(piece.last));
                bytes(&mut out, &piece.meta);
                bytes(&mut out, &piece.data);
            }
            Self::Probe => out.put_u8(kind::PROBE),
            Self::Standing => out.put_u8(kind::STANDING),
        }
        Ok(out.freeze())
    }
}

/// An append, in one allocation: entries that came from the journal are copied once.
pub(super) fn append_entries(request: &AppendEntriesRequest<TypeConfig>) -> io::Result<Bytes> {
    let entries = request.entries.iter().map(types::encode).collect::<io::Result<Vec<_>>>()?;
    let length: usize = entries.iter().map(|entry| entry.len() + 4).sum();
    let mut out = BytesMut::with_capacity(FIELDS_BYTES + length);
    out.put_u8(VERSION);
    out.put_u8(kind::APPEND);
    vote(&mut out, &request.vote);
    log_id(&mut out, request.prev_log_id.as_ref());
    log_id(&mut out, request.leader_commit.as_ref());
    out.put_u32_le(u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for entry in &entries {
        bytes(&mut out, entry);
    }
    Ok(out.freeze())
}

impl Reply {
    /// The bytes of this reply.
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(FIELDS_BYTES);
        out.put_u8(VERSION);
        match self {
            Self::Append(reply) => {
                out.put_u8(kind::APPEND);
                match reply {
                    AppendReply::Success => out.put_u8(0),
                    AppendReply::Conflict => out.put_u8(1),
                    AppendReply::HigherVote(higher) => {
                        out.put_u8(2);
                        vote(&mut out, higher);
                    }
                }
            }
            Self::Vote(VoteResponse { vote: own, vote_granted, last_log_id }) => {
                out.put_u8(kind::VOTE);
                vote(&mut out, own);
                out.put_u8(u8::from(*vote_granted));
                log_id(&mut out, last_log_id.as_ref());
            }
            Self::Transfer(reply) => transfer_reply(&mut out, reply),
            Self::Snapshot(reply) => {
                out.put_u8(kind::SNAPSHOT);
                match reply {
                    SnapshotReply::Continue(offset) => {
                        out.put_u8(0);
                        out.put_u64_le(*offset);
                    }
                    SnapshotReply::Restart => out.put_u8(1),
                    SnapshotReply::Done(response) => {
                        out.put_u8(2);
                        vote(&mut out, &response.vote);
                    }
                }
            }
            Self::Probe(reply) => {
                out.put_u8(kind::PROBE);
                vote(&mut out, &reply.vote);
                out.put_u8(u8::from(reply.last_index.is_some()));
                out.put_u64_le(reply.last_index.unwrap_or(0));
                out.put_u8(u8::from(reply.started));
                out.put_u8(u8::from(reply.votes));
            }
            Self::Standing(Standing { vote: own, last_log_id, votes, voters }) => {
                out.put_u8(kind::STANDING);
                vote(&mut out, own);
                log_id(&mut out, last_log_id.as_ref());
                out.put_u8(u8::from(*votes));
                sets(&mut out, voters);
            }
            Self::Refused(reason) => {
                out.put_u8(kind::REFUSED);
                bytes(&mut out, reason.as_bytes());
            }
        }
        out.freeze()
    }
}

fn sets(out: &mut BytesMut, sets: &[BTreeSet<u64>]) {
    out.put_u32_le(u32::try_from(sets.len()).unwrap_or(u32::MAX));
    for nodes in sets {
        out.put_u32_le(u32::try_from(nodes.len()).unwrap_or(u32::MAX));
        nodes.iter().for_each(|node| out.put_u64_le(*node));
    }
}

fn vote_request(out: &mut BytesMut, kind: u8, request: &VoteRequest<TypeConfig>) {
    out.put_u8(kind);
    vote(out, &request.vote);
    log_id(out, request.last_log_id.as_ref());
    out.put_u8(u8::from(request.leadership_transfer));
}

fn transfer_reply(out: &mut BytesMut, reply: &TransferLeaderResponse<TypeConfig>) {
    out.put_u8(kind::TRANSFER);
    match reply {
        Ok(()) => out.put_u8(0),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            out.put_u8(1);
            vote(out, expected);
            vote(out, actual);
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            out.put_u8(2);
            log_id(out, expected.as_ref());
            log_id(out, actual.as_ref());
        }
    }
}

fn vote(out: &mut BytesMut, vote: &Vote) {
    out.put_u64_le(vote.leader_id.term);
    out.put_u64_le(vote.leader_id.voted_for);
    out.put_u8(u8::from(vote.committed));
}

fn log_id(out: &mut BytesMut, log_id: Option<&LogId>) {
    match log_id {
        None => out.put_u8(0),
        Some(log_id) => {
            out.put_u8(1);
            out.put_u64_le(**log_id.committed_leader_id());
            out.put_u64_le(log_id.index());
        }
    }
}

fn bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}
