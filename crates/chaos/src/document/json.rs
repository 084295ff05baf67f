//! JSON with the place of every value.

use serde_json::{Map, Number, Value};

use super::{Position, Positions};
use crate::limits::DEPTH_MAX;

type Failure = (Position, String);

/// Reads one value and nothing after it.
pub(super) fn read(text: &str) -> Result<(Value, Positions), Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        rest: text,
        line: 1,
        column: 1,
        path: String::new(),
        positions: Positions::new(),
        depth: 0,
    };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.rest.is_empty() {
        Ok((value, reader.positions))
    } else {
        Err(reader.failure("there is more after the end of the value"))
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
    path: String,
    positions: Positions,
    depth: usize,
}

impl Reader<'_> {
    fn here(&self) -> Position {
        Position { line: self.line, column: self.column }
    }

    fn failure(&self, message: &str) -> Failure {
        (self.here(), message.to_owned())
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        if character == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(character)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn expect(&mut self, wanted: char, message: &str) -> Result<(), Failure> {
        if self.peek() == Some(wanted) {
            self.next();
            Ok(())
        } else {
            Err(self.failure(message))
        }
    }

    fn value(&mut self) -> Result<Value, Failure> {
        self.positions.insert(self.path.clone(), self.here());
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => self.string().map(Value::String),
            Some('-' | '0'..='9') => self.number(),
            Some('t') => self.word("true", Value::Bool(true)),
            Some('f') => self.word("false", Value::Bool(false)),
            Some('n') => self.word("null", Value::Null),
            Some(other) => Err(self.failure(&format!("expected a value, found '{other}'"))),
            None => Err(self.failure("expected a value, found the end of the text")),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.failure(&format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.next();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, Failure> {
        let mut map = Map::new();
        self.skip_space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Object(map));
        }
        loop {
            self.skip_space();
            if self.peek() != Some('"') {
                return Err(self.failure("expected a name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(':', "expected ':' after the name")?;
            self.skip_space();
            let length = self.path.len();
            self.path.push('/');
            self.path.push_str(&name);
            let value = self.value()?;
            self.path.truncate(length);
            map.insert(name, value);
            self.skip_space();
            match self.peek() {
                Some(',') => {
                    self.next();
                }
                Some('}') => {
                    self.next();
                    break;
                }
                _ => return Err(self.failure("expected ',' or '}'")),
            }
        }
        Ok(Value::Object(map))
    }

    fn array(&mut self) -> Result<Value, Failure> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Value::Array(items));
        }
        loop {
            self.skip_space();
            let length = self.path.len();
            self.path.push_str(&format!("/{}", items.len()));
            let value = self.value()?;
            self.path.truncate(length);
            items.push(value);
            self.skip_space();
            match self.peek() {
                Some(',') => {
                    self.next();
                }
                Some(']') => {
                    self.next();
                    break;
                }
                _ => return Err(self.failure("expected ',' or ']'")),
            }
        }
        Ok(Value::Array(items))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Failure> {
        if !self.rest.starts_with(word) {
            return Err(self.failure("expected a value"));
        }
        for _ in 0..word.len() {
            self.next();
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Failure> {
        let at = self.here();
        let length = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let text = self.rest[..length].to_owned();
        for _ in 0..length {
            self.next();
        }
        let number: Result<Number, _> = serde_json::from_str(&text);
        number.map(Value::Number).map_err(|_| (at, format!("'{text}' is not a number")))
    }

    fn string(&mut self) -> Result<String, Failure> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.failure("the string does not end")),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(character) if character < ' ' => {
                    return Err(self.failure("a control character in a string has to be escaped"));
                }
                Some(character) => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Failure> {
        Ok(match self.next() {
            Some('"') => '"',
            Some('\\') => '\\',
            Some('/') => '/',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(),
            _ => return Err(self.failure("unknown escape in a string")),
        })
    }

    fn unicode(&mut self) -> Result<char, Failure> {
        let first = self.four_digits()?;
        if (0xd800..0xdc00).contains(&first) && self.rest.starts_with("\\u") {
            self.next();
            self.next();
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        // Half of a pair is no character.
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32, Failure> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|character| character.to_digit(16));
            let digit =
                digit.ok_or_else(|| self.failure("expected four hexadecimal digits after \\u"))?;
            code = code * 16 + digit;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_reads() {
        let text = r#" {"a": [1, -2.5, 1e3, true, false, null, {}, []], "b": "x\n\u00e9\ud83d\ude00\"", "": ""} "#;
        let (value, _) = read(text).expect("JSON");
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(value, expected);
    }

    #[test]
    fn every_value_has_its_place() {
        let (_, positions) = read("{\n \"a\": [\n  1,\n  {\"b\": 2}]}").expect("JSON");
        let at = |path: &str| positions[path].to_string();
        assert_eq!(at(""), "1:1");
        assert_eq!(at("/a"), "2:7");
        assert_eq!(at("/a/0"), "3:3");
        assert_eq!(at("/a/1/b"), "4:9");
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, place, part) in [
            ("", "1:1", "end of the text"),
            ("{\"a\": }", "1:7", "found '}'"),
            ("{\"a\" 1}", "1:6", "':'"),
            ("{\n\"a\": 1,\n}", "3:1", "double quotes"),
            ("[1 2]", "1:4", "',' or ']'"),
            ("[01]", "1:2", "not a number"),
            ("[tru]", "1:2", "expected a value"),
            ("{} x", "1:4", "more after"),
            ("\"a", "1:3", "does not end"),
            ("\"\\q\"", "1:4", "unknown escape"),
            ("\"\\u12g4\"", "1:7", "hexadecimal"),
            ("\"\n\"", "2:1", "control character"),
        ] {
            let (position, message) = read(text).expect_err(text);
            assert_eq!(position.to_string(), place, "{text}: {message}");
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(read(&"[".repeat(100_000)).expect_err("deep").1.contains("nested deeper"));
    }
}
