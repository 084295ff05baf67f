//! Reading a snapshot piece by piece; every piece is checked before it is handed out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use skep_env::{Disk, DiskFile, OpenMode};

use super::format::{self, CHUNK_HEADER_BYTES, FOOTER_BYTES, HEADER_BYTES, u32_at, u64_at};
use super::{SnapshotError, SnapshotInfo, at};

/// Reads a snapshot from its beginning to its end.
pub struct SnapshotReader {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    file_bytes: u64,
    offset: u64,
    header: Bytes,
    header_crc: u32,
    header_sent: bool,
    chunks: u64,
    entries: u64,
    /// Table and key of the last entry.
    last: Option<(u8, Vec<u8>)>,
    ended: bool,
}

/// What is told about an entry: table, key, value.
pub(super) type VisitEntry<'a> = dyn FnMut(u8, &[u8], &[u8]) -> Result<(), SnapshotError> + 'a;

impl SnapshotReader {
    /// Opens a snapshot and checks its header.
    ///
    /// # Errors
    /// When the header is damaged or of an unknown version, or the disk fails.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self, SnapshotError> {
        let file = disk.open(path, OpenMode::Read).map_err(|error| at(path, "open", error))?;
        let file_bytes = file.len_bytes().map_err(|error| at(path, "measure", error))?;
        let mut reader = Self {
            path: path.to_owned(),
            file,
            file_bytes,
            offset: 0,
            header: Bytes::new(),
            header_crc: 0,
            header_sent: false,
            chunks: 0,
            entries: 0,
            last: None,
            ended: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    fn read_header(&mut self) -> Result<(), SnapshotError> {
        let start = self.read(0, HEADER_BYTES as u64)?;
        if &start[0..8] != format::MAGIC {
            return Err(self.corrupt("this is not a snapshot"));
        }
        let found = u32_at(&start, 8);
        if found != format::VERSION {
            let path = self.path.clone();
            return Err(SnapshotError::UnsupportedVersion {
                path,
                found,
                supported: format::VERSION,
            });
        }
        let header_bytes = HEADER_BYTES as u64 + u64::from(u32_at(&start, 16));
        let header = self.read(0, header_bytes)?;
        self.header_crc = crc32c::crc32c(&header[16..]);
        if self.header_crc != u32_at(&header, 12) {
            return Err(self.corrupt("the header fails its checksum"));
        }
        self.offset = header_bytes;
        self.header = Bytes::from(header);
        Ok(())
    }

    /// The meta bytes given when the snapshot was written.
    pub fn meta(&self) -> Bytes {
        self.header.slice(HEADER_BYTES..)
    }

    /// What was read so far; of the whole snapshot after its end.
    pub(super) fn info(&self) -> SnapshotInfo {
        SnapshotInfo { meta: self.meta().to_vec(), entries: self.entries, bytes: self.offset }
    }

    /// The next piece, to be sent to another node; None after the last one.
    ///
    /// # Errors
    /// When the snapshot is damaged or the disk fails.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        if !self.header_sent {
            self.header_sent = true;
            return Ok(Some(self.header.clone()));
        }
        self.read_piece(&mut |_, _, _| Ok(()))
    }

    /// Visits the entries of the next chunk. Returns false at the end.
    pub(super) fn next_entries(
        &mut self,
        visit: &mut VisitEntry<'_>,
    ) -> Result<bool, SnapshotError> {
        Ok(self.read_piece(visit)?.is_some())
    }

    fn read_piece(&mut self, visit: &mut VisitEntry<'_>) -> Result<Option<Bytes>, SnapshotError> {
        if self.ended {
            return Ok(None);
        }
        let head = self.read(self.offset, CHUNK_HEADER_BYTES as u64)?;
        let (payload_bytes, count, crc) = (u32_at(&head, 0), u32_at(&head, 4), u32_at(&head, 8));
        let piece = if payload_bytes == 0 {
            self.read_footer()?
        } else {
            let piece_bytes = CHUNK_HEADER_BYTES as u64 + u64::from(payload_bytes);
            let piece = self.read(self.offset, piece_bytes)?;
            let payload = &piece[CHUNK_HEADER_BYTES..];
            if crc != format::chunk_crc(self.header_crc, self.chunks, count, payload) {
                return Err(self.corrupt("a chunk fails its checksum"));
            }
            self.visit(payload, count, visit)?;
            self.chunks += 1;
            piece
        };
        self.offset += piece.len() as u64;
        Ok(Some(Bytes::from(piece)))
    }

    fn read_footer(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let footer = self.read(self.offset, FOOTER_BYTES as u64)?;
        if u32_at(&footer, 4) != 0
            || u32_at(&footer, 8) != format::footer_crc(self.header_crc, &footer)
        {
            return Err(self.corrupt("the footer fails its checksum"));
        }
        if (u64_at(&footer, 12), u64_at(&footer, 20)) != (self.chunks, self.entries) {
            return Err(self.corrupt("chunks are missing before the footer"));
        }
        if self.file_bytes != self.offset + FOOTER_BYTES as u64 {
            return Err(self.corrupt("the file goes on after the footer"));
        }
        self.ended = true;
        Ok(footer)
    }

    fn visit(
        &mut self,
        mut payload: &[u8],
        count: u32,
        visit: &mut VisitEntry<'_>,
    ) -> Result<(), SnapshotError> {
        for _ in 0..count {
            let Some(((table, key, value), rest)) = format::take_entry(payload) else {
                return Err(self.corrupt("the entries of a chunk do not add up"));
            };
            let last = self.last.as_ref().map(|(table, key)| (*table, key.as_slice()));
            if last.is_some_and(|last| last >= (table, key)) {
                return Err(self.corrupt("the entries are not in order"));
            }
            visit(table, key, value)?;
            self.last = Some((table, key.to_vec()));
            self.entries += 1;
            payload = rest;
        }
        if payload.is_empty() { Ok(()) } else { Err(self.corrupt("a chunk has bytes left over")) }
    }

    /// Bytes of the file. A length that is not there is damage, not an allocation.
    fn read(&self, offset: u64, len_bytes: u64) -> Result<Vec<u8>, SnapshotError> {
        if offset.saturating_add(len_bytes) > self.file_bytes {
            return Err(self.corrupt("the file ends too early"));
        }
        let mut bytes = vec![0; usize::try_from(len_bytes).unwrap_or(usize::MAX)];
        self.file
            .read_exact_at(offset, &mut bytes)
            .map_err(|error| at(&self.path, "read", error))?;
        Ok(bytes)
    }

    fn corrupt(&self, reason: &str) -> SnapshotError {
        let (path, reason) = (self.path.clone(), reason.to_owned());
        SnapshotError::Corrupt { path, offset: self.offset, reason }
    }
}
