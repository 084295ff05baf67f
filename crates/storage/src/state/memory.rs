//! A store in memory, for tests and simulation. Nothing of it survives the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{StateError, StateStore, StateView, Visit, WriteBatch};

/// Tables in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    content: RwLock<Arc<Content>>,
    /// One commit at a time; readers are not concerned.
    committing: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    entries: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    meta: Option<Vec<u8>>,
}

struct MemoryView(Arc<Content>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&self, change: impl FnOnce(&mut Content)) {
        let _one_at_a_time = self.committing.lock();
        // Copied only while somebody holds a view or scans.
        change(Arc::make_mut(&mut self.content.write()));
    }

    fn content(&self) -> Arc<Content> {
        self.content.read().clone()
    }
}

impl Content {
    fn last_key(&self, table: u8) -> Option<Vec<u8>> {
        let end = match table.checked_add(1) {
            Some(next) => Bound::Excluded((next, Vec::new())),
            None => Bound::Unbounded,
        };
        let from = Bound::Included((table, Vec::new()));
        self.entries.range((from, end)).next_back().map(|((_, key), _)| key.clone())
    }

    fn apply(&mut self, batch: WriteBatch) {
        for change in batch.into_sorted() {
            let key = (change.table, change.key);
            match change.value {
                Some(value) => _ = self.entries.insert(key, value),
                None => _ = self.entries.remove(&key),
            }
        }
    }
}

impl StateView for MemoryView {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.entries.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError> {
        let from = (table, from.to_vec());
        let end = match to {
            Some(to) => Bound::Excluded((table, to.to_vec())),
            None if table == u8::MAX => Bound::Unbounded,
            None => Bound::Excluded((table + 1, Vec::new())),
        };
        let is_empty = matches!(&end, Bound::Excluded(end) if *end <= from);
        if is_empty {
            return Ok(());
        }
        for ((_, key), value) in self.0.entries.range((Bound::Included(from), end)) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.last_key(table))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.meta.clone())
    }
}

impl StateView for MemoryStore {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.content.read().entries.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError> {
        MemoryView(self.content()).scan(table, from, to, visit)
    }

    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.content.read().last_key(table))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.content.read().meta.clone())
    }
}

impl StateStore for MemoryStore {
    fn commit(&self, batch: WriteBatch, meta: &[u8]) -> Result<(), StateError> {
        self.change(|content| {
            content.apply(batch);
            content.meta = Some(meta.to_vec());
        });
        Ok(())
    }

    fn commit_part(&self, batch: WriteBatch) -> Result<(), StateError> {
        self.change(|content| {
            content.apply(batch);
            content.meta = None;
        });
        Ok(())
    }

    fn clear(&self) -> Result<(), StateError> {
        self.change(|content| *content = Content::default());
        Ok(())
    }

    fn view(&self) -> Result<Box<dyn StateView + Send>, StateError> {
        Ok(Box::new(MemoryView(self.content())))
    }

    fn bytes(&self) -> Result<u64, StateError> {
        let content = self.content();
        let bytes = content.entries.iter().map(|((_, key), value)| 1 + key.len() + value.len());
        Ok(bytes.sum::<usize>() as u64)
    }
}
