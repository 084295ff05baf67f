//! A backing store for checkpoints, in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::RwLock;

use skep_engine::{Backing, BackingError, Checkpoint};

type Rows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

#[derive(Default)]
pub(crate) struct Store {
    content: RwLock<(Rows, Option<Vec<u8>>)>,
}

impl Store {
    /// Writes a checkpoint, as the storage of a partition does.
    pub(crate) fn write(&self, checkpoint: &Checkpoint) {
        let mut content = self.content.write().unwrap();
        let mut last = None;
        checkpoint.visit(&mut |table, key, value| {
            let id = (table, key);
            assert!(last.as_ref() < Some(&id), "changes of a checkpoint come in order, each once");
            last = Some(id.clone());
            match value {
                Some(value) => content.0.insert(id, value),
                None => content.0.remove(&id),
            };
        });
        content.1 = Some(checkpoint.meta().to_vec());
    }
}

impl Backing for Store {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, BackingError> {
        Ok(self.content.read().unwrap().0.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), BackingError> {
        let from = (table, from.to_vec());
        let to = to.map_or((table + 1, Vec::new()), |to| (table, to.to_vec()));
        if to <= from {
            return Ok(());
        }
        let content = self.content.read().unwrap();
        for ((_, key), value) in content.0.range(from..to) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, BackingError> {
        let content = self.content.read().unwrap();
        let range = (table, Vec::new())..(table + 1, Vec::new());
        Ok(content.0.range(range).next_back().map(|((_, key), _)| key.clone()))
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, BackingError> {
        Ok(self.content.read().unwrap().1.clone())
    }
}
