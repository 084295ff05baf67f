//! JSON text to MessagePack.

use crate::limits::{DOCUMENT_DEPTH_MAX, KEYS_COMPARED_MAX, REQUEST_BYTES_MAX};

use super::{EMPTY_DOCUMENT, TranscodeError};

/// Reads a JSON object and gives a MessagePack map.
///
/// # Errors
/// When the text is not one JSON object, is nested too deeply, names a key twice in one object, or
/// is larger than a request may be.
pub fn document_to_msgpack(text: &str) -> Result<Vec<u8>, TranscodeError> {
    if text.len() > REQUEST_BYTES_MAX {
        return Err(TranscodeError(format!(
            "the document has {} bytes, more than the {REQUEST_BYTES_MAX} allowed; store it elsewhere and pass a reference",
            text.len()
        )));
    }
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        out: Vec::with_capacity(text.len() + 8),
        keys: Vec::new(),
        scratch: Vec::new(),
    };
    reader.skip_space();
    if reader.peek() != Some(b'{') {
        let found = reader.describe();
        return Err(reader.error(&format!("expected a JSON object, but found {found}")));
    }
    reader.value(0)?;
    reader.skip_space();
    if reader.at < reader.text.len() {
        return Err(reader.error("expected the end after the object"));
    }
    Ok(reader.out)
}

/// Like [`document_to_msgpack`]; the empty text stands for an empty object, as over gRPC.
///
/// # Errors
/// As [`document_to_msgpack`].
pub fn document_to_msgpack_or_empty(text: &str) -> Result<Vec<u8>, TranscodeError> {
    if text.is_empty() { Ok(EMPTY_DOCUMENT.to_vec()) } else { document_to_msgpack(text) }
}

