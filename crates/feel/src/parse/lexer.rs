//! Splits the text of an expression into tokens.

use std::ops::Range;

use crate::{Dialect, ParseError};

/// What a token is. The text of it is in the source at its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    /// A name in backticks; the span has them.
    Quoted,
    Number,
    /// A string in quotes; the span has them.
    Text,
    /// `?`
    Question,
    At,
    Plus,
    Minus,
    Star,
    StarStar,
    Slash,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    ParenOpen,
    ParenClose,
    BracketOpen,
    BracketClose,
    BraceOpen,
    BraceClose,
    Comma,
    Colon,
    Dot,
    DotDot,
    Arrow,
    /// Another character, which only names that a model declares may have.
    Symbol,
    End,
}

/// A token and the bytes of the source that it covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Token {
    pub(super) fn span(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Splits the source; the last token is always [`Kind::End`].
pub(super) fn tokens(source: &str, dialect: Dialect) -> Result<Vec<Token>, Box<ParseError>> {
    let mut tokens = Vec::with_capacity(source.len() / 3 + 2);
    let mut lexer = Lexer { source, at: 0, is_dmn: dialect.is_dmn() };
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let kind = lexer.token()?;
        tokens.push(Token { kind, start: start as u32, end: lexer.at as u32 });
        if kind == Kind::End {
            return Ok(tokens);
        }
    }
}

/// The words and symbols that a declared name consists of; only the name itself if it has what no
/// name can have.
pub(super) fn words(name: &str) -> Vec<&str> {
    match tokens(name, Dialect::Dmn) {
        Ok(tokens) if !tokens.iter().any(|token| token.kind == Kind::Quoted) => {
            let words = tokens.iter().filter(|token| token.kind != Kind::End);
            words.filter_map(|token| name.get(token.span())).collect()
        }
        _ => vec![name],
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    is_dmn: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn error(&self, message: &str, start: usize, end: usize) -> Box<ParseError> {
        let text = self.source.into();
        Box::new(ParseError { message: message.into(), span: start..end, text })
    }

    fn skip_blank(&mut self) -> Result<(), Box<ParseError>> {
        loop {
            let rest = self.rest();
            let trimmed = match self.is_dmn {
                true => rest.trim_start_matches(is_dmn_space),
                false => rest.trim_start(),
            };
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                match trimmed.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => {
                        let message = "expected '*/' at the end of the comment";
                        return Err(self.error(message, self.at, self.at + 2));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Kind, Box<ParseError>> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        let (starts, is_part): (bool, fn(char) -> bool) = match self.is_dmn {
            true => (is_dmn_name_start(first), is_dmn_name_part),
            false => (is_name_start(first), is_name_part),
        };
        if starts {
            let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
            self.at += length;
            return Ok(Kind::Name);
        }
        let second = rest.as_bytes().get(1).copied().unwrap_or(0);
        if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
            self.number();
            return Ok(Kind::Number);
        }
        let (kind, length) = match (first, second) {
            ('"', _) => return self.text(),
            ('`', _) => return self.quoted_name(),
            ('*', b'*') => (Kind::StarStar, 2),
            ('!', b'=') => (Kind::NotEqual, 2),
            ('<', b'=') => (Kind::LessEqual, 2),
            ('>', b'=') => (Kind::GreaterEqual, 2),
            ('.', b'.') => (Kind::DotDot, 2),
            ('-', b'>') => (Kind::Arrow, 2),
            ('?', _) => (Kind::Question, 1),
            ('@', _) => (Kind::At, 1),
            ('+', _) => (Kind::Plus, 1),
            ('-', _) => (Kind::Minus, 1),
            ('*', _) => (Kind::Star, 1),
            ('/', _) => (Kind::Slash, 1),
            ('=', _) => (Kind::Equal, 1),
            ('<', _) => (Kind::Less, 1),
            ('>', _) => (Kind::Greater, 1),
            ('(', _) => (Kind::ParenOpen, 1),
            (')', _) => (Kind::ParenClose, 1),
            ('[', _) => (Kind::BracketOpen, 1),
            (']', _) => (Kind::BracketClose, 1),
            ('{', _) => (Kind::BraceOpen, 1),
            ('}', _) => (Kind::BraceClose, 1),
            (',', _) => (Kind::Comma, 1),
            (':', _) => (Kind::Colon, 1),
            ('.', _) => (Kind::Dot, 1),
            _ if self.is_dmn => (Kind::Symbol, first.len_utf8()),
            _ => {
                let message = format!("'{first}' has no meaning in an expression");
                return Err(self.error(&message, self.at, self.at + first.len_utf8()));
            }
        };
        self.at += length;
        Ok(kind)
    }

    /// Digits, and a point only if a digit follows (so that `1..2` is a range).
    fn number(&mut self) {
        let bytes = self.source.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        self.at = digits(self.at);
        if bytes.get(self.at) == Some(&b'.')
            && bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at = digits(self.at + 1);
        }
        if self.is_dmn && matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            let signed = matches!(bytes.get(self.at + 1), Some(b'+' | b'-'));
            let exponent = self.at + 1 + usize::from(signed);
            let end = digits(exponent);
            let follows = self.source.get(end..).and_then(|rest| rest.chars().next());
            if end > exponent && !follows.is_some_and(is_dmn_name_part) {
                self.at = end;
            }
        }
    }

    fn text(&mut self) -> Result<Kind, Box<ParseError>> {
        let bytes = self.source.as_bytes();
        let mut at = self.at + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Kind::Text);
                }
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => {
                    let message = "expected '\"' at the end of the string";
                    return Err(self.error(message, self.at, self.source.len()));
                }
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Kind, Box<ParseError>> {
        match self.rest().get(1..).and_then(|rest| rest.find('`')) {
            Some(length) if length > 0 => {
                self.at += length + 2;
                Ok(Kind::Quoted)
            }
            Some(_) => {
                Err(self.error("expected a name between the backticks", self.at, self.at + 2))
            }
            None => {
                let message = "expected '`' at the end of the name";
                Err(self.error(message, self.at, self.source.len()))
            }
        }
    }
}

