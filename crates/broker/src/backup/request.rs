//! Who takes a backup, kept in the store, so that every node can tell how it is.

use std::io;

use serde::{Deserialize, Serialize};

use crate::backup::{BackupId, BackupStore};

/// Name of the file.
pub(crate) const REQUEST: &str = "request.json";

/// A backup that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackupRequest {
    /// The node that takes it.
    pub(crate) node_id: u32,
    /// The life of that node: a later one knows nothing of it.
    pub(crate) incarnation: u64,
    /// The release that takes it.
    pub(crate) skep_version: String,
    /// When it was asked for, epoch milliseconds.
    pub(crate) created_at_ms: i64,
    /// Unless this is written anew by then, that node is gone, epoch milliseconds.
    pub(crate) alive_until_ms: i64,
    /// How many partitions it is of.
    pub(crate) partition_count: u32,
    /// Why it failed.
    pub(crate) failure_reason: Option<String>,
}

impl BackupRequest {
    pub(crate) fn read(store: &dyn BackupStore, id: BackupId) -> io::Result<Option<Self>> {
        let bytes = store.get(id, REQUEST)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other)).transpose()
    }

    pub(crate) fn write(&self, store: &dyn BackupStore, id: BackupId) -> io::Result<()> {
        store.put(id, REQUEST, &serde_json::to_vec_pretty(self)?)
    }
}
