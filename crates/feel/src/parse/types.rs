//! The types of `instance of` and of parameters.

use std::sync::Arc;

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::Type;
use crate::types::Kind;

impl Parser<'_> {
    /// A type: `number`, `days and time duration`, `list<string>`, `context<a: number>`,
    /// `range<date>`, `function<string> -> number`.
    pub(super) fn type_name(&mut self) -> Parsed<Type> {
        self.enter()?;
        let parsed = self.type_of_words();
        self.depth -= 1;
        parsed
    }

    fn type_of_words(&mut self) -> Parsed<Type> {
        /// Types of several words, which must be tried before their first words.
        const LONG: [(&[&str], &str); 3] = [
            (&["date", "and", "time"], "date and time"),
            (&["days", "and", "time", "duration"], "days and time duration"),
            (&["years", "and", "months", "duration"], "years and months duration"),
        ];
        for (words, long) in LONG {
            if words.iter().enumerate().all(|(ahead, word)| self.name_ahead(ahead) == Some(word)) {
                self.at += words.len();
                return Ok(Type::builtin(long).unwrap_or(Type(Kind::Unknown)));
            }
        }
        if let Some(declared) = self.declared_type() {
            return Ok(declared);
        }
        let name = self.name("a type")?;
        Ok(match &*name {
            "list" => Type(Kind::List(self.type_argument()?.map(Arc::new))),
            "range" => Type(Kind::Range(self.type_argument()?.map(Arc::new))),
            "context" => Type(Kind::Context(self.entry_types()?.into())),
            "function" => self.function_type()?,
            // Names that only the types of models have.
            "dateTime" | "dayTimeDuration" | "yearMonthDuration" => Type(Kind::Unknown),
            name => Type::builtin(name).unwrap_or(Type(Kind::Unknown)),
        })
    }

    /// The type that the model declares under the longest name that stands here.
    fn declared_type(&mut self) -> Option<Type> {
        if !self.is_dmn() {
            return None;
        }
        let names = self.syntax.names;
        if let Some((name, end)) = self.longest_of(names.type_phrases()) {
            self.at = end;
            return names.type_of(&name).cloned();
        }
        let declared = names.type_of(self.name_ahead(0)?)?.clone();
        self.advance();
        Some(declared)
    }

    /// `<type>`, if it is there.
    fn type_argument(&mut self) -> Parsed<Option<Type>> {
        if !self.eat(TokenKind::Less) {
            return Ok(None);
        }
        let argument = self.type_name()?;
        self.expect(TokenKind::Greater, "'>'")?;
        Ok(Some(argument))
    }

    /// `<key: type, ...>`, if it is there.
    fn entry_types(&mut self) -> Parsed<Vec<(Arc<str>, Type)>> {
        let mut entries = Vec::new();
        if !self.eat(TokenKind::Less) {
            return Ok(entries);
        }
        loop {
            let key = self.key()?;
            self.expect(TokenKind::Colon, "':'")?;
            entries.push((key, self.type_name()?));
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::Greater, "'>' or ','")?;
        Ok(entries)
    }

    /// `<type, ...> -> type`, if it is there.
    fn function_type(&mut self) -> Parsed<Type> {
        if !self.eat(TokenKind::Less) {
            return Ok(Type(Kind::Function(None)));
        }
        let mut parameters = Vec::new();
        if self.peek() != TokenKind::Greater {
            parameters.push(self.type_name()?);
            while self.eat(TokenKind::Comma) {
                parameters.push(self.type_name()?);
            }
        }
        self.expect(TokenKind::Greater, "'>' or ','")?;
        self.expect(TokenKind::Arrow, "'->'")?;
        Ok(Type::function(parameters, self.type_name()?))
    }
}
