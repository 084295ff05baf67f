//! The frames that links carry: a kind (u8), little-endian fields, payload bytes.
//!
//! Both sides speak the version that their [`Hello`]s agree on. What cannot be read is an error,
//! never a panic: the link is given up, and its requests fail as lost.

mod answer;
mod command;
mod hello;
mod status;
#[cfg(test)]
mod tests;
mod wire;

use bytes::{BufMut, Bytes, BytesMut};
use skep_engine::ActivatedJob;
use skep_protocol::{Command, PartitionId};

pub(crate) use answer::{Answered, RemoteJobs};
pub use hello::NodeName;
pub(crate) use hello::{Hello, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, Purpose, Refusal};
pub(crate) use status::{NodeStatus, ReplicaState};
use wire::{FrameError, Reader, put_bytes, put_len, put_text};

use crate::error::BrokerError;
use crate::jobs::JobStreamSpec;

/// One message between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    /// Who I am.
    Hello(Hello),
    /// You may not come in.
    Refused(Refusal),
    /// I live.
    Heartbeat,
    /// What I do for my partitions.
    Status(NodeStatus),
    /// A message of the replication of a partition; partition 0 is the cluster's configuration.
    RaftRequest { request: u64, partition: PartitionId, bytes: Bytes },
    /// Its answer, or why there is none.
    RaftReply { request: u64, result: Result<Bytes, String> },
    /// A command for a partition that you lead, with the time that its caller waits.
    Submit { request: u64, partition: PartitionId, timeout_ms: u64, command: Box<Command> },
    /// What became of it.
    Answer { request: u64, answer: Box<Result<Answered, BrokerError>> },
    /// A command that nobody waits for.
    Command { partition: PartitionId, command: Box<Command> },
    /// Push jobs for this stream to me.
    StreamOpen { stream: u64, spec: JobStreamSpec },
    /// Push no more.
    StreamClose { stream: u64 },
    /// Jobs for a stream of yours.
    StreamJobs { stream: u64, jobs: RemoteJobs },
    /// A worker has taken the jobs of a delivery, or they are for others.
    Settled { delivery: u64, taken: bool },
    /// Tell me, once, when there are jobs of this type.
    Interest { job_type: String },
    /// There are.
    Announce { job_type: String },
    /// The configuration of the cluster.
    Config { version: u64, document: Bytes },
    /// A question of an operator.
    Manage { request: u64, document: Bytes },
    /// Its answer.
    Managed { request: u64, result: Result<Bytes, String> },
}

/// Kinds of frames, as numbers and as names of metrics and fault points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum FrameKind {
    Hello = 1,
    Refused = 2,
    Heartbeat = 3,
    Status = 4,
    RaftRequest = 5,
    RaftReply = 6,
    Submit = 7,
    Answer = 8,
    Command = 9,
    StreamOpen = 10,
    StreamClose = 11,
    StreamJobs = 12,
    Settled = 13,
    Interest = 14,
    Announce = 15,
    Config = 16,
    Manage = 17,
    Managed = 18,
}

impl FrameKind {
    const ALL: [Self; 18] = [
        Self::Hello,
        Self::Refused,
        Self::Heartbeat,
        Self::Status,
        Self::RaftRequest,
        Self::RaftReply,
        Self::Submit,
        Self::Answer,
        Self::Command,
        Self::StreamOpen,
        Self::StreamClose,
        Self::StreamJobs,
        Self::Settled,
        Self::Interest,
        Self::Announce,
        Self::Config,
        Self::Manage,
        Self::Managed,
    ];

    /// The name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Refused => "refused",
            Self::Heartbeat => "heartbeat",
            Self::Status => "status",
            Self::RaftRequest => "raft_request",
            Self::RaftReply => "raft_reply",
            Self::Submit => "submit",
            Self::Answer => "answer",
            Self::Command => "command",
            Self::StreamOpen => "stream_open",
            Self::StreamClose => "stream_close",
            Self::StreamJobs => "stream_jobs",
            Self::Settled => "settled",
            Self::Interest => "interest",
            Self::Announce => "announce",
            Self::Config => "config",
            Self::Manage => "manage",
            Self::Managed => "managed",
        }
    }

    /// The kind with this number.
    pub(crate) fn from_number(number: u8) -> Result<Self, FrameError> {
        let found = Self::ALL.into_iter().find(|kind| *kind as u8 == number);
        found.ok_or_else(|| FrameError::Unknown(format!("frame kind {number}")))
    }
}

