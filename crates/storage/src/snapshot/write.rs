//! Writing snapshots: from a view of a store, or from the pieces that another node sends.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_env::{Disk, DiskFile, OpenMode};

use super::{SnapshotError, SnapshotInfo, at, format, verify};
use crate::limits::SNAPSHOT_CHUNK_BYTES;
use crate::state::StateView;

/// A file that gets its name when it is complete and flushed.
struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    file: Arc<dyn DiskFile>,
    bytes: u64,
}

impl NewFile {
    fn create(disk: &dyn Disk, path: &Path) -> Result<Self, SnapshotError> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let file = disk
            .open(&unfinished, OpenMode::Create)
            .and_then(|file| file.set_len(0).map(|()| file))
            .map_err(|error| at(&unfinished, "make", error))?;
        Ok(Self { path: path.to_owned(), unfinished, file, bytes: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.file
            .write_at(self.bytes, bytes)
            .map_err(|error| at(&self.unfinished, "write", error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn flush(&self) -> Result<(), SnapshotError> {
        self.file.sync_data().map_err(|error| at(&self.unfinished, "flush", error))
    }

    fn publish(self, disk: &dyn Disk) -> Result<(), SnapshotError> {
        self.flush()?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        disk.rename(&self.unfinished, &self.path)
            .and_then(|()| disk.sync_dir(folder))
            .map_err(|error| at(&self.path, "name", error))
    }

    fn discard(&self, disk: &dyn Disk) {
        // Best effort: a leftover is overwritten by the next one of this name.
        drop(disk.remove(&self.unfinished));
    }
}

/// Writes all tables of a view, as of one point in time, to a file that appears under its name
/// only when it is complete and durable.
///
/// # Errors
/// When the state cannot be read or the disk fails; then no file is left.
pub fn write(
    disk: &dyn Disk,
    path: &Path,
    view: &dyn StateView,
    meta: &[u8],
) -> Result<SnapshotInfo, SnapshotError> {
    let mut file = NewFile::create(disk, path)?;
    match write_content(&mut |bytes| file.append(bytes), view, meta) {
        Ok(entries) => {
            let bytes = file.bytes;
            file.publish(disk)?;
            Ok(SnapshotInfo { meta: meta.to_vec(), entries, bytes })
        }
        Err(error) => {
            file.discard(disk);
            Err(error)
        }
    }
}

/// Writes all tables of a view, as of one point in time, to whatever takes bytes in order; they are
/// those that [`write()`] puts into a file.
///
/// # Errors
/// When the state cannot be read, or the bytes are not taken.
pub fn export(
    view: &dyn StateView,
    meta: &[u8],
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<SnapshotInfo, SnapshotError> {
    let mut bytes = 0;
    let mut counted = |piece: &[u8]| {
        bytes += piece.len() as u64;
        sink(piece).map_err(SnapshotError::Sink)
    };
    let entries = write_content(&mut counted, view, meta)?;
    Ok(SnapshotInfo { meta: meta.to_vec(), entries, bytes })
}

type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), SnapshotError> + 'a;

fn write_content(
    sink: &mut Sink<'_>,
    view: &dyn StateView,
    meta: &[u8],
) -> Result<u64, SnapshotError> {
    let (header, header_crc) = format::header(meta);
    sink(&header)?;
    let mut chunks =
        Chunks { sink, header_crc, payload: Vec::new(), count: 0, chunks: 0, entries: 0 };
    for table in 0..=u8::MAX {
        let mut failure = None;
        view.scan(table, b"", None, &mut |key, value| match chunks.add(table, key, value) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
    }
    chunks.finish()
}

struct Chunks<'a, 'b> {
    sink: &'a mut Sink<'b>,
    header_crc: u32,
    payload: Vec<u8>,
    count: u32,
    chunks: u64,
    entries: u64,
}

impl Chunks<'_, '_> {
    fn add(&mut self, table: u8, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        format::push_entry(&mut self.payload, table, key, value);
        self.count += 1;
        self.entries += 1;
        if self.payload.len() >= SNAPSHOT_CHUNK_BYTES {
            self.write_chunk()?;
        }
        Ok(())
    }

    fn write_chunk(&mut self) -> Result<(), SnapshotError> {
        let chunk = format::chunk(self.header_crc, self.chunks, self.count, &self.payload);
        (self.sink)(&chunk)?;
        self.chunks += 1;
        self.count = 0;
        self.payload.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<u64, SnapshotError> {
        if self.count > 0 {
            self.write_chunk()?;
        }
        (self.sink)(&format::footer(self.header_crc, self.chunks, self.entries))?;
        Ok(self.entries)
    }
}

/// Takes the pieces of a snapshot that another node sends.
pub struct SnapshotReceiver {
    disk: Arc<dyn Disk>,
    file: NewFile,
}

impl SnapshotReceiver {
    /// Begins a snapshot that will appear at `path` when it is complete.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin(disk: Arc<dyn Disk>, path: &Path) -> Result<Self, SnapshotError> {
        let file = NewFile::create(&*disk, path)?;
        Ok(Self { disk, file })
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), SnapshotError> {
        skep_env::crash_point!("snapshot.receiving");
        self.file.append(piece)
    }

    /// Checks the whole and gives it its name.
    ///
    /// # Errors
    /// When pieces are missing, damaged or in the wrong order, or the disk fails; then no file is
    /// left.
    pub fn finish(self) -> Result<SnapshotInfo, SnapshotError> {
        let checked = self.file.flush().and_then(|()| verify(&*self.disk, &self.file.unfinished));
        match checked {
            Ok(info) => self.file.publish(&*self.disk).map(|()| info),
            Err(error) => {
                self.file.discard(&*self.disk);
                Err(error)
            }
        }
    }
}
