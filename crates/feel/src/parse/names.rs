//! What a parser has to know besides the text: the dialect, names that are no identifiers, types.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::lexer::words;
use crate::{Dialect, Type};

/// The names that a DMN model declares for an expression. Of variables, functions and entries only
/// those that are no plain identifiers (`Applicant Age`, `a-b`) matter: the parser takes the longest
/// of them that fits; all other names need no declaration. Types have to be declared.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: BTreeSet<Arc<str>>,
    phrases: Phrases,
    keys: Phrases,
    /// Whether entries are variables everywhere.
    keys_are_names: bool,
    types: BTreeMap<Arc<str>, Type>,
    type_phrases: Phrases,
}

impl Names {
    /// No names.
    pub const fn none() -> Names {
        Names {
            names: BTreeSet::new(),
            phrases: Phrases::none(),
            keys: Phrases::none(),
            keys_are_names: false,
            types: BTreeMap::new(),
            type_phrases: Phrases::none(),
        }
    }

    /// Adds the name of a variable or function, which may also be that of an entry.
    pub fn insert(&mut self, name: &str) {
        let name: Arc<str> = name.into();
        self.phrases.insert(&name);
        self.names.insert(name);
    }

    /// Takes the name of a variable or function out again, at the end of its scope.
    pub fn remove(&mut self, name: &str) {
        self.phrases.remove(name);
        self.names.remove(name);
    }

    /// Adds the name of an entry: it is one behind `.` and in filters only, so that `net-gross` is
    /// still a difference elsewhere.
    pub fn insert_key(&mut self, name: &str) {
        self.keys.insert(&name.into());
    }

    /// Makes the names of entries those of variables everywhere, as in the condition of a boxed
    /// filter, which stands alone but speaks of an element.
    pub fn take_keys_as_names(&mut self) {
        self.keys_are_names = true;
    }

    /// Declares a type.
    pub fn insert_type(&mut self, name: &str, declared: Type) {
        let name: Arc<str> = name.into();
        self.type_phrases.insert(&name);
        self.types.insert(name, declared);
    }

    /// Whether the name was added as that of a variable or function.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn phrases(&self) -> &Phrases {
        &self.phrases
    }

    pub(super) fn keys_are_names(&self) -> bool {
        self.keys_are_names
    }

    pub(super) fn keys(&self) -> &Phrases {
        &self.keys
    }

    /// The type declared under this name.
    pub(super) fn type_of(&self, name: &str) -> Option<&Type> {
        self.types.get(name)
    }

    pub(super) fn type_phrases(&self) -> &Phrases {
        &self.type_phrases
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Names {
        let mut all = Names::none();
        names.into_iter().for_each(|name| all.insert(name));
        all
    }
}

/// Names by the words and symbols that they consist of, so that white space does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Phrases(BTreeMap<String, Arc<str>>);

impl Phrases {
    pub(super) const fn none() -> Phrases {
        Phrases(BTreeMap::new())
    }

    /// Adds a name, unless it is a single word, which the parser finds without help.
    pub(super) fn insert(&mut self, name: &Arc<str>) {
        if let Some(phrase) = phrase_of(name) {
            self.0.insert(phrase, Arc::clone(name));
        }
    }

    /// Takes a name out again.
    fn remove(&mut self, name: &str) {
        let Some(phrase) = phrase_of(name) else { return };
        if self.0.get(&phrase).is_some_and(|known| **known == *name) {
            self.0.remove(&phrase);
        }
    }

    /// The name of exactly these words.
    pub(super) fn get(&self, phrase: &str) -> Option<&Arc<str>> {
        self.0.get(phrase)
    }

    /// Whether a name begins with these words.
    pub(super) fn has_prefix(&self, phrase: &str) -> bool {
        has_prefix(&self.0, phrase)
    }
}

/// Names that an expression binds, by phrase; the last one of a phrase counts until it is released.
#[derive(Debug, Default)]
pub(super) struct BoundPhrases {
    names: BTreeMap<String, Vec<Arc<str>>>,
    order: Vec<String>,
}

impl BoundPhrases {
    /// Binds a name, unless it is a single word.
    pub(super) fn bind(&mut self, name: &Arc<str>) {
        if let Some(phrase) = phrase_of(name) {
            self.names.entry(phrase.clone()).or_default().push(Arc::clone(name));
            self.order.push(phrase);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Releases all but the first `length` names.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.order.len() > length
            && let Some(phrase) = self.order.pop()
        {
            if let Some(names) = self.names.get_mut(&phrase) {
                names.pop();
                if names.is_empty() {
                    self.names.remove(&phrase);
                }
            }
        }
    }

    /// The name of exactly these words.
    pub(super) fn get(&self, phrase: &str) -> Option<&Arc<str>> {
        self.names.get(phrase)?.last()
    }

    /// Whether a name begins with these words.
    pub(super) fn has_prefix(&self, phrase: &str) -> bool {
        has_prefix(&self.names, phrase)
    }
}

fn has_prefix<V>(names: &BTreeMap<String, V>, phrase: &str) -> bool {
    let mut following = names.range::<str, _>((Bound::Included(phrase), Bound::Unbounded));
    following.next().is_some_and(|(known, _)| known.starts_with(phrase))
}

/// The words and symbols of a name as a phrase; none for a single word.
pub(super) fn phrase_of(name: &str) -> Option<String> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let words = words(name);
    (words.len() > 1).then(|| {
        let mut phrase = String::with_capacity(name.len() + words.len());
        words.iter().for_each(|word| push_word(&mut phrase, word));
        phrase
    })
}

/// Adds a word or symbol to a phrase.
pub(super) fn push_word(phrase: &mut String, word: &str) {
    phrase.push_str(word);
    phrase.push('\0');
}

static NO_NAMES: Names = Names::none();

/// How a text is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Syntax<'a> {
    /// The dialect.
    pub dialect: Dialect,
    /// What the model declares: variables, functions, entries and types; of no effect in Camunda's
    /// dialect.
    pub names: &'a Names,
}

impl Default for Syntax<'_> {
    fn default() -> Self {
        Syntax { dialect: Dialect::Camunda, names: &NO_NAMES }
    }
}
