//! State stores of a simulated node: tables in memory that outlive a crash. A commit is atomic and
//! durable, as LMDB's is; the node may crash before it or after it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_broker::OpenState;
use skep_storage::MemoryStore;
use skep_storage::state::{StateError, StateStore, StateView, Visit, WriteBatch};

use crate::life::Life;
use crate::trace::{Kind, Trace};

/// The stores of all partitions of a node. Clones are the same stores.
#[derive(Clone, Default)]
pub struct SimStores(Arc<Mutex<BTreeMap<u32, Arc<MemoryStore>>>>);

impl SimStores {
    /// The stores as a new life of the node sees them.
    pub(crate) fn open(&self, life: &Arc<Life>, trace: &Arc<Trace>) -> OpenState {
        let (stores, life, trace) = (self.clone(), life.clone(), trace.clone());
        OpenState(Arc::new(move |partition| {
            let inner = stores.0.lock().entry(partition).or_default().clone();
            Arc::new(NodeStore { partition, inner, life: life.clone(), trace: trace.clone() })
        }))
    }

    pub(crate) fn wipe(&self) {
        self.0.lock().clear();
    }

    /// The store of a partition as it is on the disk.
    pub fn get(&self, partition: u32) -> Option<Arc<MemoryStore>> {
        self.0.lock().get(&partition).cloned()
    }
}

impl fmt::Debug for SimStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimStores").finish_non_exhaustive()
    }
}

struct NodeStore {
    partition: u32,
    inner: Arc<MemoryStore>,
    life: Arc<Life>,
    trace: Arc<Trace>,
}

impl NodeStore {
    fn change(
        &self,
        changes: usize,
        change: impl FnOnce() -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        self.alive(self.life.step())?;
        let result = change();
        let numbers = [u64::from(self.life.node), u64::from(self.partition), changes as u64, 0];
        self.trace.add(Kind::Commit, numbers);
        self.alive(self.life.step())?;
        result
    }

    fn alive(&self, alive: bool) -> Result<(), StateError> {
        if alive { Ok(()) } else { Err(crashed()) }
    }
}

fn crashed() -> StateError {
    let source = std::io::Error::other("the simulated node has crashed");
    StateError::Io { action: "use", path: "/simulated".into(), source }
}

impl StateView for NodeStore {
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.alive(self.life.is_alive())?;
        self.inner.get(table, key)
    }

    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StateError> {
        self.alive(self.life.is_alive())?;
        self.inner.scan(table, from, to, visit)
    }

    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, StateError> {
        self.alive(self.life.is_alive())?;
        self.inner.last_key(table)
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.alive(self.life.is_alive())?;
        self.inner.meta()
    }
}

impl StateStore for NodeStore {
    fn commit(&self, batch: WriteBatch, meta: &[u8]) -> Result<(), StateError> {
        self.change(batch.len(), || self.inner.commit(batch, meta))
    }

    fn commit_part(&self, batch: WriteBatch) -> Result<(), StateError> {
        self.change(batch.len(), || self.inner.commit_part(batch))
    }

    fn clear(&self) -> Result<(), StateError> {
        self.change(0, || self.inner.clear())
    }

    fn view(&self) -> Result<Box<dyn StateView + Send>, StateError> {
        self.alive(self.life.is_alive())?;
        self.inner.view()
    }

    fn bytes(&self) -> Result<u64, StateError> {
        self.inner.bytes()
    }
}
