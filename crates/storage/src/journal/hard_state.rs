//! The small state of a stream that must survive on its own (for Raft: term and vote), in a file
//! with two slots that are written in turn, so that a torn write leaves the value before it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use skep_env::{Disk, DiskFile, OpenMode};

use super::error::{JournalError, at};
use super::flip::one_bit_off;
use super::format::{u32_at, u64_at};
use crate::limits::HARD_STATE_BYTES_MAX;

const MAGIC: &[u8; 8] = b"SKEPHARD";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 4096;
const HEADER_BYTES: usize = 28;
const PREFIX: &str = "stream-";
const SUFFIX: &str = ".hard";

/// The hard state of one stream and the file that keeps it.
#[derive(Default)]
pub(super) struct HardState {
    file: Option<Arc<dyn DiskFile>>,
    generation: u64,
    value: Option<Bytes>,
}

pub(super) fn path(folder: &Path, stream: u32) -> PathBuf {
    folder.join(format!("{PREFIX}{stream}{SUFFIX}"))
}

/// The stream that a file of this name belongs to.
pub(super) fn parse_name(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

enum Slot {
    Valid(u64, Bytes),
    Invalid,
}

impl HardState {
    /// Reads the file of a stream.
    pub(super) fn load(disk: &dyn Disk, folder: &Path, stream: u32) -> Result<Self, JournalError> {
        let path = path(folder, stream);
        let file =
            disk.open(&path, OpenMode::ReadWrite).map_err(|error| at(&path, "open", error))?;
        let mut state = Self { file: Some(file.clone()), ..Self::default() };
        let (mut damaged, mut empty, mut flipped) = (0, 0, None);
        for slot in 0..2 {
            let mut bytes = vec![0; SLOT_BYTES];
            read_slot(file.as_ref(), slot, &mut bytes).map_err(|error| at(&path, "read", error))?;
            match decode(&path, &bytes)? {
                Slot::Valid(generation, value) if generation > state.generation => {
                    state.generation = generation;
                    state.value = Some(value);
                }
                Slot::Valid(..) => {}
                Slot::Invalid if bytes.iter().all(|byte| *byte == 0) => empty += 1,
                Slot::Invalid => {
                    damaged += 1;
                    flipped = flipped.max(flipped_generation(&path, bytes));
                }
            }
        }
        if flipped.is_some_and(|generation| generation > state.generation) {
            return Err(JournalError::Corrupt {
                segment: path,
                offset: 0,
                reason: "one bit of the latest hard state has changed".to_owned(),
            });
        }
        // One damaged slot is a torn write of a value that nobody was told of, or the first write
        // ever if the other is empty. Two are not: they were never written at the same time.
        if state.value.is_none() && damaged == 2 {
            return Err(JournalError::Corrupt {
                segment: path,
                offset: 0,
                reason: "both slots of the hard state fail their checksum".to_owned(),
            });
        }
        debug_assert!(damaged + empty <= 2);
        Ok(state)
    }

    pub(super) fn value(&self) -> Option<Bytes> {
        self.value.clone()
    }

    /// Writes a new value without flushing. Returns the file to flush, and whether it is new, so
    /// that the folder must be flushed too.
    pub(super) fn write(
        &mut self,
        disk: &dyn Disk,
        folder: &Path,
        stream: u32,
        value: Bytes,
    ) -> io::Result<(Arc<dyn DiskFile>, bool)> {
        assert!(value.len() <= HARD_STATE_BYTES_MAX, "checked when it was queued");
        let (file, new) = match &self.file {
            Some(file) => (file.clone(), false),
            None => {
                let file = disk.open(&path(folder, stream), OpenMode::Create)?;
                file.preallocate(2 * SLOT_BYTES as u64)?;
                (file, true)
            }
        };
        let generation = self.generation + 1;
        let slot = generation % 2;
        file.write_at(slot * SLOT_BYTES as u64, &encode(generation, &value))?;
        self.file = Some(file.clone());
        self.generation = generation;
        self.value = Some(value);
        Ok((file, new))
    }
}

fn read_slot(file: &dyn DiskFile, slot: u64, bytes: &mut [u8]) -> io::Result<()> {
    match file.read_exact_at(slot * SLOT_BYTES as u64, bytes) {
        // A file that a crash left too short: the slot was never flushed.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            bytes.fill(0);
            Ok(())
        }
        other => other,
    }
}

fn encode(generation: u64, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; SLOT_BYTES];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&generation.to_le_bytes());
    bytes[24..28].copy_from_slice(&(value.len() as u32).to_le_bytes());
    bytes[HEADER_BYTES..HEADER_BYTES + value.len()].copy_from_slice(value);
    let crc = crc32c::crc32c(&bytes[16..HEADER_BYTES + value.len()]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The generation of a slot that is whole but for one bit: it was written to the end, and somebody may have been
/// told so.
fn flipped_generation(path: &Path, bytes: Vec<u8>) -> Option<u64> {
    one_bit_off(bytes, |bytes| match decode(path, bytes) {
        Ok(Slot::Valid(generation, _)) => Some(generation),
        Ok(Slot::Invalid) | Err(_) => None,
    })
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Slot, JournalError> {
    if &bytes[0..8] != MAGIC {
        return Ok(Slot::Invalid);
    }
    let version = u32_at(bytes, 8);
    if version != VERSION {
        let path = path.to_owned();
        return Err(JournalError::UnsupportedVersion { path, found: version, supported: VERSION });
    }
    let end = HEADER_BYTES + u32_at(bytes, 24) as usize;
    if end > SLOT_BYTES || u32_at(bytes, 12) != crc32c::crc32c(&bytes[16..end]) {
        return Ok(Slot::Invalid);
    }
    Ok(Slot::Valid(u64_at(bytes, 16), Bytes::copy_from_slice(&bytes[HEADER_BYTES..end])))
}
