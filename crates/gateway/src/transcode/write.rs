//! MessagePack to JSON text.

use std::fmt::Write;

use crate::limits::DOCUMENT_DEPTH_MAX;

use super::TranscodeError;

/// The JSON text of one MessagePack value.
///
/// # Errors
/// When the bytes are not one whole MessagePack value, or nested too deeply.
pub fn msgpack_to_json(bytes: &[u8]) -> Result<String, TranscodeError> {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 4 + 16);
    append_json(bytes, &mut out)?;
    Ok(out)
}

/// Appends the JSON text of one MessagePack value; no bytes at all stand for an empty object.
///
/// # Errors
/// As [`msgpack_to_json`].
pub fn append_json(bytes: &[u8], out: &mut String) -> Result<(), TranscodeError> {
    if bytes.is_empty() {
        out.push_str("{}");
        return Ok(());
    }
    let mut writer = Writer { bytes, out };
    writer.value(0)?;
    if writer.bytes.is_empty() { Ok(()) } else { Err(damaged("bytes follow the value")) }
}

/// Appends `text` as a JSON string with its quotes.
pub fn append_json_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let plain = super::plain_length(rest.as_bytes());
        // What ends a plain run is ASCII, so that it never lies inside a character.
        let Some((head, tail)) = rest.split_at_checked(plain) else { break };
        out.push_str(head);
        let Some(special) = tail.bytes().next() else { break };
        append_escape(special, out);
        rest = tail.get(1..).unwrap_or_default();
    }
    out.push('"');
}

fn append_escape(byte: u8, out: &mut String) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        other => {
            let _ = write!(out, "\\u{other:04x}");
        }
    }
}

#[cold]
fn damaged(what: &str) -> TranscodeError {
    TranscodeError(format!("the stored document is damaged: {what}"))
}

struct Writer<'a, 'o> {
    bytes: &'a [u8],
    out: &'o mut String,
}

macro_rules! big_endian {
    ($self:ident, $kind:ty) => {
        <$kind>::from_be_bytes(
            $self.take(size_of::<$kind>())?.try_into().map_err(|_| damaged("cut off"))?,
        )
    };
}

