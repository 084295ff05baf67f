//! Operands: literals, names, calls, brackets, and what follows them (paths, filters).

use std::sync::Arc;

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::builtin;
use crate::node::{BuiltinCall, Filter, Invoke, Kind, Node, Path, RangeLiteral, Span};

/// Words that cannot be a name of a variable, unless in backticks.
const RESERVED: [&str; 8] = ["and", "or", "in", "then", "else", "return", "satisfies", "function"];

/// Whether the word continues an expression behind an operand.
pub(super) fn is_operator_word(word: &str) -> bool {
    matches!(word, "between" | "instance" | "of") || RESERVED.contains(&word)
}

/// Words of the longest name of a built-in function.
const BUILTIN_WORDS_MAX: usize = 5;

impl Parser<'_> {
    /// An operand with its sign and whatever follows it.
    pub(super) fn operand(&mut self) -> Parsed {
        if self.peek() != TokenKind::Minus {
            return self.operand_with_suffixes();
        }
        let start = self.advance().start;
        self.enter()?;
        let operand = self.operand()?;
        self.depth -= 1;
        let span = self.span_from(start);
        let kind = match operand.literal().and_then(crate::Value::as_number) {
            Some(number) => Kind::Literal(number.negate().into()),
            None => Kind::Negate(Box::new(operand)),
        };
        Ok(Node { kind, span })
    }

    fn operand_with_suffixes(&mut self) -> Parsed {
        let mut node = self.primary()?;
        // Each suffix nests the tree one level deeper.
        let depth = self.depth;
        loop {
            node = match self.peek() {
                TokenKind::Dot => self.path(node)?,
                TokenKind::BracketOpen if self.filters_allowed => self.filter(node)?,
                TokenKind::ParenOpen => self.invoke_value(node)?,
                _ => break,
            };
            self.enter()?;
        }
        self.depth = depth;
        Ok(node)
    }

    fn path(&mut self, target: Node) -> Parsed {
        self.advance();
        let start = target.span.start;
        let key: Arc<str> = if self.is_dmn() {
            self.key_of_path()?
        } else if self.is_keyword("time") && self.name_ahead(1) == Some("offset") {
            self.at += 2;
            "time offset".into()
        } else {
            self.name("a name behind '.'")?
        };
        let kind = Kind::Path(Box::new(Path { target, key }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn filter(&mut self, target: Node) -> Parsed {
        self.advance();
        let start = target.span.start;
        let mark = self.scope.mark();
        let slot = self.scope.slot();
        self.scope.bind_item(slot);
        self.filters += 1;
        let condition = self.enclosed()?;
        self.filters -= 1;
        self.scope.release(mark);
        self.expect(TokenKind::BracketClose, "']'")?;
        let kind = Kind::Filter(Box::new(Filter { target, slot, condition }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn invoke_value(&mut self, target: Node) -> Parsed {
        let start = target.span.start;
        let name = match &target.kind {
            Kind::Path(path) => path.key.to_string(),
            Kind::Global(_) | Kind::Local(_) | Kind::Captured(_) | Kind::Scoped(_) => {
                let span = target.span.start as usize..target.span.end as usize;
                self.source.get(span).unwrap_or("").trim_matches('`').to_string()
            }
            _ => "function".to_string(),
        };
        let (names, arguments) = self.arguments()?;
        let kind = Kind::Invoke(Box::new(Invoke {
            target,
            name: name.into(),
            arguments: arguments.into(),
            names: names.into(),
        }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn primary(&mut self) -> Parsed {
        match self.peek() {
            TokenKind::Number => self.number_literal(),
            TokenKind::Text => Ok(self.text_literal()),
            TokenKind::At => self.at_literal(),
            TokenKind::Question => {
                if self.is_dmn()
                    && let Some(variable) = self.declared_variable()
                {
                    return Ok(variable);
                }
                let token = self.advance();
                let span = self.span(token);
                Ok(self.scope.resolve("?", span))
            }
            TokenKind::Quoted => Ok(self.variable()),
            TokenKind::Name => self.name_or_keyword(),
            TokenKind::ParenOpen => self.parenthesis(),
            TokenKind::BracketOpen => self.list_or_range(),
            TokenKind::BracketClose => {
                let start = self.advance().start;
                let lower = self.enclosed()?;
                self.range(start, false, lower)
            }
            TokenKind::BraceOpen => self.context_literal(),
            _ => Err(self.expected("an expression")),
        }
    }

    fn variable(&mut self) -> Node {
        let token = self.advance();
        let span = self.span(token);
        self.scope.resolve(self.name_of(token), span)
    }

    /// The variable that is known under a name of several words, unless a built-in function has a
    /// name that is as long and is called here.
    fn declared_variable(&mut self) -> Option<Node> {
        let (name, end) = self.longest_name()?;
        if self.builtin_words().is_some_and(|words| self.at + words >= end)
            && !self.scope.is_bound(&name)
        {
            return None;
        }
        let start = self.token(0).start;
        self.at = end;
        let span = self.span_from(start);
        Some(self.scope.resolve(&name, span))
    }

    fn name_or_keyword(&mut self) -> Parsed {
        let name = self.name_ahead(0).unwrap_or("");
        if self.is_dmn()
            && let Some(variable) = self.declared_variable()
        {
            return Ok(variable);
        }
        match name {
            "null" | "true" | "false" => return Ok(self.keyword_literal(name)),
            "if" if self.begins_condition() => return self.if_then_else(),
            "for" | "some" | "every" if self.begins_iterator() => {
                return match name {
                    "for" => self.for_return(),
                    _ => self.quantified(name == "every"),
                };
            }
            "function" if self.peek_ahead(1) == TokenKind::ParenOpen => {
                return self.function_literal();
            }
            _ => {}
        }
        if let Some(words) = self.builtin_words() {
            return self.call(words);
        }
        if RESERVED.contains(&name) {
            return Err(self.expected("an expression"));
        }
        if let Some(words) = self.called_words() {
            return self.call(words);
        }
        if self.is_dmn()
            && let Some(words) = self.builtin_value_words()
        {
            let token = self.token(0);
            let name = self.words(words);
            self.at += words;
            let span = self.span_from(token.start);
            return Ok(self.scope.resolve(&name, span));
        }
        Ok(self.variable())
    }

    /// Whether `if` begins a condition; otherwise it is a variable of that name.
    fn begins_condition(&self) -> bool {
        !matches!(
            self.peek_ahead(1),
            TokenKind::End
                | TokenKind::ParenClose
                | TokenKind::BracketClose
                | TokenKind::BraceClose
                | TokenKind::Comma
                | TokenKind::Dot
                | TokenKind::Equal
                | TokenKind::NotEqual
                | TokenKind::Plus
        )
    }

    fn begins_iterator(&self) -> bool {
        // The first of the words is `for`, `some` or `every` itself.
        if self.is_dmn() && self.bound_name_length("in") > 1 {
            return true;
        }
        matches!(self.peek_ahead(1), TokenKind::Name | TokenKind::Quoted)
            && self.name_ahead(2) == Some("in")
    }

    /// How many words from here are the name of a built-in function in front of its arguments.
    fn builtin_words(&self) -> Option<usize> {
        let mut words = 1;
        while words < BUILTIN_WORDS_MAX && self.peek_ahead(words) == TokenKind::Name {
            words += 1;
        }
        if self.peek_ahead(words) != TokenKind::ParenOpen {
            return None;
        }
        builtin::exists(&self.words(words), self.syntax.dialect).then_some(words)
    }

    /// How many words from here are the name of a built-in function that is not called but meant as
    /// a value, if there are several.
    fn builtin_value_words(&self) -> Option<usize> {
        let mut words = 1;
        while words < BUILTIN_WORDS_MAX && self.peek_ahead(words) == TokenKind::Name {
            words += 1;
        }
        (2..=words).rev().find(|words| builtin::exists(&self.words(*words), self.syntax.dialect))
    }

    /// How many words from here are the name of a function that is none of the built-in ones. An
    /// expression that calls such a function is one: its value is null, with a warning.
    fn called_words(&self) -> Option<usize> {
        let mut words = 1;
        while self.name_ahead(words).is_some_and(|word| !is_operator_word(word)) {
            words += 1;
        }
        (self.peek_ahead(words) == TokenKind::ParenOpen).then_some(words)
    }

    /// So many words from here, joined by single spaces.
    pub(super) fn words(&self, count: usize) -> String {
        let words: Vec<&str> = (0..count).filter_map(|ahead| self.name_ahead(ahead)).collect();
        words.join(" ")
    }

    /// A call of a function by its name of so many words.
    fn call(&mut self, words: usize) -> Parsed {
        let start = self.token(0).start;
        let name = self.words(words);
        let name_span = self.span(self.token(0));
        self.at += words;
        let is_builtin = builtin::exists(&name, self.syntax.dialect) && !self.scope.is_bound(&name);
        let target = (!is_builtin).then(|| self.scope.resolve(&name, name_span));
        let (names, arguments) = self.arguments()?;
        let span = self.span_from(start);
        let kind = match target {
            Some(target) => Kind::Invoke(Box::new(Invoke {
                target,
                name: name.into(),
                arguments: arguments.into(),
                names: names.into(),
            })),
            None => self.builtin_call(&name, &names, arguments),
        };
        Ok(Node { kind, span })
    }

    fn builtin_call(&mut self, name: &str, names: &[Arc<str>], arguments: Vec<Node>) -> Kind {
        let missing = || Node { kind: Kind::Literal(crate::Value::Null), span: Span::default() };
        let dialect = self.syntax.dialect;
        let resolved = builtin::resolve(name, names, arguments, dialect, missing);
        let Some((overload, arguments)) = resolved else {
            return Kind::UnknownFunction(name.into());
        };
        self.impure |= overload.impure;
        Kind::Builtin(Box::new(BuiltinCall {
            overload,
            arguments: arguments.into(),
            regex: std::sync::OnceLock::new(),
        }))
    }

    /// Arguments in parentheses, with their names if they have names.
    fn arguments(&mut self) -> Parsed<(Vec<Arc<str>>, Vec<Node>)> {
        self.expect(TokenKind::ParenOpen, "'('")?;
        let (mut names, mut arguments) = (Vec::new(), Vec::new());
        if self.eat(TokenKind::ParenClose) {
            return Ok((names, arguments));
        }
        let named = self.begins_named_argument();
        loop {
            if named {
                if !self.begins_named_argument() {
                    return Err(self.expected("the name of an argument and ':'"));
                }
                names.push(self.key()?);
                self.expect(TokenKind::Colon, "':'")?;
            }
            arguments.push(self.enclosed()?);
            if self.eat(TokenKind::ParenClose) {
                return Ok((names, arguments));
            }
            self.expect(TokenKind::Comma, "',' or ')'")?;
        }
    }

    fn begins_named_argument(&self) -> bool {
        if self.is_dmn() {
            return self.bound_name_length(":") > 0;
        }
        if self.peek() == TokenKind::Quoted {
            return self.peek_ahead(1) == TokenKind::Colon;
        }
        let mut words = 0;
        while self.peek_ahead(words) == TokenKind::Name {
            words += 1;
        }
        words > 0 && self.peek_ahead(words) == TokenKind::Colon
    }

    /// `(expression)` or a range that excludes its start.
    fn parenthesis(&mut self) -> Parsed {
        let start = self.advance().start;
        let inner = self.enclosed()?;
        if self.peek() == TokenKind::DotDot {
            return self.range(start, false, inner);
        }
        self.expect(TokenKind::ParenClose, "')' or an operator")?;
        Ok(inner)
    }

    /// The rest of a range behind its lower bound.
    pub(super) fn range(&mut self, start: u32, start_included: bool, lower: Node) -> Parsed {
        self.expect(TokenKind::DotDot, "'..'")?;
        let filters_allowed = std::mem::replace(&mut self.filters_allowed, false);
        self.enter()?;
        let upper = self.arithmetic(0)?;
        self.depth -= 1;
        self.filters_allowed = filters_allowed;
        let end_included = match self.peek() {
            TokenKind::BracketClose => true,
            TokenKind::ParenClose | TokenKind::BracketOpen => false,
            _ => return Err(self.expected("']', ')' or '[' at the end of the range")),
        };
        self.advance();
        let span: Span = self.span_from(start);
        let range = RangeLiteral { start: lower, start_included, end: upper, end_included };
        Ok(Node { kind: Kind::Range(Box::new(range)), span })
    }
}
