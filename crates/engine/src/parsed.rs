//! What is parsed of resources, by key. Derived from state, so never part of it: whatever is missing is
//! parsed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_protocol::{Key, ResourceRecord};

/// Parsed resources; beyond the most that are kept, the oldest are parsed again when needed.
pub(crate) struct Parsed<T> {
    by_key: BTreeMap<Key, Arc<T>>,
    kept_max: usize,
}

impl<T> Parsed<T> {
    pub(crate) const fn new(kept_max: usize) -> Self {
        Self { by_key: BTreeMap::new(), kept_max }
    }

    /// What is parsed under this key, or what `parse` gives now.
    pub(crate) fn get(&mut self, key: Key, parse: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        if let Some(parsed) = self.by_key.get(&key) {
            return Some(Arc::clone(parsed));
        }
        let parsed = Arc::new(parse()?);
        if self.by_key.len() >= self.kept_max {
            self.by_key.pop_first();
        }
        self.by_key.insert(key, Arc::clone(&parsed));
        Some(parsed)
    }

    /// Forgets what changed or went away.
    pub(crate) fn forget(&mut self, key: Key) {
        self.by_key.remove(&key);
    }
}

/// The text of a model's file.
pub(crate) fn text_of(file: &ResourceRecord) -> Result<&str, String> {
    std::str::from_utf8(&file.content)
        .map_err(|_| "the file is not UTF-8 text; save it with that encoding".to_owned())
}