impl<'a> Writer<'a, '_> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], TranscodeError> {
        let (head, rest) =
            self.bytes.split_at_checked(length).ok_or_else(|| damaged("it is cut off"))?;
        self.bytes = rest;
        Ok(head)
    }

    fn integer(&mut self, value: impl std::fmt::Display) {
        let _ = write!(self.out, "{value}");
    }

    fn float(&mut self, value: f64) {
        // JSON has no word for these.
        if value.is_finite() {
            let _ = write!(self.out, "{value:?}");
        } else {
            self.out.push_str("null");
        }
    }

    fn text(&mut self, length: usize) -> Result<(), TranscodeError> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("a string is not UTF-8"))?;
        append_json_string(text, self.out);
        Ok(())
    }

    /// Bytes have no JSON form; Base64 is what JSON libraries agree on.
    fn binary(&mut self, length: usize) -> Result<(), TranscodeError> {
        let bytes = self.take(length)?;
        self.out.push('"');
        append_base64(bytes, self.out);
        self.out.push('"');
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), TranscodeError> {
        let code = self.take(1)?.first().copied().unwrap_or(0xc1);
        match code {
            // Most numbers are small.
            0x00..=0x09 => self.out.push(char::from(b'0' + code)),
            0x0a..=0x7f => self.integer(code),
            0x80..=0x8f => return self.map(usize::from(code & 0x0f), depth + 1),
            0x90..=0x9f => return self.array(usize::from(code & 0x0f), depth + 1),
            0xa0..=0xbf => return self.text(usize::from(code & 0x1f)),
            0xc0 => self.out.push_str("null"),
            0xc2 => self.out.push_str("false"),
            0xc3 => self.out.push_str("true"),
            0xc4 => {
                let length = big_endian!(self, u8);
                return self.binary(usize::from(length));
            }
            0xc5 => {
                let length = big_endian!(self, u16);
                return self.binary(usize::from(length));
            }
            0xc6 => {
                let length = big_endian!(self, u32);
                return self.binary(length as usize);
            }
            0xca => {
                let value = big_endian!(self, f32);
                self.float(f64::from(value));
            }
            0xcb => {
                let value = big_endian!(self, f64);
                self.float(value);
            }
            0xcc..=0xd3 => self.wide_integer(code)?,
            0xd9 => {
                let length = big_endian!(self, u8);
                return self.text(usize::from(length));
            }
            0xda => {
                let length = big_endian!(self, u16);
                return self.text(usize::from(length));
            }
            0xdb => {
                let length = big_endian!(self, u32);
                return self.text(length as usize);
            }
            0xdc => {
                let count = big_endian!(self, u16);
                return self.array(usize::from(count), depth + 1);
            }
            0xdd => {
                let count = big_endian!(self, u32);
                return self.array(count as usize, depth + 1);
            }
            0xde => {
                let count = big_endian!(self, u16);
                return self.map(usize::from(count), depth + 1);
            }
            0xdf => {
                let count = big_endian!(self, u32);
                return self.map(count as usize, depth + 1);
            }
            0xe0..=0xff => self.integer(code as i8),
            _ => return Err(damaged("an extension type that Skep does not write")),
        }
        Ok(())
    }

    fn wide_integer(&mut self, code: u8) -> Result<(), TranscodeError> {
        match code {
            0xcc => {
                let value = big_endian!(self, u8);
                self.integer(value);
            }
            0xcd => {
                let value = big_endian!(self, u16);
                self.integer(value);
            }
            0xce => {
                let value = big_endian!(self, u32);
                self.integer(value);
            }
            0xcf => {
                let value = big_endian!(self, u64);
                self.integer(value);
            }
            0xd0 => {
                let value = big_endian!(self, i8);
                self.integer(value);
            }
            0xd1 => {
                let value = big_endian!(self, i16);
                self.integer(value);
            }
            0xd2 => {
                let value = big_endian!(self, i32);
                self.integer(value);
            }
            _ => {
                let value = big_endian!(self, i64);
                self.integer(value);
            }
        }
        Ok(())
    }

    fn check_depth(depth: usize) -> Result<(), TranscodeError> {
        if depth > DOCUMENT_DEPTH_MAX + 8 {
            return Err(TranscodeError(format!(
                "the document is nested more than {DOCUMENT_DEPTH_MAX} levels deep"
            )));
        }
        Ok(())
    }

    fn array(&mut self, count: usize, depth: usize) -> Result<(), TranscodeError> {
        Self::check_depth(depth)?;
        self.out.push('[');
        for index in 0..count {
            if index > 0 {
                self.out.push(',');
            }
            self.value(depth)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<(), TranscodeError> {
        Self::check_depth(depth)?;
        self.out.push('{');
        for index in 0..count {
            if index > 0 {
                self.out.push(',');
            }
            self.key(depth)?;
            self.out.push(':');
            self.value(depth)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// JSON keys are strings; a key that is not becomes the text of its value.
    fn key(&mut self, depth: usize) -> Result<(), TranscodeError> {
        match self.bytes.first() {
            Some(0xa0..=0xbf | 0xd9..=0xdb) => self.value(depth),
            Some(_) => {
                let mut text = String::new();
                let mut inner = Writer { bytes: self.bytes, out: &mut text };
                inner.value(depth)?;
                self.bytes = inner.bytes;
                append_json_string(&text, self.out);
                Ok(())
            }
            None => Err(damaged("it is cut off")),
        }
    }
}

fn append_base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for symbol in 0..4 {
            if symbol <= chunk.len() {
                let index = (word >> (18 - 6 * symbol)) & 0x3f;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
}
