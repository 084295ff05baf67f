//! Answers of partitions in frames.

use bytes::{BufMut, BytesMut};
use prost::Message;
use skep_engine::{ActivatedJob, Response};
use skep_protocol::{JobRecord, Rejection, RejectionType};

use super::command::{decode_payload, encode_payload};
use super::wire::{FrameError, Reader, put_bytes, put_len, put_text};
use crate::error::BrokerError;

/// What a partition of another node answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answered {
    /// An event or a refusal. The intent of a refusal is not sent: it is the command's.
    Response(Response),
    /// Jobs, to be settled under this number.
    Jobs(RemoteJobs),
}

/// Activated jobs on their way to another node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RemoteJobs {
    pub(crate) delivery: u64,
    pub(crate) truncated: bool,
    pub(crate) jobs: Vec<ActivatedJob>,
}

/// Bytes that a job takes at least.
const JOB_BYTES_MIN: usize = 8 + 4 + 4;

impl RemoteJobs {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        encode_delivery(self.delivery, self.truncated, &self.jobs, out);
    }

    pub(super) fn decode(reader: &mut Reader) -> Result<Self, FrameError> {
        let delivery = reader.u64()?;
        let truncated = reader.bool()?;
        let count = reader.count(JOB_BYTES_MIN)?;
        let mut jobs = Vec::with_capacity(count);
        for _ in 0..count {
            let key = reader.u64()?;
            let job = JobRecord::decode(reader.bytes()?)
                .map_err(|_| FrameError::Malformed("a job cannot be read"))?;
            jobs.push(ActivatedJob { key, job, variables: reader.bytes()? });
        }
        Ok(Self { delivery, truncated, jobs })
    }
}

pub(super) fn encode_delivery(
    delivery: u64,
    truncated: bool,
    jobs: &[ActivatedJob],
    out: &mut BytesMut,
) {
    out.put_u64_le(delivery);
    out.put_u8(u8::from(truncated));
    put_len(out, jobs.len());
    for job in jobs {
        out.put_u64_le(job.key);
        put_len(out, job.job.encoded_len());
        // A buffer in memory has room for everything.
        job.job.encode_raw(out);
        put_bytes(out, &job.variables);
    }
}

const ACCEPTED: u8 = 0;
const REJECTED: u8 = 1;
pub(super) const JOBS: u8 = 2;
const EXHAUSTED: u8 = 3;
const UNAVAILABLE: u8 = 4;
const TIMEOUT: u8 = 5;
const INTERNAL: u8 = 6;

pub(super) fn encode(answer: &Result<Answered, BrokerError>, out: &mut BytesMut) {
    match answer {
        Ok(Answered::Response(Response::Accepted { key, position, payload })) => {
            out.put_u8(ACCEPTED);
            out.put_u64_le(*key);
            out.put_u64_le(*position);
            encode_payload(payload, out);
        }
        Ok(Answered::Response(Response::Rejected { rejection, .. })) => {
            out.put_u8(REJECTED);
            out.put_u8(rejection.kind as u8);
            put_text(out, &rejection.reason);
        }
        Ok(Answered::Response(Response::Jobs { jobs, truncated })) => {
            // Jobs that nobody has to settle: delivery 0.
            out.put_u8(JOBS);
            encode_delivery(0, *truncated, jobs, out);
        }
        Ok(Answered::Jobs(jobs)) => {
            out.put_u8(JOBS);
            jobs.encode(out);
        }
        Err(error) => encode_error(error, out),
    }
}

fn encode_error(error: &BrokerError, out: &mut BytesMut) {
    match error {
        BrokerError::Exhausted { reason } => {
            out.put_u8(EXHAUSTED);
            put_text(out, reason);
        }
        BrokerError::Unavailable { reason, not_accepted } => {
            out.put_u8(UNAVAILABLE);
            out.put_u8(u8::from(*not_accepted));
            put_text(out, reason);
        }
        BrokerError::Timeout { timeout_ms } => {
            out.put_u8(TIMEOUT);
            out.put_u64_le(*timeout_ms);
        }
        BrokerError::Internal { reason } => {
            out.put_u8(INTERNAL);
            put_text(out, reason);
        }
    }
}

pub(super) fn decode(reader: &mut Reader) -> Result<Result<Answered, BrokerError>, FrameError> {
    Ok(match reader.u8()? {
        ACCEPTED => {
            let key = reader.u64()?;
            let position = reader.u64()?;
            let payload = Box::new(decode_payload(reader)?);
            Ok(Answered::Response(Response::Accepted { key, position, payload }))
        }
        REJECTED => {
            let number = reader.u8()?;
            let kind = RejectionType::from_number(number)
                .ok_or_else(|| FrameError::Unknown(format!("rejection type {number}")))?;
            let rejection = Rejection { kind, reason: reader.text()? };
            Ok(Answered::Response(Response::Rejected { intent: "", rejection }))
        }
        JOBS => Ok(Answered::Jobs(RemoteJobs::decode(reader)?)),
        EXHAUSTED => Err(BrokerError::Exhausted { reason: reader.text()? }),
        UNAVAILABLE => {
            let not_accepted = reader.bool()?;
            Err(BrokerError::Unavailable { reason: reader.text()?, not_accepted })
        }
        TIMEOUT => Err(BrokerError::Timeout { timeout_ms: reader.u64()? }),
        INTERNAL => Err(BrokerError::Internal { reason: reader.text()? }),
        other => return Err(FrameError::Unknown(format!("answer {other}"))),
    })
}