impl Frame {
    pub(crate) fn kind(&self) -> FrameKind {
        match self {
            Self::Hello(_) => FrameKind::Hello,
            Self::Refused(_) => FrameKind::Refused,
            Self::Heartbeat => FrameKind::Heartbeat,
            Self::Status(_) => FrameKind::Status,
            Self::RaftRequest { .. } => FrameKind::RaftRequest,
            Self::RaftReply { .. } => FrameKind::RaftReply,
            Self::Submit { .. } => FrameKind::Submit,
            Self::Answer { .. } => FrameKind::Answer,
            Self::Command { .. } => FrameKind::Command,
            Self::StreamOpen { .. } => FrameKind::StreamOpen,
            Self::StreamClose { .. } => FrameKind::StreamClose,
            Self::StreamJobs { .. } => FrameKind::StreamJobs,
            Self::Settled { .. } => FrameKind::Settled,
            Self::Interest { .. } => FrameKind::Interest,
            Self::Announce { .. } => FrameKind::Announce,
            Self::Config { .. } => FrameKind::Config,
            Self::Manage { .. } => FrameKind::Manage,
            Self::Managed { .. } => FrameKind::Managed,
        }
    }

    /// The bytes of the frame.
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u8(self.kind() as u8);
        match self {
            Self::Hello(hello) => hello.encode(&mut out),
            Self::Refused(refusal) => refusal.encode(&mut out),
            Self::Heartbeat => {}
            Self::Status(status) => status.encode(&mut out),
            Self::RaftRequest { request, partition, bytes } => {
                return encode_raft(*request, *partition, bytes);
            }
            Self::RaftReply { request, result } | Self::Managed { request, result } => {
                out.put_u64_le(*request);
                put_result(&mut out, result);
            }
            Self::Submit { request, partition, timeout_ms, command } => {
                return encode_submit(*request, *partition, *timeout_ms, command);
            }
            Self::Answer { request, answer } => {
                out.put_u64_le(*request);
                answer::encode(answer, &mut out);
            }
            Self::Command { partition, command } => {
                out.put_u32_le(*partition);
                command::encode(command, &mut out);
            }
            Self::StreamOpen { stream, spec } => {
                out.put_u64_le(*stream);
                put_spec(&mut out, spec);
            }
            Self::StreamClose { stream } => out.put_u64_le(*stream),
            Self::StreamJobs { stream, jobs } => {
                out.put_u64_le(*stream);
                jobs.encode(&mut out);
            }
            Self::Settled { delivery, taken } => {
                out.put_u64_le(*delivery);
                out.put_u8(u8::from(*taken));
            }
            Self::Interest { job_type } | Self::Announce { job_type } => {
                put_text(&mut out, job_type);
            }
            Self::Config { version, document } => {
                out.put_u64_le(*version);
                put_bytes(&mut out, document);
            }
            Self::Manage { request, document } => {
                out.put_u64_le(*request);
                put_bytes(&mut out, document);
            }
        }
        out.freeze()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When the bytes are not one whole frame of this version.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, FrameError> {
        let mut reader = Reader(bytes);
        let kind = FrameKind::from_number(reader.u8()?)?;
        let frame = Self::decode_body(kind, &mut reader)?;
        reader.end()?;
        Ok(frame)
    }

