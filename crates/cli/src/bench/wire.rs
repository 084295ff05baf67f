//! The few protobuf fields that the load generator reads and writes in its hot path.
//!
//! Decoding whole messages would allocate a string for each of their twenty fields; here only the
//! keys are read and everything else is skipped. The field numbers are those of
//! `proto/gateway.proto`.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{decode_varint, encode_varint};

/// Length of the prefix of a gRPC message: one flag byte and four bytes of length.
const PREFIX_BYTES: usize = 5;

/// What the generator needs to know of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    /// Key for completing it.
    pub(crate) key: i64,
    /// The instance that it belongs to: its key, or the number that the generator put into the
    /// variables when the instance was started by a message.
    pub(crate) instance: i64,
}

/// A whole message behind its gRPC prefix.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    put_prefix(&mut frame, message.encoded_len());
    frame.put_slice(&message.encode_to_vec());
    frame.freeze()
}

/// A message made of an integer field 1 and an unchanging, already encoded rest.
pub(crate) fn framed_key(key: i64, rest: &[u8]) -> Bytes {
    let length = 1 + prost::encoding::encoded_len_varint(key as u64) + rest.len();
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + length);
    put_prefix(&mut frame, length);
    frame.put_u8(1 << 3);
    encode_varint(key as u64, &mut frame);
    frame.put_slice(rest);
    frame.freeze()
}

fn put_prefix(frame: &mut BytesMut, length: usize) {
    frame.put_u8(0);
    frame.put_u32(length as u32);
}

/// Takes the next whole message out of what was received, or nothing yet.
pub(crate) fn take_message(received: &mut BytesMut) -> Option<Bytes> {
    let length = u32::from_be_bytes(received.get(1..PREFIX_BYTES)?.try_into().ok()?) as usize;
    if received.len() < PREFIX_BYTES + length {
        return None;
    }
    let mut frame = received.split_to(PREFIX_BYTES + length);
    Some(frame.split_off(PREFIX_BYTES).freeze())
}

/// One field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Walks over the fields of a message. Ends early at bytes that are no protobuf.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let tag = decode_varint(&mut self.0).ok()?;
        let field = match tag & 7 {
            0 => Field::Number(decode_varint(&mut self.0).ok()?),
            1 => Field::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(decode_varint(&mut self.0).ok()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Bytes(self.take(4)?),
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// An integer field of a message, 0 when it is absent.
pub(crate) fn number(message: &[u8], field: u64) -> i64 {
    Fields(message)
        .find_map(|(number, value)| match value {
            Field::Number(value) if number == field => Some(value as i64),
            _ => None,
        })
        .unwrap_or(0)
}

/// Reads an `ActivatedJob`. With `by_variable`, the instance is the number in the variables.
pub(crate) fn job(message: &[u8], by_variable: bool) -> Job {
    let mut job = Job { key: 0, instance: 0 };
    for (field, value) in Fields(message) {
        match (field, value) {
            (1, Field::Number(key)) => job.key = key as i64,
            (3, Field::Number(key)) if !by_variable => job.instance = key as i64,
            (13, Field::Bytes(variables)) if by_variable => {
                job.instance = sequence_in(variables).unwrap_or(0);
            }
            _ => {}
        }
    }
    job
}

/// Reads the jobs of an `ActivateJobsResponse`.
pub(crate) fn jobs(message: &[u8], by_variable: bool) -> Vec<Job> {
    Fields(message)
        .filter_map(|(field, value)| match (field, value) {
            (1, Field::Bytes(inner)) => Some(job(inner, by_variable)),
            _ => None,
        })
        .collect()
}

/// Name of the variable that carries the generator's number of an instance.
pub(crate) const SEQUENCE_VARIABLE: &str = "bench";

/// The number in a JSON object that has a member `"bench": <number>`.
fn sequence_in(json: &[u8]) -> Option<i64> {
    const MEMBER: &[u8] = b"\"bench\":";
    let at = json.windows(MEMBER.len()).position(|window| window == MEMBER)?;
    let digits = json[at + MEMBER.len()..].trim_ascii_start();
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use skep_client::proto::{ActivateJobsResponse, ActivatedJob, CompleteJobRequest};

    use super::*;

    fn example(key: i64) -> ActivatedJob {
        ActivatedJob {
            key,
            r#type: "t".into(),
            process_instance_key: key + 1,
            variables: r#"{"a":"x","bench": 77}"#.into(),
            deadline: i64::MAX,
            ..ActivatedJob::default()
        }
    }

    #[test]
    fn jobs_are_read_as_prost_wrote_them() {
        let key = 2_251_799_813_685_250;
        let bytes = example(key).encode_to_vec();
        assert_eq!(job(&bytes, false), Job { key, instance: key + 1 });
        assert_eq!(job(&bytes, true), Job { key, instance: 77 });
        let answer = ActivateJobsResponse { jobs: vec![example(1), example(5)] };
        let keys: Vec<_> = jobs(&answer.encode_to_vec(), false).iter().map(|job| job.key).collect();
        assert_eq!(keys, [1, 5]);
    }

    #[test]
    fn a_key_before_its_rest_is_the_whole_message() {
        let whole =
            CompleteJobRequest { job_key: 300, variables: "{}".into(), ..Default::default() };
        let rest = CompleteJobRequest { job_key: 0, ..whole.clone() }.encode_to_vec();
        assert_eq!(framed_key(300, &rest), framed(&whole));
    }

    #[test]
    fn messages_are_taken_whole_from_whatever_pieces_arrive() {
        let frame = framed(&example(1));
        let mut received = BytesMut::new();
        for (index, byte) in frame.iter().enumerate() {
            assert_eq!(take_message(&mut received), None, "after {index} bytes");
            received.put_u8(*byte);
        }
        received.put_slice(&frame);
        assert_eq!(take_message(&mut received), Some(frame.slice(PREFIX_BYTES..)));
        assert_eq!(take_message(&mut received), Some(frame.slice(PREFIX_BYTES..)));
        assert_eq!(take_message(&mut received), None);
    }

    #[test]
    fn bytes_that_are_no_protobuf_are_survived() {
        for length in 0..64 {
            let noise: Vec<u8> = (0..length).map(|i| (i * 37 + 11) as u8).collect();
            let _ = job(&noise, true);
            let _ = jobs(&noise, false);
        }
    }
}
