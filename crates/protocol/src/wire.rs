//! Commands on their way between nodes, as bytes.
//!
//! Layout, all integers little-endian:
//!
//! ```text
//! command = version u8 (1), value_type u8, intent u8, key u64, operation_reference u64,
//!           checkpoint_id u64, predecessor u64, value (protobuf, to the end)
//! ```

use bytes::{Buf, Bytes};

use crate::{Command, Payload};

/// Version of the layout that this code writes.
pub const COMMAND_VERSION: u8 = 1;

/// Bytes in front of the value.
const HEADER_BYTES: usize = 35;

/// Why the bytes are no command that this version can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError(pub String);

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a command of another node cannot be read: {}", self.0)
    }
}

impl std::error::Error for WireError {}

/// Appends a command.
pub fn encode_command(command: &Command, out: &mut Vec<u8>) {
    out.push(COMMAND_VERSION);
    out.push(command.payload.value_type() as u8);
    out.push(command.payload.intent_number());
    out.extend_from_slice(&command.key.to_le_bytes());
    out.extend_from_slice(&command.operation_reference.to_le_bytes());
    out.extend_from_slice(&command.checkpoint_id.to_le_bytes());
    out.extend_from_slice(&command.predecessor.to_le_bytes());
    command.payload.encode_value(out);
}

/// Reads a command that takes all the bytes. `Bytes` of its value point into `bytes`.
///
/// # Errors
/// When the bytes are damaged, or written by a version that knows more than this one.
pub fn decode_command(mut bytes: Bytes) -> Result<Command, WireError> {
    if bytes.remaining() < HEADER_BYTES {
        return Err(WireError("it is cut off".to_owned()));
    }
    let version = bytes.get_u8();
    if version != COMMAND_VERSION {
        return Err(WireError(format!("version {version} of its layout is unknown")));
    }
    let (value_type, intent) = (bytes.get_u8(), bytes.get_u8());
    let key = bytes.get_u64_le();
    let operation_reference = bytes.get_u64_le();
    let checkpoint_id = bytes.get_u64_le();
    let predecessor = bytes.get_u64_le();
    let payload = Payload::decode(value_type, intent, bytes)
        .map_err(|error| WireError(error.to_string()))?
        .ok_or_else(|| WireError(format!("value type {value_type}, intent {intent} is unknown")))?;
    Ok(Command { key, operation_reference, checkpoint_id, predecessor, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JobIntent, JobRecord};

    fn sample() -> Command {
        let job = JobRecord { job_type: "pay".to_owned(), ..JobRecord::default() };
        Command {
            key: 2_251_799_813_685_249,
            operation_reference: 42,
            checkpoint_id: 7,
            predecessor: 2_251_799_813_685_248,
            payload: Payload::Job(JobIntent::Yield, job),
        }
    }

    #[test]
    fn commands_read_back() {
        let mut bytes = Vec::new();
        encode_command(&sample(), &mut bytes);
        assert_eq!(decode_command(bytes.into()), Ok(sample()));
    }

    #[test]
    fn what_is_cut_off_or_unknown_is_refused() {
        let mut bytes = Vec::new();
        encode_command(&sample(), &mut bytes);
        for length in 0..HEADER_BYTES {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            assert!(decode_command(cut).is_err(), "{length}");
        }
        for at in [0, 1, 2] {
            let mut changed = bytes.clone();
            changed[at] = 200;
            assert!(decode_command(changed.into()).is_err(), "{at}");
        }
    }
}