    fn decode_body(kind: FrameKind, reader: &mut Reader) -> Result<Self, FrameError> {
        Ok(match kind {
            FrameKind::Hello => Self::Hello(Hello::decode(reader)?),
            FrameKind::Refused => Self::Refused(Refusal::decode(reader)?),
            FrameKind::Heartbeat => Self::Heartbeat,
            FrameKind::Status => Self::Status(NodeStatus::decode(reader)?),
            FrameKind::RaftRequest => Self::RaftRequest {
                request: reader.u64()?,
                partition: reader.u32()?,
                bytes: reader.rest(),
            },
            FrameKind::RaftReply => {
                Self::RaftReply { request: reader.u64()?, result: result(reader)? }
            }
            FrameKind::Submit => Self::Submit {
                request: reader.u64()?,
                partition: reader.u32()?,
                timeout_ms: reader.u64()?,
                command: Box::new(command::decode(reader)?),
            },
            FrameKind::Answer => {
                Self::Answer { request: reader.u64()?, answer: Box::new(answer::decode(reader)?) }
            }
            FrameKind::Command => Self::Command {
                partition: reader.u32()?,
                command: Box::new(command::decode(reader)?),
            },
            FrameKind::StreamOpen => {
                Self::StreamOpen { stream: reader.u64()?, spec: spec(reader)? }
            }
            FrameKind::StreamClose => Self::StreamClose { stream: reader.u64()? },
            FrameKind::StreamJobs => {
                Self::StreamJobs { stream: reader.u64()?, jobs: RemoteJobs::decode(reader)? }
            }
            FrameKind::Settled => Self::Settled { delivery: reader.u64()?, taken: reader.bool()? },
            FrameKind::Interest => Self::Interest { job_type: reader.text()? },
            FrameKind::Announce => Self::Announce { job_type: reader.text()? },
            FrameKind::Config => Self::Config { version: reader.u64()?, document: reader.bytes()? },
            FrameKind::Manage => Self::Manage { request: reader.u64()?, document: reader.bytes()? },
            FrameKind::Managed => Self::Managed { request: reader.u64()?, result: result(reader)? },
        })
    }
}

/// A SUBMIT frame, without taking the command: it may have to be sent again.
pub(crate) fn encode_submit(
    request: u64,
    partition: PartitionId,
    timeout_ms: u64,
    command: &Command,
) -> Bytes {
    let mut out = BytesMut::with_capacity(64 + command.payload.bytes_estimate());
    out.put_u8(FrameKind::Submit as u8);
    out.put_u64_le(request);
    out.put_u32_le(partition);
    out.put_u64_le(timeout_ms);
    command::encode(command, &mut out);
    out.freeze()
}

/// A message of the replication.
pub(crate) fn encode_raft(request: u64, partition: PartitionId, bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(16 + bytes.len());
    out.put_u8(FrameKind::RaftRequest as u8);
    out.put_u64_le(request);
    out.put_u32_le(partition);
    out.put_slice(bytes);
    out.freeze()
}

/// An ANSWER frame with jobs, without taking them.
pub(crate) fn encode_answer_jobs(
    request: u64,
    delivery: u64,
    truncated: bool,
    jobs: &[ActivatedJob],
) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(FrameKind::Answer as u8);
    out.put_u64_le(request);
    out.put_u8(answer::JOBS);
    answer::encode_delivery(delivery, truncated, jobs, &mut out);
    out.freeze()
}

/// A STREAM_JOBS frame, without taking the jobs.
pub(crate) fn encode_stream_jobs(
    stream: u64,
    delivery: u64,
    truncated: bool,
    jobs: &[ActivatedJob],
) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(FrameKind::StreamJobs as u8);
    out.put_u64_le(stream);
    answer::encode_delivery(delivery, truncated, jobs, &mut out);
    out.freeze()
}

fn put_result(out: &mut BytesMut, result: &Result<Bytes, String>) {
    match result {
        Ok(bytes) => {
            out.put_u8(0);
            put_bytes(out, bytes);
        }
        Err(reason) => {
            out.put_u8(1);
            put_text(out, reason);
        }
    }
}

fn result(reader: &mut Reader) -> Result<Result<Bytes, String>, FrameError> {
    Ok(if reader.bool()? { Err(reader.text()?) } else { Ok(reader.bytes()?) })
}

fn put_spec(out: &mut BytesMut, spec: &JobStreamSpec) {
    put_text(out, &spec.job_type);
    put_text(out, &spec.worker);
    out.put_i64_le(spec.timeout_ms);
    put_len(out, spec.fetch_variables.len());
    for name in &spec.fetch_variables {
        put_text(out, name);
    }
}

fn spec(reader: &mut Reader) -> Result<JobStreamSpec, FrameError> {
    let job_type = reader.text()?;
    let worker = reader.text()?;
    let timeout_ms = reader.i64()?;
    let count = reader.count(4)?;
    let fetch_variables = (0..count).map(|_| reader.text()).collect::<Result<_, _>>()?;
    Ok(JobStreamSpec { job_type, worker, timeout_ms, fetch_variables })
}
