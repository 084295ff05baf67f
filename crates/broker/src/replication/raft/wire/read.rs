//! Bytes into messages.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};

use super::{
    AppendReply, ProbeReply, Reply, Request, SnapshotPiece, SnapshotReply, Standing, VERSION,
    WireError, kind,
};
use crate::replication::raft::types::{self, LogId, TypeConfig, Vote, new_log_id, new_vote};

impl Request {
    /// The request that these bytes are; entries and data are not copied.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let (kind, mut reader) = Reader::open(bytes)?;
        let request = match kind {
            kind::APPEND => Self::Append(reader.append_entries()?),
            kind::VOTE => Self::Vote(reader.vote_request()?),
            kind::PRE_VOTE => Self::PreVote(reader.vote_request()?),
            kind::TRANSFER => {
                let (from, to) = (reader.vote()?, reader.u64()?);
                Self::Transfer(TransferLeaderRequest::new(from, to, reader.log_id()?))
            }
            kind::SNAPSHOT => Self::Snapshot(SnapshotPiece {
                vote: reader.vote()?,
                transfer: reader.u64()?,
                offset: reader.u64()?,
                last: reader.flag()?,
                meta: reader.bytes()?,
                data: reader.bytes()?,
            }),
            kind::PROBE => Self::Probe,
            kind::STANDING => Self::Standing,
            other => return Err(unknown("request", other)),
        };
        reader.end()?;
        Ok(request)
    }
}

impl Reply {
    /// The reply that these bytes are.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let (kind, mut reader) = Reader::open(bytes)?;
        let reply = match kind {
            kind::APPEND => Self::Append(match reader.u8()? {
                0 => AppendReply::Success,
                1 => AppendReply::Conflict,
                2 => AppendReply::HigherVote(reader.vote()?),
                other => return Err(unknown("result of an append", other)),
            }),
            kind::VOTE => Self::Vote(VoteResponse {
                vote: reader.vote()?,
                vote_granted: reader.flag()?,
                last_log_id: reader.log_id()?,
            }),
            kind::TRANSFER => Self::Transfer(reader.transfer_reply()?),
            kind::SNAPSHOT => Self::Snapshot(match reader.u8()? {
                0 => SnapshotReply::Continue(reader.u64()?),
                1 => SnapshotReply::Restart,
                2 => SnapshotReply::Done(SnapshotResponse::new(reader.vote()?)),
                other => return Err(unknown("result of a piece", other)),
            }),
            kind::PROBE => Self::Probe(ProbeReply {
                vote: reader.vote()?,
                last_index: {
                    let (is_there, index) = (reader.flag()?, reader.u64()?);
                    is_there.then_some(index)
                },
                started: reader.flag()?,
                votes: reader.flag()?,
            }),
            kind::STANDING => Self::Standing(Standing {
                vote: reader.vote()?,
                last_log_id: reader.log_id()?,
                votes: reader.flag()?,
                voters: reader.sets()?,
            }),
            kind::REFUSED => Self::Refused(String::from_utf8_lossy(&reader.bytes()?).into_owned()),
            other => return Err(unknown("reply", other)),
        };
        reader.end()?;
        Ok(reply)
    }
}

fn unknown(what: &str, kind: u8) -> WireError {
    WireError(format!("{what} {kind} is not known to this release"))
}

fn too_short() -> WireError {
    WireError("it ends too early".to_owned())
}

/// Takes one field after the other.
struct Reader(Bytes);

impl Reader {
    /// The kind of the message, and what follows.
    fn open(bytes: Bytes) -> Result<(u8, Self), WireError> {
        let mut reader = Self(bytes);
        let version = reader.u8()?;
        if version != VERSION {
            let text = format!("it has version {version}, this release reads version {VERSION}");
            return Err(WireError(text));
        }
        Ok((reader.u8()?, reader))
    }

    fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(WireError(format!("{} bytes follow its end", self.0.len())))
    }

    fn u8(&mut self) -> Result<u8, WireError> {
        self.0.try_get_u8().map_err(|_| too_short())
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        self.0.try_get_u32_le().map_err(|_| too_short())
    }

    fn u64(&mut self) -> Result<u64, WireError> {
        self.0.try_get_u64_le().map_err(|_| too_short())
    }

    fn flag(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(WireError(format!("a flag is {other}"))),
        }
    }

    fn bytes(&mut self) -> Result<Bytes, WireError> {
        let length = self.u32()? as usize;
        if length > self.0.len() {
            return Err(too_short());
        }
        Ok(self.0.split_to(length))
    }

    /// Nothing is made room for before it is there.
    fn sets(&mut self) -> Result<Vec<BTreeSet<u64>>, WireError> {
        let sets = self.u32()?;
        (0..sets)
            .map(|_| {
                let nodes = self.u32()?;
                (0..nodes).map(|_| self.u64()).collect()
            })
            .collect()
    }

    fn vote(&mut self) -> Result<Vote, WireError> {
        Ok(new_vote(self.u64()?, self.u64()?, self.flag()?))
    }

    fn log_id(&mut self) -> Result<Option<LogId>, WireError> {
        Ok(if self.flag()? { Some(new_log_id(self.u64()?, self.u64()?)) } else { None })
    }

    fn vote_request(&mut self) -> Result<VoteRequest<TypeConfig>, WireError> {
        Ok(VoteRequest {
            vote: self.vote()?,
            last_log_id: self.log_id()?,
            leadership_transfer: self.flag()?,
        })
    }

    fn append_entries(&mut self) -> Result<AppendEntriesRequest<TypeConfig>, WireError> {
        let vote = self.vote()?;
        if !vote.committed {
            return Err(WireError("an append comes from no established leader".to_owned()));
        }
        let prev_log_id = self.log_id()?;
        let leader_commit = self.log_id()?;
        let count = self.u32()?;
        let mut next = match prev_log_id {
            None => 0,
            Some(previous) => previous.index().checked_add(1).ok_or_else(too_short)?,
        };
        let mut newest_term = prev_log_id.map(|previous| **previous.committed_leader_id());
        let mut entries = Vec::new();
        for _ in 0..count {
            let bytes = self.bytes()?;
            let entry = types::decode(next, bytes).map_err(|error| WireError(error.to_string()))?;
            let term = **entry.log_id.committed_leader_id();
            if Some(term) < newest_term || term > vote.leader_id.term {
                let text = format!("entry {next} is of term {term}, which cannot be there");
                return Err(WireError(text));
            }
            newest_term = Some(term);
            next = next.checked_add(1).ok_or_else(too_short)?;
            entries.push(entry);
        }
        Ok(AppendEntriesRequest { vote, prev_log_id, entries, leader_commit })
    }

    fn transfer_reply(&mut self) -> Result<TransferLeaderResponse<TypeConfig>, WireError> {
        Ok(match self.u8()? {
            0 => Ok(()),
            1 => Err(TransferLeaderError::VoteChanged {
                expected: self.vote()?,
                actual: self.vote()?,
            }),
            2 => Err(TransferLeaderError::LogNotFlushed {
                expected: self.log_id()?,
                actual: self.log_id()?,
            }),
            other => return Err(unknown("result of a hand-over", other)),
        })
    }
}
