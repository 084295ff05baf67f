//! Literals, and the constructs that bind names: contexts, functions, `for`, `some`, `every`, `if`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lexer::{Kind as TokenKind, unescape};
use super::{Parsed, Parser};
use crate::node::{
    ContextEntry, For, FunctionBody, FunctionLiteral, Iterator, Kind, Node, Quantified,
};
use crate::{Context, Type, Value, temporal};

impl Parser<'_> {
    pub(super) fn number_literal(&mut self) -> Parsed {
        let token = self.token(0);
        match self.text_of(token).parse() {
            Ok(number) => {
                self.advance();
                Ok(Node { kind: Kind::Literal(Value::Number(number)), span: self.span(token) })
            }
            Err(_) => Err(self.expected("a number of at most 8191 digits")),
        }
    }

    fn text_of_literal(&mut self) -> String {
        let token = self.advance();
        let text = self.text_of(token);
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or("");
        unescape(inner)
    }

    pub(super) fn text_literal(&mut self) -> Node {
        let span = self.span(self.token(0));
        let text = self.text_of_literal();
        Node { kind: Kind::Literal(text.into()), span }
    }

    /// `@"..."`: a date, time, date-time or duration; null if the text is none of them.
    pub(super) fn at_literal(&mut self) -> Parsed {
        let start = self.advance().start;
        if self.peek() != TokenKind::Text {
            return Err(self.expected("a string behind '@'"));
        }
        let text = self.text_of_literal();
        let value = temporal::at_literal(&text, self.syntax.dialect).unwrap_or(Value::Null);
        Ok(Node { kind: Kind::Literal(value), span: self.span_from(start) })
    }

    pub(super) fn keyword_literal(&mut self, keyword: &str) -> Node {
        let token = self.advance();
        let value = match keyword {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => Value::Null,
        };
        Node { kind: Kind::Literal(value), span: self.span(token) }
    }

    /// `[1, 2]` or a range that includes its start.
    pub(super) fn list_or_range(&mut self) -> Parsed {
        let start = self.advance().start;
        if self.eat(TokenKind::BracketClose) {
            let kind = Kind::Literal(Vec::new().into());
            return Ok(Node { kind, span: self.span_from(start) });
        }
        let first = self.enclosed()?;
        if self.peek() == TokenKind::DotDot {
            return self.range(start, true, first);
        }
        let mut elements = vec![first];
        while self.eat(TokenKind::Comma) {
            elements.push(self.enclosed()?);
        }
        self.expect(TokenKind::BracketClose, "']' or ','")?;
        let literals: Option<Vec<Value>> =
            elements.iter().map(|element| element.literal().cloned()).collect();
        let kind = match literals {
            Some(values) => Kind::Literal(values.into()),
            None => Kind::List(elements.into()),
        };
        Ok(Node { kind, span: self.span_from(start) })
    }

    pub(super) fn context_literal(&mut self) -> Parsed {
        let start = self.advance().start;
        let mark = self.scope.mark();
        let mut entries = Vec::new();
        let mut more = !self.eat(TokenKind::BraceClose);
        while more {
            let key = self.key()?;
            self.expect(TokenKind::Colon, "':'")?;
            let slot = self.scope.slot();
            let value = self.enclosed()?;
            self.scope.bind(Arc::clone(&key), slot);
            if self.is_dmn() {
                self.keys.insert(&key);
            }
            entries.push(ContextEntry { key, slot, value });
            more = self.eat(TokenKind::Comma);
            if !more {
                self.expect(TokenKind::BraceClose, "'}' or ','")?;
            }
        }
        self.scope.release(mark);
        if self.is_dmn() && has_key_twice(&entries) {
            let kind = Kind::Invalid("A key of the context is there twice".into());
            return Ok(Node { kind, span: self.span_from(start) });
        }
        let literals: Option<Vec<(Arc<str>, Value)>> = entries
            .iter()
            .map(|entry| Some((Arc::clone(&entry.key), entry.value.literal()?.clone())))
            .collect();
        let kind = match literals {
            Some(entries) => Kind::Literal(Value::Context(Context::from(entries))),
            None => Kind::Context(entries.into()),
        };
        Ok(Node { kind, span: self.span_from(start) })
    }

    /// The key of an entry: a string, a name, or several words up to the colon.
    pub(super) fn key(&mut self) -> Parsed<Arc<str>> {
        match self.peek() {
            TokenKind::Text => return Ok(self.text_of_literal().into()),
            TokenKind::Quoted => return self.name("a key"),
            _ => {}
        }
        let mut key = String::new();
        let mut end = self.token(0).start;
        loop {
            let token = self.token(0);
            let is_part = match token.kind {
                TokenKind::Name => true,
                TokenKind::Question if self.is_dmn() => true,
                TokenKind::StarStar if self.is_dmn() => !key.is_empty(),
                TokenKind::Symbol
                | TokenKind::Number
                | TokenKind::Plus
                | TokenKind::Minus
                | TokenKind::Star
                | TokenKind::Slash
                | TokenKind::Dot => !key.is_empty(),
                _ => false,
            };
            if !is_part {
                break;
            }
            if token.start > end {
                key.push(' ');
            }
            key.push_str(self.text_of(token));
            end = token.end;
            self.advance();
        }
        if key.is_empty() { Err(self.expected("a key")) } else { Ok(key.into()) }
    }

    pub(super) fn if_then_else(&mut self) -> Parsed {
        let start = self.advance().start;
        let condition = self.expression()?;
        self.expect_keyword("then")?;
        let then = self.expression()?;
        self.expect_keyword("else")?;
        let otherwise = self.expression()?;
        let kind = Kind::If(Box::new([condition, then, otherwise]));
        Ok(Node { kind, span: self.span_from(start) })
    }

    pub(super) fn for_return(&mut self) -> Parsed {
        let start = self.advance().start;
        let mark = self.scope.mark();
        let partial = self.scope.slot();
        self.scope.bind("partial".into(), partial);
        let iterators = self.iterators()?;
        self.expect_keyword("return")?;
        let body = self.expression()?;
        let partial = self.scope.is_used("partial").then_some(partial);
        self.scope.release(mark);
        let kind = Kind::For(Box::new(For { iterators: iterators.into(), body, partial }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    pub(super) fn quantified(&mut self, every: bool) -> Parsed {
        let start = self.advance().start;
        let mark = self.scope.mark();
        let iterators = self.iterators()?;
        self.expect_keyword("satisfies")?;
        let condition = self.expression()?;
        self.scope.release(mark);
        let quantified = Quantified { every, iterators: iterators.into(), condition };
        Ok(Node { kind: Kind::Quantified(Box::new(quantified)), span: self.span_from(start) })
    }

    /// `x in list, y in 1..10`; later domains see the names of earlier iterators.
    fn iterators(&mut self) -> Parsed<Vec<Iterator>> {
        let mut iterators = Vec::new();
        loop {
            let name = match self.is_dmn() {
                true => self.bound_name("the name of an iterator", "in")?,
                false => self.name("the name of an iterator")?,
            };
            self.expect_keyword("in")?;
            let slot = self.scope.slot();
            let domain = self.expression()?;
            let end = match self.eat(TokenKind::DotDot) {
                true => Some(self.expression()?),
                false => None,
            };
            self.scope.bind(name, slot);
            iterators.push(Iterator { slot, domain, end });
            if !self.eat(TokenKind::Comma) {
                return Ok(iterators);
            }
        }
    }

    pub(super) fn function_literal(&mut self) -> Parsed {
        let start = self.advance().start;
        self.expect(TokenKind::ParenOpen, "'('")?;
        self.scope.enter_function();
        let (parameters, parameter_types) = self.parameters()?;
        let is_external = self.is_keyword("external") && self.peek_ahead(1) == TokenKind::BraceOpen;
        if is_external && self.is_dmn() {
            self.advance();
        } else if is_external {
            return Err(
                self.expected("the body of the function in FEEL (external functions are off)")
            );
        }
        let filters_allowed = std::mem::replace(&mut self.filters_allowed, true);
        let body = self.expression();
        self.filters_allowed = filters_allowed;
        let mut body = body?;
        if is_external {
            body.kind = Kind::Invalid("Functions of Java or PMML cannot be called".into());
        }
        let (frame_slots, captures) = self.scope.leave_function();
        let body = Arc::new(FunctionBody {
            parameters: parameters.into(),
            parameter_types: parameter_types.into(),
            frame_slots,
            body,
            text: Arc::clone(&self.text),
        });
        let literal = FunctionLiteral { body, captures: captures.into() };
        Ok(Node { kind: Kind::Function(Box::new(literal)), span: self.span_from(start) })
    }

    /// Parameters behind `(` and their types (none if none is declared), each in a slot of the function's frame, up to `)`.
    fn parameters(&mut self) -> Parsed<(Vec<Arc<str>>, Vec<Type>)> {
        let (mut parameters, mut types) = (Vec::new(), Vec::new());
        if self.eat(TokenKind::ParenClose) {
            return Ok((parameters, types));
        }
        loop {
            let name = self.key()?;
            let declared = match self.eat(TokenKind::Colon) {
                true => self.type_name()?,
                false => Type::any(),
            };
            // In Camunda's dialect types of parameters are documentation.
            types.push(if self.is_dmn() { declared } else { Type::any() });
            let slot = self.scope.slot();
            self.scope.bind(Arc::clone(&name), slot);
            parameters.push(name);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::ParenClose, "')' or ','")?;
        if types.iter().all(Type::is_any) {
            types.clear();
        }
        Ok((parameters, types))
    }
}

fn has_key_twice(entries: &[ContextEntry]) -> bool {
    let mut seen = BTreeSet::new();
    !entries.iter().all(|entry| seen.insert(&*entry.key))
}
