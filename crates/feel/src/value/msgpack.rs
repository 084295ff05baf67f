//! MessagePack, as variables are stored: read lazily, written back shortest.
//!
//! Reading trusts nothing: what is malformed reads as null. [`Value::from_msgpack`] checks all of it
//! once, so that this is only seen after [`Value::from_msgpack_trusted`].

use std::sync::Arc;

use bytes::Bytes;

use super::elements::Elements;
use super::{Context, List, Value};
use crate::limits::VALUE_DEPTH_MAX;
use crate::{MsgpackError, Number};

/// What stands at the beginning of a value.
pub(super) enum Head {
    Null,
    Boolean(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// Bytes of text.
    Text(usize),
    /// Elements of an array.
    Array(usize),
    /// Entries of a map.
    Map(usize),
}

/// Reads the head at `at`; gives it and the place behind.
pub(super) fn head(bytes: &[u8], at: usize) -> Result<(Head, usize), MsgpackError> {
    let marker = *bytes.get(at).ok_or(MsgpackError::Truncated(at))?;
    let next = at + 1;
    Ok(match marker {
        0x00..=0x7f => (Head::Unsigned(u64::from(marker)), next),
        0x80..=0x8f => (Head::Map(usize::from(marker & 0x0f)), next),
        0x90..=0x9f => (Head::Array(usize::from(marker & 0x0f)), next),
        0xa0..=0xbf => (Head::Text(usize::from(marker & 0x1f)), next),
        0xc0 => (Head::Null, next),
        0xc2 => (Head::Boolean(false), next),
        0xc3 => (Head::Boolean(true), next),
        0xca => {
            let bits = u32::from_be_bytes(fixed(bytes, next)?);
            (Head::Float(f64::from(f32::from_bits(bits))), next + 4)
        }
        0xcb => (Head::Float(f64::from_bits(u64::from_be_bytes(fixed(bytes, next)?))), next + 8),
        0xcc => (Head::Unsigned(unsigned::<1>(bytes, next)?), next + 1),
        0xcd => (Head::Unsigned(unsigned::<2>(bytes, next)?), next + 2),
        0xce => (Head::Unsigned(unsigned::<4>(bytes, next)?), next + 4),
        0xcf => (Head::Unsigned(unsigned::<8>(bytes, next)?), next + 8),
        0xd0 => (Head::Signed(i64::from(i8::from_be_bytes(fixed(bytes, next)?))), next + 1),
        0xd1 => (Head::Signed(i64::from(i16::from_be_bytes(fixed(bytes, next)?))), next + 2),
        0xd2 => (Head::Signed(i64::from(i32::from_be_bytes(fixed(bytes, next)?))), next + 4),
        0xd3 => (Head::Signed(i64::from_be_bytes(fixed(bytes, next)?)), next + 8),
        0xd9 => (Head::Text(unsigned::<1>(bytes, next)? as usize), next + 1),
        0xda => (Head::Text(unsigned::<2>(bytes, next)? as usize), next + 2),
        0xdb => (Head::Text(unsigned::<4>(bytes, next)? as usize), next + 4),
        0xdc => (Head::Array(unsigned::<2>(bytes, next)? as usize), next + 2),
        0xdd => (Head::Array(unsigned::<4>(bytes, next)? as usize), next + 4),
        0xde => (Head::Map(unsigned::<2>(bytes, next)? as usize), next + 2),
        0xdf => (Head::Map(unsigned::<4>(bytes, next)? as usize), next + 4),
        0xe0..=0xff => (Head::Signed(i64::from(marker as i8)), next),
        _ => return Err(MsgpackError::UnsupportedMarker(at, marker)),
    })
}

fn fixed<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], MsgpackError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(MsgpackError::Truncated(at))
}

