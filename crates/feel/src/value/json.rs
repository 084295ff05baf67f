//! JSON text from and to values.

use std::fmt::Write;
use std::sync::Arc;

use super::{Context, Value};
use crate::limits::VALUE_DEPTH_MAX;

/// Appends the value as JSON text. `text_of` gives the text of a value that JSON has no kind for,
/// where that is not the one that variables hold.
pub(crate) fn write_json(value: &Value, text_of: fn(&Value) -> Option<String>, out: &mut String) {
    if let Some(text) = text_of(value) {
        return write_text(&text, out);
    }
    match value {
        Value::Null | Value::Function(_) | Value::Range(_) => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => {
            let _ = write!(out, "{value}");
        }
        Value::List(list) => {
            out.push('[');
            for (index, element) in list.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json(&element, text_of, out);
            }
            out.push(']');
        }
        Value::Context(context) => {
            out.push('{');
            let entries = context.entries().iter();
            let written = entries.filter(|(_, value)| !matches!(value, Value::Function(_)));
            for (index, (key, element)) in written.enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_text(key, out);
                out.push(':');
                write_json(element, text_of, out);
            }
            out.push('}');
        }
        other => write_text(&other.to_variable_text(), out),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads JSON text; none if it is not JSON or nests too deeply.
pub(crate) fn parse_json(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, prefix: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(prefix)?;
        Some(())
    }

    fn value(&mut self, depth: u16) -> Option<Value> {
        if depth >= VALUE_DEPTH_MAX {
            return None;
        }
        self.skip_space();
        match self.rest.as_bytes().first()? {
            b'n' => self.take("null").map(|()| Value::Null),
            b't' => self.take("true").map(|()| Value::Boolean(true)),
            b'f' => self.take("false").map(|()| Value::Boolean(false)),
            b'"' => self.text().map(Value::from),
            b'[' => self.list(depth),
            b'{' => self.context(depth),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: u16) -> Option<Value> {
        self.take("[")?;
        let mut values = Vec::new();
        self.skip_space();
        if self.take("]").is_some() {
            return Some(values.into());
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take("]").is_some() {
                return Some(values.into());
            }
            self.take(",")?;
        }
    }

    fn context(&mut self, depth: u16) -> Option<Value> {
        self.take("{")?;
        let mut entries = Vec::new();
        self.skip_space();
        if self.take("}").is_some() {
            return Some(Value::Context(Context::from(entries)));
        }
        loop {
            self.skip_space();
            let key: Arc<str> = self.text()?.into();
            self.skip_space();
            self.take(":")?;
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            if self.take("}").is_some() {
                return Some(Value::Context(Context::from(entries)));
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|character: char| !matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if text.starts_with(['+', '.']) || text.ends_with('.') {
            return None;
        }
        self.rest = rest;
        text.parse().ok().map(Value::Number)
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let end =
                self.rest.find(|character| matches!(character, '"' | '\\' | '\0'..='\x1f'))?;
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            self.rest = rest;
            if self.take("\"").is_some() {
                return Some(text);
            }
            self.take("\\")?;
            let escape = self.rest.chars().next()?;
            self.rest = self.rest.get(escape.len_utf8()..)?;
            text.push(match escape {
                '"' | '\\' | '/' => escape,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => self.unicode()?,
                _ => return None,
            });
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.take("\\u")?;
        let second = self.hexadecimal()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Some(char::REPLACEMENT_CHARACTER);
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.rest = self.rest.get(4..)?;
        Some(value)
    }
}
