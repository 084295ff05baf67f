//! Unary tests: what stands in the cells of decision tables and behind `in`.

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::Value;
use crate::node::{Comparison, Kind, Node, Span, TestCompare, TestValue, Tests};

impl Parser<'_> {
    /// `-`, `not(tests)` or tests separated by commas.
    pub(super) fn unary_tests(&mut self) -> Parsed {
        if self.peek() == TokenKind::Minus && self.peek_ahead(1) == TokenKind::End {
            let token = self.advance();
            let kind = Kind::Literal(Value::Boolean(true));
            return Ok(Node { kind, span: self.span(token) });
        }
        if self.is_negation() { self.negation() } else { self.tests(false, 0) }
    }

    /// Whether `not(` begins tests that are negated, and not an expression such as `not(a) and b`:
    /// then nothing but the end follows the closing parenthesis.
    fn is_negation(&mut self) -> bool {
        if !self.is_keyword("not") || self.peek_ahead(1) != TokenKind::ParenOpen {
            return false;
        }
        let Some(close) = self.closing_parenthesis(1) else { return false };
        let next = self.token(close + 1);
        let operator = next.kind == TokenKind::Name
            && matches!(self.text_of(next), "and" | "or" | "between" | "in" | "instance");
        !operator
            && matches!(
                next.kind,
                TokenKind::End | TokenKind::ParenClose | TokenKind::Comma | TokenKind::Name
            )
    }

    /// How far ahead the parenthesis is that closes the one at `ahead`.
    fn closing_parenthesis(&mut self, ahead: usize) -> Option<usize> {
        if self.closing.is_empty() {
            self.closing = vec![None; self.tokens.len()];
            let mut open = Vec::new();
            for (index, token) in self.tokens.iter().enumerate() {
                match token.kind {
                    TokenKind::ParenOpen => open.push(index),
                    TokenKind::ParenClose => {
                        let closing = open.pop().and_then(|index| self.closing.get_mut(index));
                        if let Some(closing) = closing {
                            *closing = Some(index as u32);
                        }
                    }
                    _ => {}
                }
            }
        }
        let close = (*self.closing.get(self.at + ahead)?)? as usize;
        close.checked_sub(self.at)
    }

    fn negation(&mut self) -> Parsed {
        let start = self.advance().start;
        self.expect(TokenKind::ParenOpen, "'('")?;
        let tests = self.enclosed_tests(true, start)?;
        self.expect(TokenKind::ParenClose, "')' or ','")?;
        Ok(tests)
    }

    /// Tests in parentheses, where `[` begins a filter again.
    fn enclosed_tests(&mut self, negated: bool, start: u32) -> Parsed {
        self.enter()?;
        let filters_allowed = std::mem::replace(&mut self.filters_allowed, true);
        let tests = self.tests(negated, start);
        self.filters_allowed = filters_allowed;
        self.depth -= 1;
        tests
    }

    /// Tests separated by commas; one must hold, or none if negated.
    fn tests(&mut self, negated: bool, start: u32) -> Parsed {
        let first = self.test(negated)?;
        if !negated && self.peek() != TokenKind::Comma {
            return Ok(first);
        }
        let start = if negated { start } else { first.span.start };
        let mut tests = vec![first];
        while self.eat(TokenKind::Comma) {
            tests.push(self.test(negated)?);
        }
        let kind = Kind::Tests(Box::new(Tests { negated, tests: tests.into() }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    /// What follows `in`: one test, or several in parentheses.
    pub(super) fn test_behind_in(&mut self) -> Parsed {
        if self.is_negation() {
            return self.negation();
        }
        if self.peek() == TokenKind::ParenOpen {
            let start = self.advance().start;
            self.enter()?;
            let filters_allowed = std::mem::replace(&mut self.filters_allowed, true);
            let test = self.range_or_tests(start)?;
            self.filters_allowed = filters_allowed;
            self.depth -= 1;
            return Ok(test);
        }
        if let Some(test) = self.operator_test()? {
            return Ok(test);
        }
        let value = match self.is_dmn() {
            true => self.arithmetic(0)?,
            false => self.comparison()?,
        };
        Ok(self.equality_or_value_test(value))
    }

    /// Behind `(`: the rest of a range such as `(1..2)`, or tests and `)`.
    fn range_or_tests(&mut self, start: u32) -> Parsed {
        let begins_test = self.comparison_operator().is_some()
            || (self.peek() == TokenKind::ParenOpen && self.comparison_behind_parenthesis());
        let mut tests = Vec::with_capacity(1);
        if !begins_test {
            let value = self.expression()?;
            if self.peek() == TokenKind::DotDot {
                let range = self.range(start, false, value)?;
                return Ok(self.value_test(range));
            }
            tests.push(self.equality_or_value_test(value));
        } else {
            tests.push(self.test(false)?);
        }
        while self.eat(TokenKind::Comma) {
            tests.push(self.test(false)?);
        }
        self.expect(TokenKind::ParenClose, "')' or ','")?;
        let kind = Kind::Tests(Box::new(Tests { negated: false, tests: tests.into() }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn test(&mut self, negated: bool) -> Parsed {
        if let Some(test) = self.operator_test()? {
            return Ok(test);
        }
        if self.peek() == TokenKind::ParenOpen && self.comparison_behind_parenthesis() {
            self.advance();
            let test = self.enclosed_tests(false, 0)?;
            self.expect(TokenKind::ParenClose, "')'")?;
            return Ok(test);
        }
        let value = self.expression()?;
        Ok(if negated { self.value_test(value) } else { self.equality_or_value_test(value) })
    }

    /// Whether this is `(< 5)`.
    fn comparison_behind_parenthesis(&self) -> bool {
        matches!(
            self.peek_ahead(1),
            TokenKind::Less
                | TokenKind::LessEqual
                | TokenKind::Greater
                | TokenKind::GreaterEqual
                | TokenKind::Equal
                | TokenKind::NotEqual
        )
    }

    /// `< 5` and the like.
    fn operator_test(&mut self) -> Parsed<Option<Node>> {
        let Some(comparison) = self.comparison_operator() else { return Ok(None) };
        let start = self.advance().start;
        let bound = self.arithmetic(0)?;
        let input = self.input(self.span_from(start));
        let kind = Kind::TestCompare(comparison, Box::new(TestCompare { input, bound }));
        Ok(Some(Node { kind, span: self.span_from(start) }))
    }

    /// A test by an expression; a literal boolean is the value to equal, any other expression that
    /// is true is a condition that holds.
    fn equality_or_value_test(&mut self, value: Node) -> Node {
        if !matches!(value.literal(), Some(Value::Boolean(_))) {
            return self.value_test(value);
        }
        let span = value.span;
        let test = TestCompare { input: self.input(span), bound: value };
        Node { kind: Kind::TestCompare(Comparison::Equal, Box::new(test)), span }
    }

    fn value_test(&mut self, value: Node) -> Node {
        let span = value.span;
        let reads_input = self.reads_input(span);
        let input = self.input(span);
        Node { kind: Kind::TestValue(Box::new(TestValue { input, value, reads_input })), span }
    }

    /// Whether `?` is in the text of the test.
    fn reads_input(&self, span: Span) -> bool {
        let behind = self.tokens.get(..self.at).unwrap_or(&self.tokens);
        let of_test = behind.iter().rev().take_while(|token| token.start >= span.start);
        of_test.into_iter().any(|token| token.kind == TokenKind::Question)
    }

    /// The input of the tests: `?` of the table, or the value in front of `in`.
    fn input(&mut self, span: Span) -> Node {
        self.scope.resolve_input(span)
    }
}
