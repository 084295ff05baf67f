//! From text to a [`Program`]: a lexer and a precedence-climbing parser that needs no variables.

mod lexer;
mod literal;
mod names;
mod operand;
mod operator;
mod phrase;
mod scope;
mod tests_of_input;
mod types;

use std::sync::Arc;

use lexer::{Kind as TokenKind, Token};
use names::Phrases;
pub use names::{Names, Syntax};
use scope::Scope;

use crate::ParseError;
use crate::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};
use crate::node::{Node, Program, Span};

/// Parses an expression.
pub(crate) fn expression(text: &str, syntax: &Syntax<'_>) -> Result<Program, ParseError> {
    let parsed = Parser::new(text, syntax).and_then(|mut parser| {
        let root = parser.expression()?;
        parser.finish(root)
    });
    parsed.map_err(|error| *error)
}

/// Parses the unary tests of a table cell.
pub(crate) fn unary_tests(text: &str, syntax: &Syntax<'_>) -> Result<Program, ParseError> {
    let parsed = Parser::new(text, syntax).and_then(|mut parser| {
        let root = parser.unary_tests()?;
        parser.finish(root)
    });
    parsed.map_err(|error| *error)
}

/// The error is in a box to keep results, and with them the stack of the recursion, small.
type Parsed<T = Node> = Result<T, Box<ParseError>>;

struct Parser<'a> {
    source: &'a str,
    /// The source once more, for what outlives it.
    text: Arc<str>,
    syntax: &'a Syntax<'a>,
    tokens: Vec<Token>,
    at: usize,
    scope: Scope,
    depth: u32,
    /// For each opening parenthesis the token that closes it; found when first needed.
    closing: Vec<Option<u32>>,
    /// Whether `[` after an operand begins a filter; not at the end of a range, where it ends it.
    filters_allowed: bool,
    /// Whether the clock or the random source is read.
    impure: bool,
    /// Keys of contexts in the expression that are no single words: such are behind `.` and in
    /// filters.
    keys: Phrases,
    /// Filters around the place.
    filters: u32,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str, syntax: &'a Syntax<'a>) -> Parsed<Parser<'a>> {
        if source.len() > EXPRESSION_BYTES_MAX {
            let message = format!("expected an expression of at most {EXPRESSION_BYTES_MAX} bytes");
            return Err(Box::new(ParseError { message, span: 0..0, text: source.into() }));
        }
        Ok(Parser {
            source,
            text: source.into(),
            syntax,
            tokens: lexer::tokens(source, syntax.dialect)?,
            at: 0,
            scope: Scope::new(),
            depth: 0,
            closing: Vec::new(),
            filters_allowed: true,
            impure: false,
            keys: Phrases::none(),
            filters: 0,
        })
    }

    fn finish(mut self, root: Node) -> Parsed<Program> {
        if self.peek() != TokenKind::End {
            return Err(self.expected("an operator or the end of the expression"));
        }
        let impure = self.impure;
        let (frame_slots, variables) = std::mem::replace(&mut self.scope, Scope::new()).finish();
        let dialect = self.syntax.dialect;
        let text = self.text;
        Ok(Program { text, root, variables: variables.into(), frame_slots, dialect, impure })
    }

    /// The token `ahead` of the current one.
    fn token(&self, ahead: usize) -> Token {
        let end = self.source.len() as u32;
        let end = Token { kind: TokenKind::End, start: end, end };
        self.tokens.get(self.at + ahead).copied().unwrap_or(end)
    }

    fn peek(&self) -> TokenKind {
        self.token(0).kind
    }

    fn peek_ahead(&self, ahead: usize) -> TokenKind {
        self.token(ahead).kind
    }

    fn text_of(&self, token: Token) -> &'a str {
        self.source.get(token.span()).unwrap_or("")
    }

    /// The text of the token if it is a name or keyword.
    fn name_ahead(&self, ahead: usize) -> Option<&'a str> {
        let token = self.token(ahead);
        (token.kind == TokenKind::Name).then(|| self.text_of(token))
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.name_ahead(0) == Some(keyword)
    }

    fn advance(&mut self) -> Token {
        let token = self.token(0);
        self.at += 1;
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.peek() == kind;
        self.at += usize::from(found);
        found
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> Parsed<Token> {
        if self.peek() == kind { Ok(self.advance()) } else { Err(self.expected(what)) }
    }

    fn expect_keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.eat_keyword(keyword) { Ok(()) } else { Err(self.expected(&format!("'{keyword}'"))) }
    }

    /// The error that something else stands here than expected.
    #[cold]
    fn expected(&self, what: &str) -> Box<ParseError> {
        let token = self.token(0);
        let message = match token.kind {
            TokenKind::End => format!("expected {what}, found the end"),
            _ => format!("expected {what}, found '{}'", self.text_of(token)),
        };
        self.error(message, token)
    }

    fn error(&self, message: String, token: Token) -> Box<ParseError> {
        Box::new(ParseError { message, span: token.span(), text: self.source.into() })
    }

    fn span(&self, token: Token) -> Span {
        Span { start: token.start, end: token.end }
    }

    /// From the start to the end of the last token.
    fn span_from(&self, start: u32) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        Span { start, end: last.map_or(start, |token| token.end) }
    }

    /// Goes one level deeper, an error beyond the limit; whoever calls it takes the level back.
    fn enter(&mut self) -> Parsed<()> {
        if self.depth >= EXPRESSION_DEPTH_MAX {
            let message = format!("expected at most {EXPRESSION_DEPTH_MAX} levels of nesting");
            return Err(self.error(message, self.token(0)));
        }
        self.depth += 1;
        Ok(())
    }

    /// An expression in brackets of any kind, where `[` begins a filter again.
    fn enclosed(&mut self) -> Parsed {
        let filters_allowed = std::mem::replace(&mut self.filters_allowed, true);
        let parsed = self.expression();
        self.filters_allowed = filters_allowed;
        parsed
    }

    fn is_dmn(&self) -> bool {
        self.syntax.dialect.is_dmn()
    }

    /// A name, plain or in backticks.
    fn name(&mut self, what: &str) -> Parsed<Arc<str>> {
        match self.peek() {
            TokenKind::Name | TokenKind::Quoted => {
                let token = self.advance();
                Ok(self.name_of(token).into())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// The name that the token is, without backticks.
    fn name_of(&self, token: Token) -> &'a str {
        let text = self.text_of(token);
        match token.kind {
            TokenKind::Quoted => text.trim_matches('`'),
            _ => text,
        }
    }
}
