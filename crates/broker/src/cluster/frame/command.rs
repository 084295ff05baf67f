//! Payloads in frames: value type u8, intent u8, value as a byte string. Commands have a layout of
//! their own (`skep_protocol::wire`) and come last in a frame.

use bytes::{BufMut, BytesMut};
use skep_protocol::wire::{decode_command, encode_command};
use skep_protocol::{Command, Payload};

use super::wire::{FrameError, Reader, put_len};

pub(super) fn encode(command: &Command, out: &mut BytesMut) {
    let mut bytes = Vec::with_capacity(32 + command.payload.bytes_estimate());
    encode_command(command, &mut bytes);
    out.put_slice(&bytes);
}

/// A command that takes the rest of the frame.
pub(super) fn decode(reader: &mut Reader) -> Result<Command, FrameError> {
    decode_command(reader.rest()).map_err(|error| FrameError::Unknown(error.to_string()))
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
