//! The newest cluster configuration that a node knows, however it heard of it.

use std::sync::Arc;

use parking_lot::Mutex;
use skep_env::watch;

use crate::metadata::config::ClusterConfig;
use crate::metadata::store::MetadataStore;

/// Holds the newest document and tells who waits for newer ones. Clones are the same.
#[derive(Clone)]
pub struct KnownConfig {
    sender: watch::Sender<Option<Arc<ClusterConfig>>>,
    /// One writer at a time: links and the metadata group learn the same document at once, and a
    /// file is replaced by way of another one.
    store: Arc<Mutex<Option<MetadataStore>>>,
}

impl KnownConfig {
    /// Nothing is known yet. Without a store (gateways) what is learned ends with the process.
    #[must_use]
    pub fn new(store: Option<MetadataStore>) -> Self {
        Self { sender: watch::Sender::new(None), store: Arc::new(Mutex::new(store)) }
    }

    /// Takes a document that was decided, when it is newer than the one that is known; says whether
    /// it was.
    pub fn learn(&self, config: Arc<ClusterConfig>) -> bool {
        let version = config.version;
        let is_newer = |known: &Option<Arc<ClusterConfig>>| {
            known.as_ref().is_none_or(|known| known.version < version)
        };
        let store = self.store.lock();
        if !is_newer(&self.sender.borrow()) {
            return false;
        }
        if let Some(store) = &*store
            && let Err(error) = store.remember(&config)
        {
            // Others know it: after a restart it is learned again.
            tracing::warn!(%error, version, "the cluster configuration could not be stored");
        }
        self.sender.send_if_modified(|known| {
            let newer = is_newer(known);
            if newer {
                *known = Some(config);
            }
            newer
        })
    }

    /// The newest document.
    #[must_use]
    pub fn current(&self) -> Option<Arc<ClusterConfig>> {
        self.sender.borrow().clone()
    }

    /// The newest document and those to come.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<ClusterConfig>>> {
        self.sender.subscribe()
    }
}

impl std::fmt::Debug for KnownConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = self.sender.borrow().as_ref().map(|config| config.version);
        f.debug_struct("KnownConfig").field("version", &version).finish_non_exhaustive()
    }
}
