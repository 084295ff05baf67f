//! Names of several words and symbols, as the standard has them: the longest that is known counts
//! (DMN 1.5, 10.3.1.5). White space between the tokens of a name does not matter.

use std::sync::Arc;

use super::lexer::Kind as TokenKind;
use super::names::{Phrases, push_word};
use super::operand::is_operator_word;
use super::{Parsed, Parser};

/// Words and symbols of a name: far more than names have, and it bounds how far ahead one is looked
/// for.
const NAME_TOKENS_MAX: usize = 50;

/// Properties of several words.
const PROPERTIES: [[&str; 2]; 3] = [["time", "offset"], ["start", "included"], ["end", "included"]];

impl Parser<'_> {
    /// The longest name of these that stands here, and the token behind it.
    pub(super) fn longest_of(&self, names: &Phrases) -> Option<(Arc<str>, usize)> {
        self.longest(|phrase| names.has_prefix(phrase), |phrase| names.get(phrase))
    }

    /// The longest name of a variable that stands here and is no single word, and the token behind
    /// it; in a filter entries of the elements are variables.
    pub(super) fn longest_name(&self) -> Option<(Arc<str>, usize)> {
        self.longest_known(self.filters > 0 || self.syntax.names.keys_are_names())
    }

    fn longest_known(&self, with_keys: bool) -> Option<(Arc<str>, usize)> {
        let names = self.syntax.names;
        self.longest(
            |phrase| {
                self.scope.has_phrase_prefix(phrase)
                    || names.phrases().has_prefix(phrase)
                    || (with_keys
                        && (self.keys.has_prefix(phrase) || names.keys().has_prefix(phrase)))
            },
            |phrase| {
                let known = self.scope.phrase(phrase).or_else(|| names.phrases().get(phrase));
                match with_keys {
                    true => known.or_else(|| self.keys.get(phrase).or(names.keys().get(phrase))),
                    false => known,
                }
            },
        )
    }

    fn longest<'n>(
        &'n self,
        has_prefix: impl Fn(&str) -> bool,
        get: impl Fn(&str) -> Option<&'n Arc<str>>,
    ) -> Option<(Arc<str>, usize)> {
        let mut longest = None;
        let mut phrase = String::new();
        for (position, token) in self.tokens.iter().enumerate().skip(self.at).take(NAME_TOKENS_MAX)
        {
            push_word(&mut phrase, self.text_of(*token));
            if token.kind == TokenKind::End || !has_prefix(&phrase) {
                break;
            }
            if let Some(name) = get(&phrase) {
                longest = Some((Arc::clone(name), position + 1));
            }
        }
        longest
    }

    /// The name behind `.`: one that is known, or words that can be nothing else.
    pub(super) fn key_of_path(&mut self) -> Parsed<Arc<str>> {
        for words in PROPERTIES {
            if words.iter().enumerate().all(|(ahead, word)| self.name_ahead(ahead) == Some(word)) {
                self.at += words.len();
                return Ok(words.join(" ").into());
            }
        }
        if let Some((name, end)) = self.longest_known(true) {
            self.at = end;
            return Ok(name);
        }
        let mut words = 1;
        while self.peek() == TokenKind::Name
            && self.name_ahead(words).is_some_and(|word| !is_operator_word(word))
        {
            words += 1;
        }
        match words {
            1 => self.name("a name behind '.'"),
            _ => {
                let name = self.words(words);
                self.at += words;
                Ok(name.into())
            }
        }
    }

    /// The name that a construct gives, up to the word or colon behind it: a single word, or several
    /// words and symbols.
    pub(super) fn bound_name(&mut self, what: &str, until: &str) -> Parsed<Arc<str>> {
        let length = self.bound_name_length(until);
        if length <= 1 {
            return self.name(what);
        }
        let mut name = String::new();
        let mut end = 0;
        for _ in 0..length {
            let token = self.advance();
            name.push_str(if token.start > end && !name.is_empty() { " " } else { "" });
            name.push_str(self.text_of(token));
            end = token.end;
        }
        Ok(name.into())
    }

    /// How many tokens there are in front of this word or symbol, all of which can be of a name; 0 if
    /// it does not follow.
    pub(super) fn bound_name_length(&self, until: &str) -> usize {
        let mut length = 0;
        if self.peek() == TokenKind::Quoted {
            return usize::from(self.text_of(self.token(1)) == until);
        }
        while length < NAME_TOKENS_MAX {
            let token = self.token(length);
            if length > 0 && self.text_of(token) == until {
                return length;
            }
            let is_part = match token.kind {
                TokenKind::Name | TokenKind::Question => true,
                TokenKind::Number | TokenKind::Symbol => length > 0,
                TokenKind::Plus | TokenKind::Minus | TokenKind::Star => length > 0,
                TokenKind::StarStar | TokenKind::Slash | TokenKind::Dot => length > 0,
                _ => false,
            };
            if !is_part {
                return 0;
            }
            length += 1;
        }
        0
    }
}
