//! Commands in frames: key u64, operation reference u64, value type u8, intent u8, value as a byte
//! string.

use bytes::{BufMut, BytesMut};
use skep_protocol::{Command, Payload};

use super::wire::{FrameError, Reader, put_len};

pub(super) fn encode(command: &Command, out: &mut BytesMut) {
    out.put_u64_le(command.key);
    out.put_u64_le(command.operation_reference);
    encode_payload(&command.payload, out);
}

pub(super) fn decode(reader: &mut Reader) -> Result<Command, FrameError> {
    let key = reader.u64()?;
    let operation_reference = reader.u64()?;
    let payload = decode_payload(reader)?;
    Ok(Command { key, operation_reference, payload })
}

pub(super) fn encode_payload(payload: &Payload, out: &mut BytesMut) {
    out.put_u8(payload.value_type() as u8);
    out.put_u8(payload.intent_number());
    let mut value = Vec::with_capacity(payload.bytes_estimate());
    payload.encode_value(&mut value);
    put_len(out, value.len());
    out.put_slice(&value);
}

pub(super) fn decode_payload(reader: &mut Reader) -> Result<Payload, FrameError> {
    let value_type = reader.u8()?;
    let intent = reader.u8()?;
    let value = reader.bytes()?;
    Payload::decode(value_type, intent, value)
        .map_err(|_| FrameError::Malformed("a value cannot be read"))?
        .ok_or_else(|| FrameError::Unknown(format!("value type {value_type}, intent {intent}")))
}