fn unsigned<const N: usize>(bytes: &[u8], at: usize) -> Result<u64, MsgpackError> {
    let field: [u8; N] = fixed(bytes, at)?;
    Ok(field.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

/// The place behind the value at `at`, without recursion. Every look-up in unread contexts comes
/// here, so the common markers are told apart without building a [`Head`].
pub(super) fn skip(bytes: &[u8], at: usize) -> Result<usize, MsgpackError> {
    skip_values(bytes, at, 1)
}

/// The place behind so many values at `at`.
pub(super) fn skip_values(
    bytes: &[u8],
    mut at: usize,
    mut remaining: usize,
) -> Result<usize, MsgpackError> {
    while remaining > 0 {
        remaining -= 1;
        let marker = *bytes.get(at).ok_or(MsgpackError::Truncated(at))?;
        at += match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 1,
            0xa0..=0xbf => 1 + usize::from(marker & 0x1f),
            0x80..=0x8f => {
                remaining = remaining.saturating_add(2 * usize::from(marker & 0x0f));
                1
            }
            0x90..=0x9f => {
                remaining = remaining.saturating_add(usize::from(marker & 0x0f));
                1
            }
            0xcc | 0xd0 => 2,
            0xcd | 0xd1 => 3,
            0xca | 0xce | 0xd2 => 5,
            0xcb | 0xcf | 0xd3 => 9,
            _ => {
                let (head, next) = head(bytes, at)?;
                let length = match head {
                    Head::Text(length) => length,
                    Head::Array(count) => {
                        remaining = remaining.saturating_add(count);
                        0
                    }
                    Head::Map(count) => {
                        remaining = remaining.saturating_add(count.saturating_mul(2));
                        0
                    }
                    _ => 0,
                };
                (next - at).saturating_add(length)
            }
        };
        if at > bytes.len() {
            return Err(MsgpackError::Truncated(bytes.len()));
        }
    }
    Ok(at)
}

pub(super) fn end_of_text(bytes: &[u8], at: usize, length: usize) -> Result<usize, MsgpackError> {
    let end = at.checked_add(length).ok_or(MsgpackError::Truncated(at))?;
    if end > bytes.len() { Err(MsgpackError::Truncated(bytes.len())) } else { Ok(end) }
}

fn text(bytes: &[u8], at: usize, length: usize) -> Result<(&str, usize), MsgpackError> {
    let end = end_of_text(bytes, at, length)?;
    let text = bytes.get(at..end).ok_or(MsgpackError::Truncated(at))?;
    let text = std::str::from_utf8(text).map_err(|_| MsgpackError::InvalidText(at))?;
    Ok((text, end))
}

/// Checks a whole document, without recursion; gives its depth.
fn check(bytes: &[u8]) -> Result<u16, MsgpackError> {
    // What is still to come at each open level: values, or map entries with the key next.
    enum Open {
        Array(usize),
        MapKey(usize),
        MapValue(usize),
    }
    let mut open: Vec<Open> = vec![Open::Array(1)];
    let mut depth = 0;
    let mut at = 0;
    while let Some(level) = open.last_mut() {
        let key = match level {
            Open::Array(0) | Open::MapKey(0) => {
                open.pop();
                continue;
            }
            Open::Array(left) => {
                *left -= 1;
                false
            }
            Open::MapKey(left) => {
                *level = Open::MapValue(*left - 1);
                true
            }
            Open::MapValue(left) => {
                *level = Open::MapKey(*left);
                false
            }
        };
        let (head, next) = head(bytes, at)?;
        if key && !matches!(head, Head::Text(_)) {
            return Err(MsgpackError::InvalidKey(at));
        }
        at = next;
        match head {
            Head::Text(length) => at = text(bytes, next, length)?.1,
            Head::Array(count) => open.push(Open::Array(count)),
            Head::Map(count) => open.push(Open::MapKey(count)),
            _ => {}
        }
        let nested = u16::try_from(open.len() - 1).unwrap_or(u16::MAX);
        if nested > VALUE_DEPTH_MAX {
            return Err(MsgpackError::DepthExceeded(VALUE_DEPTH_MAX));
        }
        depth = depth.max(nested);
    }
    if at < bytes.len() { Err(MsgpackError::TrailingBytes(at)) } else { Ok(depth) }
}

/// A source of bytes that containers can share or copy.
pub(super) trait Source {
    fn bytes(&self) -> &[u8];
    fn share(&self, start: usize, end: usize) -> Bytes;
}

impl Source for Bytes {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn share(&self, start: usize, end: usize) -> Bytes {
        self.slice(start..end)
    }
}

impl Source for [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn share(&self, start: usize, end: usize) -> Bytes {
        self.get(start..end).map(Bytes::copy_from_slice).unwrap_or_default()
    }
}

/// Reads the value at `at`, containers unread; gives it and the place behind. `depth` is what a
/// container may claim to nest; at 0 containers read as null.
pub(super) fn read<S: Source + ?Sized>(
    source: &S,
    at: usize,
    depth: u16,
) -> Result<(Value, usize), MsgpackError> {
    let bytes = source.bytes();
    let (found, next) = head(bytes, at)?;
    let value = match found {
        Head::Null => Value::Null,
        Head::Boolean(value) => Value::Boolean(value),
        Head::Signed(value) => Value::Number(value.into()),
        Head::Unsigned(value) => Value::Number(value.into()),
        Head::Float(value) => Number::from_f64(value).into(),
        Head::Text(length) => {
            let (text, end) = text(bytes, next, length)?;
            return Ok((Value::from(text), end));
        }
        Head::Array(count) | Head::Map(count) => {
            let end = skip(bytes, at)?;
            let value = match (found, depth) {
                (_, 0) => Value::Null,
                (Head::Array(_), _) => {
                    Value::List(List::packed(source.share(next, end), count, depth))
                }
                _ => Value::Context(Context::packed(source.share(next, end), count, depth)),
            };
            return Ok((value, end));
        }
    };
    Ok((value, next))
}

pub(super) fn elements(bytes: &Bytes, count: usize, depth: u16) -> Vec<Value> {
    let mut values = Vec::with_capacity(count.min(bytes.len()));
    values.extend(Elements::new(bytes, count, depth));
    values
}

pub(super) fn element(bytes: &Bytes, index: usize, depth: u16) -> Value {
    let mut at = 0;
    for _ in 0..index {
        match skip(bytes, at) {
            Ok(next) => at = next,
            Err(_) => return Value::Null,
        }
    }
    read(bytes, at, depth.saturating_sub(1)).map_or(Value::Null, |(value, _)| value)
}

pub(super) fn entry(bytes: &Bytes, count: usize, key: &str, depth: u16) -> Option<Value> {
    let mut at = 0;
    for _ in 0..count {
        let (Head::Text(length), next) = head(bytes, at).ok()? else {
            return None;
        };
        let end = end_of_text(bytes, next, length).ok()?;
        if bytes.get(next..end) == Some(key.as_bytes()) {
            return Some(read(bytes, end, depth.saturating_sub(1)).ok()?.0);
        }
        at = skip(bytes, end).ok()?;
    }
    None
}

pub(super) fn entries(bytes: &Bytes, count: usize, depth: u16) -> Vec<(Arc<str>, Value)> {
    let mut entries = Vec::with_capacity(count.min(bytes.len()));
    let mut at = 0;
    for _ in 0..count {
        let Ok((Head::Text(length), next)) = head(bytes, at) else { break };
        let Ok((key, end)) = text(bytes, next, length) else { break };
        let Ok((value, next)) = read(bytes, end, depth.saturating_sub(1)) else { break };
        entries.push((Arc::from(key), value));
        at = next;
    }
    entries
}

impl Value {
    /// Reads a MessagePack document. Lists and maps are checked, copied once, and read on access.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Value, MsgpackError> {
        let depth = check(bytes)?;
        Ok(read(bytes, 0, depth)?.0)
    }

    /// Like [`Value::from_msgpack`], but keeps the bytes instead of a copy.
    pub fn from_msgpack_shared(bytes: Bytes) -> Result<Value, MsgpackError> {
        let depth = check(&bytes)?;
        Ok(read(&bytes, 0, depth)?.0)
    }

    /// Like [`Value::from_msgpack_shared`] for a document that was checked before: nothing of a list
    /// or map is read until it is accessed. Wrongly trusted bytes read as nulls and missing parts.
    pub fn from_msgpack_trusted(bytes: Bytes) -> Value {
        match head(&bytes, 0) {
            // No more parts than there are bytes for, so that nobody makes room for a false number.
            Ok((Head::Array(count), next)) => {
                let (rest, depth) = (bytes.slice(next..), VALUE_DEPTH_MAX);
                let count = count.min(rest.len());
                Value::List(List::packed(rest, count, depth))
            }
            Ok((Head::Map(count), next)) => {
                let (rest, depth) = (bytes.slice(next..), VALUE_DEPTH_MAX);
                let count = count.min(rest.len() / 2);
                Value::Context(Context::packed(rest, count, depth))
            }
            Ok(_) => read(&bytes, 0, VALUE_DEPTH_MAX).map_or(Value::Null, |(value, _)| value),
            Err(_) => Value::Null,
        }
    }

    /// Appends the value as MessagePack: whole numbers as the shortest integer, others as a double,
    /// temporal values as the texts of `java.time`, ranges and functions as null (entries of contexts
    /// that are functions are left out, like in Camunda).
    pub fn write_msgpack(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null | Value::Function(_) | Value::Range(_) => out.push(0xc0),
            Value::Boolean(value) => out.push(if *value { 0xc3 } else { 0xc2 }),
            Value::Number(value) => write_number(*value, out),
            Value::String(value) => write_text(value, out),
            Value::List(list) => {
                write_length(list.len(), 0x90, 0xdc, out);
                match list.packed_bytes() {
                    Some(bytes) => out.extend_from_slice(bytes),
                    None => list.as_slice().iter().for_each(|value| value.write_msgpack(out)),
                }
            }
            Value::Context(context) => write_context(context, out),
            _ => write_text(&self.to_variable_text(), out),
        }
    }

    /// The value as MessagePack.
    pub fn to_msgpack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_msgpack(&mut out);
        out
    }
}