/// Names and texts as a JSON object.
pub fn headers_to_json<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("{");
    for (index, (key, value)) in headers.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        super::append_json_string(key, &mut out);
        out.push(':');
        super::append_json_string(value, &mut out);
    }
    out.push('}');
    out
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// Where the keys of the open objects lie in `out`: start and length.
    keys: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn error(&self, what: &str) -> TranscodeError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column =
            String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count()
                + 1;
        TranscodeError(format!("{what} (line {line}, column {column})"))
    }

    #[cold]
    fn describe(&self) -> String {
        match self.peek() {
            None => "nothing".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b'{') => "an object".to_owned(),
            Some(b'"') => "a string".to_owned(),
            Some(b'0'..=b'9' | b'-') => "a number".to_owned(),
            Some(b't' | b'f') => "a boolean".to_owned(),
            Some(b'n') => "null".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("'{}'", byte as char),
            Some(_) => "something that is not JSON".to_owned(),
        }
    }

    #[cold]
    fn unexpected(&self, wanted: &str) -> TranscodeError {
        self.error(&format!("expected {wanted}, but found {}", self.describe()))
    }

    fn value(&mut self, depth: usize) -> Result<(), TranscodeError> {
        match self.peek() {
            Some(b'"') => {
                let (_, _) = self.string()?;
                Ok(())
            }
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true", 0xc3),
            Some(b'f') => self.literal(b"false", 0xc2),
            Some(b'n') => self.literal(b"null", 0xc0),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn literal(&mut self, word: &[u8], code: u8) -> Result<(), TranscodeError> {
        if self.text.get(self.at..self.at + word.len()) != Some(word) {
            return Err(self.error("expected true, false or null"));
        }
        self.at += word.len();
        self.out.push(code);
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), TranscodeError> {
        if depth > DOCUMENT_DEPTH_MAX {
            return Err(self.error(&format!("nested more than {DOCUMENT_DEPTH_MAX} levels deep")));
        }
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), TranscodeError> {
        self.check_depth(depth)?;
        self.at += 1;
        let header = self.out.len();
        self.out.push(0);
        let keys_from = self.keys.len();
        let mut count = 0;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.skip_space();
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected("a key in double quotes"));
                }
                self.key(keys_from)?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected("':'"));
                }
                self.at += 1;
                self.skip_space();
                self.value(depth)?;
                count += 1;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.unexpected("',' or '}'")),
                }
            }
        }
        if count > KEYS_COMPARED_MAX {
            self.check_keys_sorted(keys_from)?;
        }
        self.keys.truncate(keys_from);
        self.close(header, count, 0x80, 0xde, 0xdf);
        Ok(())
    }

    fn key(&mut self, keys_from: usize) -> Result<(), TranscodeError> {
        let (start, length) = self.string()?;
        let open = self.keys.get(keys_from..).unwrap_or_default();
        if open.len() < KEYS_COMPARED_MAX {
            let new = self.out.get(start..start + length).unwrap_or_default();
            for (other, other_length) in open {
                let (other, other_length) = (*other as usize, *other_length as usize);
                if other_length == length && self.out.get(other..other + other_length) == Some(new)
                {
                    let name = String::from_utf8_lossy(new).into_owned();
                    return Err(self.error(&format!("the key '{name}' occurs twice in one object")));
                }
            }
        }
        // A document has at most 4 MB, so that both fit.
        self.keys.push((start as u32, length as u32));
        Ok(())
    }

    fn check_keys_sorted(&mut self, keys_from: usize) -> Result<(), TranscodeError> {
        let Some(open) = self.keys.get(keys_from..) else { return Ok(()) };
        let mut names: Vec<&[u8]> = open
            .iter()
            .map(|(start, length)| {
                self.out.get(*start as usize..(*start + *length) as usize).unwrap_or_default()
            })
            .collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair.first() == pair.last());
        match twice.and_then(|pair| pair.first()) {
            Some(name) => {
                let name = String::from_utf8_lossy(name).into_owned();
                Err(self.error(&format!("the key '{name}' occurs twice in one object")))
            }
            None => Ok(()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), TranscodeError> {
        self.check_depth(depth)?;
        self.at += 1;
        let header = self.out.len();
        self.out.push(0);
        let mut count = 0;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.skip_space();
                self.value(depth)?;
                count += 1;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => {
                        self.at += 1;
                        break;
                    }
                    _ => return Err(self.unexpected("',' or ']'")),
                }
            }
        }
        self.close(header, count, 0x90, 0xdc, 0xdd);
        Ok(())
    }

    /// Writes the header of a container now that its size is known; the one byte that was kept
    /// free is enough for up to 15 entries, else what follows moves up.
    fn close(&mut self, header: usize, count: usize, fix: u8, wide: u8, wider: u8) {
        let mut bytes = [0u8; 5];
        let used = if count <= 15 {
            bytes[0] = fix | count as u8;
            1
        } else if let Ok(count) = u16::try_from(count) {
            bytes[0] = wide;
            bytes[1..3].copy_from_slice(&count.to_be_bytes());
            3
        } else {
            bytes[0] = wider;
            bytes[1..5].copy_from_slice(&(count as u32).to_be_bytes());
            5
        };
        if used == 1 {
            self.out[header] = bytes[0];
        } else {
            self.out.splice(header..=header, bytes.iter().take(used).copied());
        }
    }

    /// Reads a string and writes it; gives start and length of its bytes in the output.
    fn string(&mut self) -> Result<(usize, usize), TranscodeError> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let end = self.at;
            self.at += 1;
            push_string_header(&mut self.out, end - start);
            let written = self.out.len();
            self.out.extend_from_slice(&self.text[start..end]);
            return Ok((written, end - start));
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.text[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if byte < 0x20 => {
                    return Err(self.error("a control character in a string must be escaped"));
                }
                Some(_) => {
                    let from = self.at;
                    self.skip_plain();
                    self.scratch.extend_from_slice(&self.text[from..self.at]);
                }
                None => return Err(self.error("the string does not end")),
            }
        }
        push_string_header(&mut self.out, self.scratch.len());
        let written = self.out.len();
        self.out.extend_from_slice(&self.scratch);
        Ok((written, self.scratch.len()))
    }

    /// Moves over bytes that a string may hold as they are.
    fn skip_plain(&mut self) {
        self.at += super::plain_length(self.text.get(self.at..).unwrap_or_default());
    }

    fn escape(&mut self) -> Result<(), TranscodeError> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => b'"',
            Some(b'\\') => b'\\',
            Some(b'/') => b'/',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let symbol = self.unicode_escape()?;
                let mut bytes = [0; 4];
                self.scratch.extend_from_slice(symbol.encode_utf8(&mut bytes).as_bytes());
                return Ok(());
            }
            _ => return Err(self.error("unknown escape in a string")),
        };
        self.at += 1;
        self.scratch.push(plain);
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<char, TranscodeError> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                if self.text.get(self.at..self.at + 2) != Some(b"\\u".as_slice()) {
                    return Err(self.error("half of a surrogate pair in a string"));
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.error("half of a surrogate pair in a string"));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair in a string"))
    }

    fn hex4(&mut self) -> Result<u32, TranscodeError> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let mut value = 0;
        for digit in digits {
            let Some(digit) = (*digit as char).to_digit(16) else {
                return Err(self.error("\\u needs four hexadecimal digits"));
            };
            value = value * 16 + digit;
        }
        if digits.len() < 4 {
            return Err(self.error("\\u needs four hexadecimal digits"));
        }
        self.at += 4;
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<(), TranscodeError> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("not a JSON number"));
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integer = false;
            if self.digits() == 0 {
                return Err(self.error("not a JSON number"));
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            integer = false;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("not a JSON number"));
            }
        }
        // Only ASCII digits and signs were read.
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if integer && !negative {
            if let Ok(value) = text.parse::<u64>() {
                push_unsigned(&mut self.out, value);
                return Ok(());
            }
        } else if integer && let Ok(value) = text.parse::<i64>() {
            push_signed(&mut self.out, value);
            return Ok(());
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.out.push(0xcb);
                self.out.extend_from_slice(&value.to_be_bytes());
                Ok(())
            }
            _ => Err(self.error("the number is too large")),
        }
    }
}

fn push_string_header(out: &mut Vec<u8>, length: usize) {
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
}

fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    if value < 128 {
        out.push(value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[0xcc, value]);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(0xcd);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(0xce);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

fn push_signed(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        push_unsigned(out, value);
    } else if value >= -32 {
        out.push(value as i8 as u8);
    } else if let Ok(value) = i8::try_from(value) {
        out.extend_from_slice(&[0xd0, value as u8]);
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}