/// What a Java identifier may start with.
fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$' | '€' | '£' | '¥')
}

fn is_name_part(character: char) -> bool {
    is_name_start(character) || character.is_numeric()
}

/// What a name of the standard may start with (rule 29 of its grammar), `?` apart; what a Java
/// identifier may start with is taken too.
fn is_dmn_name_start(character: char) -> bool {
    is_name_start(character)
        || matches!(character,
            '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
            | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
            | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
            && !is_dmn_space(character)
}

fn is_dmn_name_part(character: char) -> bool {
    is_dmn_name_start(character)
        || character.is_numeric()
        || matches!(character, '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// White space of the standard (rules 61 and 62 of its grammar).
fn is_dmn_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{180e}' | '\u{200b}' | '\u{feff}')
}

/// The characters of a string literal without its quotes. `\n \r \t \b \f \" \' \\` and `\uXXXX`
/// (also `\UXXXXXX`) are escapes; a backslash before anything else is kept (as Camunda does, so that
/// `"\d"` is a regular expression).
pub(super) fn unescape(literal: &str) -> String {
    let mut text = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        text.push_str(plain);
        let (character, length) = escape_character(escape);
        text.push(character);
        rest = escape.get(length..).unwrap_or("");
    }
    text.push_str(rest);
    text
}

/// The character that an escape stands for, and how many bytes the escape has.
fn escape_character(escape: &str) -> (char, usize) {
    match escape.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'"') => ('"', 2),
        Some(b'\'') => ('\'', 2),
        Some(b'\\') => ('\\', 2),
        Some(b'u') => unicode(escape).unwrap_or(('\\', 1)),
        Some(b'U') => hexadecimal(escape, 2, 6)
            .and_then(char::from_u32)
            .map_or(('\\', 1), |character| (character, 8)),
        _ => ('\\', 1),
    }
}

fn unicode(escape: &str) -> Option<(char, usize)> {
    let first = hexadecimal(escape, 2, 4)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    // A pair of surrogates.
    let second = (escape.get(6..8)? == "\\u").then(|| hexadecimal(escape, 8, 4))??;
    let in_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let code = in_pair.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    Some((char::from_u32(code)?, 12))
}

fn hexadecimal(text: &str, start: usize, length: usize) -> Option<u32> {
    let digits = text.get(start..start + length)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}
