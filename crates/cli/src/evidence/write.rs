//! The broker's side.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use skep_broker::Observer;
use skep_broker::replication::EntryId;

use super::{ENTRY, HEAD, REPLACED, file};
use crate::failure::Failure;

/// Writes what a broker commits in this life of it.
#[derive(Debug)]
pub(crate) struct Writer {
    file: parking_lot::Mutex<File>,
    has_failed: AtomicBool,
}

impl Writer {
    /// Begins a file that no earlier life has.
    pub(crate) fn begin(folder: &Path, node: u32) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
        let mut life = 0;
        loop {
            let path = file(folder, node, life);
            match File::create_new(&path) {
                Ok(file) => {
                    let has_failed = AtomicBool::new(false);
                    return Ok(Self { file: parking_lot::Mutex::new(file), has_failed });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => life += 1,
                Err(error) => return Err(Failure::file("make", &path, error)),
            }
        }
    }

    fn write(&self, kind: u8, partition: u32, entry: EntryId, batch: &[u8]) {
        if self.has_failed.load(Ordering::Relaxed) {
            return;
        }
        let Ok(length) = u32::try_from(HEAD + batch.len()) else { return };
        let mut frame = Vec::with_capacity(4 + HEAD + batch.len());
        frame.extend_from_slice(&length.to_le_bytes());
        frame.push(kind);
        frame.extend_from_slice(&partition.to_le_bytes());
        frame.extend_from_slice(&entry.term.to_le_bytes());
        frame.extend_from_slice(&entry.index.to_le_bytes());
        frame.extend_from_slice(batch);
        if let Err(error) = self.file.lock().write_all(&frame) {
            // This life tells no more: a gap would look like a fault of the cluster.
            self.has_failed.store(true, Ordering::Relaxed);
            tracing::error!(%error, "no more evidence is written");
        }
    }
}

impl Observer for Writer {
    fn committed(&self, partition: u32, entry: EntryId, batch: &Bytes) {
        // Partition 0 is the cluster's own group: its entries are no records.
        if partition > 0 {
            self.write(ENTRY, partition, entry, batch);
        }
    }

    fn state_replaced(&self, partition: u32, entry: EntryId) {
        if partition > 0 {
            self.write(REPLACED, partition, entry, &[]);
        }
    }
}
