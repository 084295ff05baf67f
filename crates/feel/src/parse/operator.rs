//! Operators by precedence: `or`, `and`, comparisons, `+ -`, `* /`, `**`.

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::node::{Arithmetic, Comparison, In, InstanceOf, Kind, Node, Operator};

/// Precedences of arithmetic, loosest first.
const ADDITIVE: u8 = 0;
const MULTIPLICATIVE: u8 = 1;
const POWER: u8 = 2;

impl Parser<'_> {
    /// An expression of any kind.
    pub(super) fn expression(&mut self) -> Parsed {
        self.enter()?;
        let parsed = match self.is_dmn() && self.comparison_operator().is_some() {
            true => self.unary_range(),
            false => self.disjunction(),
        };
        self.depth -= 1;
        parsed
    }

    /// `< 5` where a value is expected: a range.
    fn unary_range(&mut self) -> Parsed {
        let operator = self.comparison_operator();
        let start = self.advance().start;
        let bound = self.arithmetic(ADDITIVE)?;
        let kind = match operator {
            Some(operator) => Kind::UnaryRange(operator, Box::new(bound)),
            None => bound.kind,
        };
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn disjunction(&mut self) -> Parsed {
        let first = self.conjunction()?;
        if !self.is_keyword("or") {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first];
        while self.eat_keyword("or") {
            parts.push(self.conjunction()?);
        }
        Ok(Node { kind: Kind::Or(parts.into()), span: self.span_from(start) })
    }

    fn conjunction(&mut self) -> Parsed {
        let first = self.comparison()?;
        if !self.is_keyword("and") {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first];
        while self.eat_keyword("and") {
            parts.push(self.comparison()?);
        }
        Ok(Node { kind: Kind::And(parts.into()), span: self.span_from(start) })
    }

    /// In Camunda's dialect at most one comparison; in DMN's all operators are left-associative.
    pub(super) fn comparison(&mut self) -> Parsed {
        let mut left = self.arithmetic(ADDITIVE)?;
        if !self.is_dmn() {
            return self.compared(left);
        }
        // Each comparison nests the tree one level deeper.
        let depth = self.depth;
        while self.begins_comparison() {
            left = self.compared(left)?;
            self.enter()?;
        }
        self.depth = depth;
        Ok(left)
    }

    fn begins_comparison(&self) -> bool {
        self.comparison_operator().is_some()
            || matches!(self.name_ahead(0), Some("between" | "in"))
            || (self.is_keyword("instance") && self.name_ahead(1) == Some("of"))
    }

    /// The operand with the comparison that follows it, if any.
    fn compared(&mut self, left: Node) -> Parsed {
        let start = left.span.start;
        if let Some(comparison) = self.comparison_operator() {
            self.advance();
            let right = self.arithmetic(ADDITIVE)?;
            let kind = Kind::Compare(comparison, Box::new([left, right]));
            return Ok(Node { kind, span: self.span_from(start) });
        }
        match self.name_ahead(0) {
            Some("between") => self.between(left),
            Some("in") => self.membership(left),
            Some("instance") if self.name_ahead(1) == Some("of") => self.instance_of(left),
            _ => Ok(left),
        }
    }

    pub(super) fn comparison_operator(&self) -> Option<Comparison> {
        Some(match self.peek() {
            TokenKind::Equal => Comparison::Equal,
            TokenKind::NotEqual => Comparison::NotEqual,
            TokenKind::Less => Comparison::Less,
            TokenKind::LessEqual => Comparison::LessEqual,
            TokenKind::Greater => Comparison::Greater,
            TokenKind::GreaterEqual => Comparison::GreaterEqual,
            _ => return None,
        })
    }

    fn between(&mut self, value: Node) -> Parsed {
        let start = value.span.start;
        self.advance();
        let lower = self.arithmetic(ADDITIVE)?;
        self.expect_keyword("and")?;
        let upper = self.arithmetic(ADDITIVE)?;
        let kind = Kind::Between(Box::new([value, lower, upper]));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn membership(&mut self, value: Node) -> Parsed {
        let start = value.span.start;
        self.advance();
        let mark = self.scope.mark();
        let slot = self.scope.slot();
        self.scope.bind("?".into(), slot);
        self.enter()?;
        let test = self.test_behind_in()?;
        self.depth -= 1;
        self.scope.release(mark);
        let kind = Kind::In(Box::new(In { value, slot, test }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    fn instance_of(&mut self, value: Node) -> Parsed {
        let start = value.span.start;
        self.advance();
        self.advance();
        let required = self.type_name()?;
        let kind = Kind::InstanceOf(Box::new(InstanceOf { value, required }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    /// Operands joined by operators of this precedence and tighter ones.
    pub(super) fn arithmetic(&mut self, precedence_min: u8) -> Parsed {
        let mut left = self.operand()?;
        while let Some((_, precedence)) = self.operator()
            && precedence >= precedence_min
        {
            left = self.chain(left, precedence)?;
        }
        Ok(left)
    }

    /// All operators of one precedence behind an operand, from left to right.
    fn chain(&mut self, first: Node, precedence: u8) -> Parsed {
        let start = first.span.start;
        let mut rest = Vec::with_capacity(1);
        while let Some((operator, found)) = self.operator()
            && found == precedence
        {
            self.advance();
            rest.push((operator, self.arithmetic(precedence + 1)?));
        }
        let kind = Kind::Arithmetic(Box::new(Arithmetic { first, rest: rest.into() }));
        Ok(Node { kind, span: self.span_from(start) })
    }

    /// The operator here and its precedence.
    fn operator(&self) -> Option<(Operator, u8)> {
        match self.peek() {
            TokenKind::Plus => Some((Operator::Add, ADDITIVE)),
            TokenKind::Minus => Some((Operator::Subtract, ADDITIVE)),
            TokenKind::Star => Some((Operator::Multiply, MULTIPLICATIVE)),
            TokenKind::Slash => Some((Operator::Divide, MULTIPLICATIVE)),
            TokenKind::StarStar => Some((Operator::Power, POWER)),
            _ => None,
        }
    }
}
