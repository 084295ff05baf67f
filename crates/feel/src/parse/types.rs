//! The types of `instance of` and of parameters.

use super::lexer::Kind as TokenKind;
use super::{Parsed, Parser};
use crate::node::Type;

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
        const LONG: [(&[&str], Type); 3] = [
            (&["date", "and", "time"], Type::DateTime),
            (&["days", "and", "time", "duration"], Type::DaysTimeDuration),
            (&["years", "and", "months", "duration"], Type::YearsMonthsDuration),
        ];
        for (words, long) in LONG {
            if words.iter().enumerate().all(|(ahead, word)| self.name_ahead(ahead) == Some(word)) {
                self.at += words.len();
                return Ok(long);
            }
        }
        let name = self.name("a type")?;
        Ok(match &*name {
            "Any" => Type::Any,
            "Null" | "null" => Type::Null,
            "boolean" => Type::Boolean,
            "number" => Type::Number,
            "string" => Type::String,
            "date" => Type::Date,
            "time" => Type::Time,
            "list" => Type::List(self.type_argument()?.map(Box::new)),
            "range" => Type::Range(self.type_argument()?.map(Box::new)),
            "context" => Type::Context(self.entry_types()?.into()),
            "function" => {
                self.function_type()?;
                Type::Function
            }
            _ => Type::Unknown,
        })
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
    fn entry_types(&mut self) -> Parsed<Vec<(std::sync::Arc<str>, Type)>> {
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

    /// `<type, ...> -> type`, if it is there; values do not know the types of their functions, so
    /// that any function is of it.
    fn function_type(&mut self) -> Parsed<()> {
        if !self.eat(TokenKind::Less) {
            return Ok(());
        }
        if self.peek() != TokenKind::Greater {
            self.type_name()?;
            while self.eat(TokenKind::Comma) {
                self.type_name()?;
            }
        }
        self.expect(TokenKind::Greater, "'>' or ','")?;
        self.expect(TokenKind::Arrow, "'->'")?;
        self.type_name()?;
        Ok(())
    }
}
