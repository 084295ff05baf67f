//! Log entries: a command and everything that it caused, as bytes.
//!
//! Layout, all integers little-endian:
//!
//! ```text
//! entry  = version u8 (1), reserved u8, count u16, first_position u64, timestamp_ms i64,
//!          operation_reference u64, record*
//! record = length u32 (of the value), value_type u8, intent u8, record_type u8, flags u8, key u64,
//!          [source u16: index of the record that caused it + 1, when flag 2]
//!          [rejection_type u8, reason_length u32, reason, when flag 1]
//!          value (protobuf)
//! ```
//!
//! The position of a record is `first_position` plus its index. The checksum is the journal's.

use bytes::{Buf, Bytes};

use crate::{Payload, Record, RecordType, Rejection, RejectionType};

/// Version of the layout that this code writes.
pub const ENTRY_VERSION: u8 = 1;

const FLAG_REJECTION: u8 = 1;
const FLAG_SOURCE: u8 = 2;

/// Why an entry cannot be read. All of them mean: stop this replica, do not guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end early or contradict themselves.
    Malformed(String),
    /// Written by a newer version of Skep.
    Unknown(String),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the log entry is damaged: {what}"),
            Self::Unknown(what) => write!(
                f,
                "the log entry was written by a newer version ({what}): start that version, or restore a backup"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Appends one entry. `records` are consecutive, share timestamp and operation reference, and are not empty.
pub fn encode_entry(records: &[Record], out: &mut Vec<u8>) {
    let Some(first) = records.first() else { return };
    out.push(ENTRY_VERSION);
    out.push(0);
    out.extend_from_slice(&u16::try_from(records.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&first.position.to_le_bytes());
    out.extend_from_slice(&first.timestamp_ms.to_le_bytes());
    out.extend_from_slice(&first.operation_reference.to_le_bytes());
    for record in records {
        encode_record(record, first.position, out);
    }
}

fn encode_record(record: &Record, first_position: u64, out: &mut Vec<u8>) {
    let mut flags = 0;
    if record.rejection.is_some() {
        flags |= FLAG_REJECTION;
    }
    if record.source_position != 0 {
        flags |= FLAG_SOURCE;
    }
    let header_at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(record.payload.value_type() as u8);
    out.push(record.payload.intent_number());
    out.push(record.record_type as u8);
    out.push(flags);
    out.extend_from_slice(&record.key.to_le_bytes());
    if flags & FLAG_SOURCE != 0 {
        let source = record.source_position.saturating_sub(first_position).saturating_add(1);
        out.extend_from_slice(&u16::try_from(source).unwrap_or(0).to_le_bytes());
    }
    if let Some(rejection) = &record.rejection {
        out.push(rejection.kind as u8);
        out.extend_from_slice(&u32::try_from(rejection.reason.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(rejection.reason.as_bytes());
    }
    let value_at = out.len();
    record.payload.encode_value(out);
    let length = u32::try_from(out.len() - value_at).unwrap_or(u32::MAX);
    if let Some(slot) = out.get_mut(header_at..header_at + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

/// Number of records an entry may hold; larger work is sliced by the engine.
pub const ENTRY_RECORDS_MAX: usize = u16::MAX as usize;

/// Reads entries until the bytes end. `Bytes` of values point into `bytes` without a copy.
///
/// # Errors
/// When the bytes are not whole entries that this version knows.
pub fn decode_entries(mut bytes: Bytes) -> Result<Vec<Record>, DecodeError> {
    let mut records = Vec::new();
    while bytes.has_remaining() {
        decode_entry(&mut bytes, &mut records)?;
    }
    Ok(records)
}

fn need(bytes: &Bytes, length: usize, what: &str) -> Result<(), DecodeError> {
    if bytes.remaining() < length {
        return Err(DecodeError::Malformed(format!("{what} is cut off")));
    }
    Ok(())
}

fn decode_entry(bytes: &mut Bytes, records: &mut Vec<Record>) -> Result<(), DecodeError> {
    need(bytes, 28, "the header of an entry")?;
    let version = bytes.get_u8();
    if version != ENTRY_VERSION {
        return Err(DecodeError::Unknown(format!("entry version {version}")));
    }
    bytes.get_u8();
    let count = bytes.get_u16_le();
    let first_position = bytes.get_u64_le();
    let timestamp_ms = bytes.get_i64_le();
    let operation_reference = bytes.get_u64_le();
    for index in 0..u64::from(count) {
        need(bytes, 16, "the header of a record")?;
        let length = bytes.get_u32_le() as usize;
        let value_type = bytes.get_u8();
        let intent = bytes.get_u8();
        let record_type = match bytes.get_u8() {
            0 => RecordType::Event,
            1 => RecordType::Command,
            2 => RecordType::Rejection,
            other => return Err(DecodeError::Unknown(format!("record type {other}"))),
        };
        let flags = bytes.get_u8();
        let key = bytes.get_u64_le();
        let source_position = if flags & FLAG_SOURCE != 0 {
            need(bytes, 2, "a source position")?;
            first_position + u64::from(bytes.get_u16_le()).saturating_sub(1)
        } else {
            0
        };
        let rejection =
            if flags & FLAG_REJECTION != 0 { Some(decode_rejection(bytes)?) } else { None };
        need(bytes, length, "a value")?;
        let value = bytes.split_to(length);
        let payload = Payload::decode(value_type, intent, value)
            .map_err(|error| DecodeError::Malformed(error.to_string()))?
            .ok_or_else(|| {
                DecodeError::Unknown(format!("value type {value_type}, intent {intent}"))
            })?;
        records.push(Record {
            position: first_position + index,
            source_position,
            key,
            timestamp_ms,
            record_type,
            operation_reference,
            rejection,
            payload,
        });
    }
    Ok(())
}

fn decode_rejection(bytes: &mut Bytes) -> Result<Rejection, DecodeError> {
    need(bytes, 5, "a rejection")?;
    let number = bytes.get_u8();
    let kind = RejectionType::from_number(number)
        .ok_or_else(|| DecodeError::Unknown(format!("rejection type {number}")))?;
    let length = bytes.get_u32_le() as usize;
    need(bytes, length, "a rejection reason")?;
    let reason = String::from_utf8(bytes.split_to(length).to_vec())
        .map_err(|_| DecodeError::Malformed("a rejection reason is not UTF-8".to_owned()))?;
    Ok(Rejection { kind, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JobIntent, JobRecord};

    fn sample() -> Vec<Record> {
        let job = JobRecord { job_type: "pay".to_owned(), retries: 3, ..JobRecord::default() };
        let record = |position, record_type, intent, rejection| Record {
            position,
            source_position: if position == 7 { 0 } else { 7 },
            key: 2_251_799_813_685_249,
            timestamp_ms: 1_700_000_000_000,
            record_type,
            operation_reference: 42,
            rejection,
            payload: Payload::Job(intent, job.clone()),
        };
        vec![
            record(7, RecordType::Command, JobIntent::Complete, None),
            record(8, RecordType::Event, JobIntent::Completed, None),
            record(
                9,
                RecordType::Rejection,
                JobIntent::Complete,
                Some(Rejection::new(RejectionType::NotFound, "Expected to find it, but no")),
            ),
        ]
    }

    #[test]
    fn entries_read_back() {
        let mut bytes = Vec::new();
        encode_entry(&sample(), &mut bytes);
        encode_entry(&sample(), &mut bytes);
        let records = decode_entries(Bytes::from(bytes)).unwrap();
        assert_eq!(records, [sample(), sample()].concat());
    }

    #[test]
    fn every_cut_is_an_error() {
        let mut bytes = Vec::new();
        encode_entry(&sample(), &mut bytes);
        for length in 1..bytes.len() {
            assert!(decode_entries(Bytes::copy_from_slice(&bytes[..length])).is_err(), "{length}");
        }
    }

    #[test]
    fn unknown_types_fail_loudly() {
        let mut bytes = Vec::new();
        encode_entry(&sample()[..1], &mut bytes);
        bytes[32] = 250;
        assert!(matches!(decode_entries(Bytes::from(bytes)), Err(DecodeError::Unknown(_))));
    }

    #[test]
    fn bytes_of_the_first_release_still_read() {
        // Fixed bytes: a change of the layout must come with a new version and a reader for this one.
        let mut bytes = Vec::new();
        encode_entry(&sample()[..1], &mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0100010007000000000000000068e5cf8b0100002a00000000000000070000000001010001000000000008000a037061795003"
        );
    }
}
