//! Unary tests: what stands in the cells of decision tables and behind `in`.

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::Value;
use crate::node::{Kind, Node, Span, TestCompare, TestValue, Tests};

impl Parser<'_> {
    /// `-`, `not(tests)` or tests separated by commas.
    pub(super) fn unary_tests(&mut self) -> Parsed {
        if self.peek() == TokenKind::Minus && self.peek_ahead(1) == TokenKind::End {
            let token = self.advance();
            let kind = Kind::Literal(Value::Boolean(true));
            return Ok(Node { kind, span: self.span(token) });
        }
        self.nested(
            |parser| {
                if parser.is_negation() { parser.negation() } else { parser.tests(false, 0) }
            },
        )
    }

    /// Whether `not(` begins tests that are negated, and not an expression such as `not(a) and b`:
    /// then nothing but the end follows the closing parenthesis.
    fn is_negation(&self) -> bool {
        if !self.is_keyword("not") || self.peek_ahead(1) != TokenKind::ParenOpen {
            return false;
        }
        let mut open = 0usize;
        for ahead in 1.. {
            match self.peek_ahead(ahead) {
                TokenKind::ParenOpen => open += 1,
                TokenKind::ParenClose => open = open.saturating_sub(1),
                TokenKind::End => return false,
                _ => {}
            }
            if open == 0 {
                let next = self.token(ahead + 1);
                let operator = next.kind == TokenKind::Name
                    && matches!(self.text_of(next), "and" | "or" | "between" | "in" | "instance");
                return !operator
                    && matches!(
                        next.kind,
                        TokenKind::End | TokenKind::ParenClose | TokenKind::Comma | TokenKind::Name
                    );
            }
        }
        false
    }

    fn negation(&mut self) -> Parsed {
        let start = self.advance().start;
        self.expect(TokenKind::ParenOpen, "'('")?;
        let tests = self.bracketed(|parser| parser.tests(true, start))?;
        self.expect(TokenKind::ParenClose, "')' or ','")?;
        Ok(tests)
    }

    /// Tests separated by commas; one must hold, or none if negated.
    fn tests(&mut self, negated: bool, start: u32) -> Parsed {
        let first = self.test()?;
        if !negated && self.peek() != TokenKind::Comma {
            return Ok(first);
        }
        let start = if negated { start } else { first.span.start };
        let mut tests = vec![first];
        while self.eat(TokenKind::Comma) {
            tests.push(self.test()?);
        }
        let kind = Kind::Tests(Box::new(Tests { negated, tests: tests.into() }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    /// What follows `in`: one test, or several in parentheses.
    pub(super) fn test_behind_in(&mut self) -> Parsed {
        if self.is_negation() {
            return self.negation();
        }
        if self.peek() == TokenKind::ParenOpen && !self.is_open_range() {
            self.advance();
            let tests = self.bracketed(|parser| parser.tests(false, 0))?;
            self.expect(TokenKind::ParenClose, "')' or ','")?;
            return Ok(tests);
        }
        if let Some(test) = self.operator_test()? {
            return Ok(test);
        }
        let value = self.arithmetic(0)?;
        Ok(self.value_test(value))
    }

    /// Whether the parenthesis here begins a range such as `(1..2)`.
    fn is_open_range(&self) -> bool {
        let mut open = 0usize;
        for ahead in 0.. {
            match self.peek_ahead(ahead) {
                TokenKind::ParenOpen | TokenKind::BraceOpen | TokenKind::BracketOpen => open += 1,
                TokenKind::ParenClose | TokenKind::BraceClose | TokenKind::BracketClose => {
                    open = open.saturating_sub(1);
                }
                TokenKind::DotDot if open == 1 => return true,
                TokenKind::Comma if open == 1 => return false,
                TokenKind::End => return false,
                _ => {}
            }
            if open == 0 {
                return false;
            }
        }
        false
    }

    fn test(&mut self) -> Parsed {
        if let Some(test) = self.operator_test()? {
            return Ok(test);
        }
        if self.peek() == TokenKind::ParenOpen && self.comparison_behind_parenthesis() {
            self.advance();
            let test = self.bracketed(Parser::test)?;
            self.expect(TokenKind::ParenClose, "')'")?;
            return Ok(test);
        }
        let value = self.expression()?;
        Ok(self.value_test(value))
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

    fn value_test(&mut self, value: Node) -> Node {
        let span = value.span;
        let input = self.input(span);
        Node { kind: Kind::TestValue(Box::new(TestValue { input, value })), span }
    }

    /// The input of the tests: `?` of the table, or the value in front of `in`.
    fn input(&mut self, span: Span) -> Node {
        self.scope.resolve_input(span)
    }
}
