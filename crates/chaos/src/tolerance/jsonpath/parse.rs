//! Reads JSON paths.

use serde_json::{Map, Number, Value};

use super::{Comparison, Condition, Function, Node, Operand, Step, Subscript};
use crate::limits::DEPTH_MAX;

/// Reads a path that begins at the root, and nothing after it.
pub(super) fn path(text: &str) -> Result<Node, String> {
    let mut reader = Reader { text, rest: text, depth: 0 };
    if !reader.take("$") {
        return Err(reader.failure("expected '$'"));
    }
    let steps = reader.steps()?;
    reader.space();
    if reader.rest.is_empty() {
        Ok(Node { from_root: true, steps })
    } else {
        Err(reader.failure("expected the end"))
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn failure(&self, message: &str) -> String {
        let at = self.text.len() - self.rest.len();
        format!("{message} at character {}", self.text[..at].chars().count() + 1)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn peek(&mut self) -> Option<char> {
        self.space();
        self.rest.chars().next()
    }

    /// Takes a symbol, if it comes next.
    fn take(&mut self, symbol: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take(symbol) { Ok(()) } else { Err(self.failure(&format!("expected '{symbol}'"))) }
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.failure("nested too deep"));
        }
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    fn steps(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        loop {
            let (descend, dotted) = if self.take("..") {
                (true, true)
            } else if self.take(".") {
                (false, true)
            } else {
                (false, false)
            };
            let bracket = self.peek() == Some('[');
            if bracket && (descend || !dotted) {
                steps.push(Step { descend, subscripts: self.bracket()? });
            } else if dotted {
                steps.push(Step { descend, subscripts: vec![self.bare()?] });
            } else {
                return Ok(steps);
            }
        }
    }

    /// A name, a function or `*` after a dot.
    fn bare(&mut self) -> Result<Subscript, String> {
        if self.take("*") {
            return Ok(Subscript::Wildcard);
        }
        let name = self.identifier().ok_or_else(|| self.failure("expected a name or '*'"))?;
        if self.peek() == Some('(') {
            return self.call(name);
        }
        Ok(Subscript::Name(name.to_owned()))
    }

    fn identifier(&mut self) -> Option<&'a str> {
        self.space();
        let is_name = |(index, c): (usize, char)| {
            c == '_' || c.is_ascii_alphabetic() || (index > 0 && c.is_ascii_digit())
        };
        let length =
            self.rest.char_indices().find(|at| !is_name(*at)).map_or(self.rest.len(), |(at, _)| at);
        let (name, rest) = self.rest.split_at(length);
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn call(&mut self, name: &str) -> Result<Subscript, String> {
        let function = match name {
            "charAt" => Function::CharAt,
            "entries" => Function::Entries,
            "keys" => Function::Keys,
            "length" => Function::Length,
            "substring" => Function::Substring,
            "values" => Function::Values,
            _ => return Err(format!("callable subscript '{name}' not found")),
        };
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.nested(Self::operand)?);
                if self.take(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        Ok(Subscript::Call(function, arguments))
    }

    fn bracket(&mut self) -> Result<Vec<Subscript>, String> {
        self.expect("[")?;
        let mut subscripts = Vec::new();
        loop {
            subscripts.push(self.nested(Self::subscript)?);
            if self.take("]") {
                return Ok(subscripts);
            }
            self.expect(",")?;
        }
    }

    fn subscript(&mut self) -> Result<Subscript, String> {
        match self.peek() {
            Some('*') => {
                self.take("*");
                Ok(Subscript::Wildcard)
            }
            Some('?') => {
                self.take("?");
                self.expect("(")?;
                let condition = self.nested(Self::any)?;
                self.expect(")")?;
                Ok(Subscript::Filter(condition))
            }
            Some('"' | '\'') => self.string().map(Subscript::Name),
            Some('$' | '@') => self.node().map(Subscript::Path),
            Some(':' | '-' | '0'..='9') => self.index_or_slice(),
            _ => {
                let name = self.identifier().ok_or_else(|| self.failure("expected a subscript"))?;
                self.call(name)
            }
        }
    }

    fn index_or_slice(&mut self) -> Result<Subscript, String> {
        let start = self.whole()?;
        if !self.take(":") {
            return start.map(Subscript::Index).ok_or_else(|| self.failure("expected a number"));
        }
        let end = self.whole()?;
        let step = if self.take(":") { self.whole()? } else { None };
        if step == Some(0) {
            return Err(self.failure("a slice takes steps"));
        }
        Ok(Subscript::Slice(start, end, step))
    }

    fn whole(&mut self) -> Result<Option<i64>, String> {
        if !matches!(self.peek(), Some('-' | '0'..='9')) {
            return Ok(None);
        }
        let number = self.number()?;
        number.as_i64().map(Some).ok_or_else(|| self.failure("expected a whole number"))
    }

    fn number(&mut self) -> Result<Number, String> {
        let length = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let number = serde_json::from_str(&self.rest[..length])
            .map_err(|_| self.failure("expected a number"))?;
        self.rest = &self.rest[length..];
        Ok(number)
    }

    /// The text between quotes as it stands there: escapes are not looked at.
    fn string(&mut self) -> Result<String, String> {
        let quote = self.peek().unwrap_or('"');
        let inner = &self.rest[quote.len_utf8()..];
        let mut escaped = false;
        for (at, character) in inner.char_indices() {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == quote {
                self.rest = &inner[at + quote.len_utf8()..];
                return Ok(inner[..at].to_owned());
            }
        }
        Err(self.failure("the text in quotes does not end"))
    }

    fn node(&mut self) -> Result<Node, String> {
        let from_root = self.take("$");
        if !from_root {
            self.expect("@")?;
        }
        Ok(Node { from_root, steps: self.steps()? })
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        let ends = |rest: &str| !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric());
        match self.rest.strip_prefix(word).filter(|rest| ends(rest)) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.all()?];
        while self.word("or") {
            conditions.push(self.all()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::Any(conditions) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.nested(Self::not)?];
        while self.word("and") {
            conditions.push(self.nested(Self::not)?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::All(conditions) })
    }

    fn not(&mut self) -> Result<Condition, String> {
        if self.word("not") {
            return Ok(Condition::Not(Box::new(self.nested(Self::not)?)));
        }
        if self.take("(") {
            let condition = self.nested(Self::any)?;
            self.expect(")")?;
            return Ok(condition);
        }
        let left = self.operand()?;
        let comparison = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("==", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("=", Comparison::Equal),
        ]
        .into_iter()
        .find(|(symbol, _)| self.take(symbol));
        match comparison {
            Some((_, comparison)) => Ok(Condition::Compare(left, comparison, self.operand()?)),
            None => Ok(Condition::Some(left)),
        }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.peek() {
            Some('$' | '@') => self.node().map(Operand::Path),
            _ => self.nested(Self::value).map(Operand::Value),
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some('"' | '\'') => self.string().map(Value::String),
            Some('-' | '0'..='9') => self.number().map(Value::Number),
            Some('[') => self.list(),
            Some('{') => self.map(),
            _ if self.word("true") => Ok(Value::Bool(true)),
            _ if self.word("false") => Ok(Value::Bool(false)),
            _ if self.word("null") => Ok(Value::Null),
            _ => Err(self.failure("expected a value")),
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.nested(Self::value)?);
            if self.take("]") {
                return Ok(Value::Array(items));
            }
            self.expect(",")?;
        }
    }

    fn map(&mut self) -> Result<Value, String> {
        self.expect("{")?;
        let mut map = Map::new();
        if self.take("}") {
            return Ok(Value::Object(map));
        }
        loop {
            if !matches!(self.peek(), Some('"' | '\'')) {
                return Err(self.failure("expected a name in quotes"));
            }
            let name = self.string()?;
            self.expect(":")?;
            let value = self.nested(Self::value)?;
            map.insert(name, value);
            if self.take("}") {
                return Ok(Value::Object(map));
            }
            self.expect(",")?;
        }
    }
}