fn write_context(context: &Context, out: &mut Vec<u8>) {
    if let Some((bytes, count)) = context.packed_bytes() {
        write_length(count, 0x80, 0xde, out);
        out.extend_from_slice(bytes);
        return;
    }
    let written =
        || context.entries().iter().filter(|(_, value)| !matches!(value, Value::Function(_)));
    write_length(written().count(), 0x80, 0xde, out);
    for (key, value) in written() {
        write_text(key, out);
        value.write_msgpack(out);
    }
}

/// Writes the head of an array or map: a fix marker up to 15, else `wide` with 16 or 32 bits.
fn write_length(length: usize, fix: u8, wide: u8, out: &mut Vec<u8>) {
    if length < 16 {
        out.push(fix | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(wide);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(wide + 1);
        out.extend_from_slice(&(length as u32).to_be_bytes());
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let length = text.len();
    if length < 32 {
        out.push(0xa0 | length as u8);
    } else if let Ok(length) = u8::try_from(length) {
        out.extend_from_slice(&[0xd9, length]);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(0xda);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(0xdb);
        out.extend_from_slice(&(length as u32).to_be_bytes());
    }
    out.extend_from_slice(text.as_bytes());
}

fn write_number(number: Number, out: &mut Vec<u8>) {
    if let Some(value) = number.to_i64() {
        return write_integer(value, out);
    }
    if let Some(value) = number.to_u64() {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
        return;
    }
    out.push(0xcb);
    out.extend_from_slice(&number.to_f64().to_bits().to_be_bytes());
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    if (-32..128).contains(&value) {
        out.push(value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[0xcc, value]);
    } else if let Ok(value) = i8::try_from(value) {
        out.extend_from_slice(&[0xd0, value as u8]);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(0xcd);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(0xce);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend_from_slice(&value.to_be_bytes());
    } else if value >= 0 {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}
