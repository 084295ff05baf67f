//! The files of a journal: their names, the segment being written, and the reserves (spare segments
//! and ballast) that are taken from the disk before they are needed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_env::{Disk, DiskFile, OpenMode};

use super::format::{FrameEncoder, SEGMENT_HEADER_BYTES, SegmentHeader, StreamBounds};
use crate::limits::SPARE_SEGMENTS_MAX;

const SEGMENT_PREFIX: &str = "segment-";
const SPARE_PREFIX: &str = "spare-";
const SUFFIX: &str = ".log";
pub(super) const BALLAST_NAME: &str = "ballast";

pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{SEGMENT_PREFIX}{number:010}{SUFFIX}"))
}

fn spare_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{SPARE_PREFIX}{number:010}{SUFFIX}"))
}

pub(super) fn parse_segment_name(name: &str) -> Option<u64> {
    name.strip_prefix(SEGMENT_PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

pub(super) fn parse_spare_name(name: &str) -> Option<u64> {
    name.strip_prefix(SPARE_PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The segment being written.
pub(super) struct ActiveSegment {
    pub(super) number: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) segment_bytes: u32,
    /// Where the next frame goes.
    pub(super) end: u32,
    /// Header crc of the last frame.
    pub(super) chain: u32,
    /// Up to where the blocks of the file have been written in this life of the process.
    pub(super) zeroed: u32,
}

/// A file that can become the next segment.
struct Spare {
    number: u64,
    /// Recycled: all its blocks have been written, so nothing needs to be zeroed ahead.
    written: bool,
}

/// Spare segments and ballast.
pub(super) struct Reserves {
    folder: PathBuf,
    segment_bytes: u32,
    ballast_bytes: u64,
    spares: Vec<Spare>,
    next_spare: u64,
    ballast: bool,
}

impl Reserves {
    /// What a listing of the folder shows. Spares of another size are taken away.
    pub(super) fn find(
        disk: &dyn Disk,
        folder: &Path,
        names: &[String],
        segment_bytes: u32,
        ballast_bytes: u64,
    ) -> io::Result<Self> {
        let mut reserves = Self {
            folder: folder.to_owned(),
            segment_bytes,
            ballast_bytes,
            spares: Vec::new(),
            next_spare: 1,
            ballast: ballast_bytes == 0,
        };
        for number in names.iter().filter_map(|name| parse_spare_name(name)) {
            let path = spare_path(folder, number);
            reserves.next_spare = reserves.next_spare.max(number + 1);
            if disk.open(&path, OpenMode::Read)?.len_bytes()? == u64::from(segment_bytes) {
                reserves.spares.push(Spare { number, written: false });
            } else {
                disk.remove(&path)?;
            }
        }
        if names.iter().any(|name| name == BALLAST_NAME) {
            let path = folder.join(BALLAST_NAME);
            if disk.open(&path, OpenMode::Read)?.len_bytes()? == ballast_bytes {
                reserves.ballast = true;
            } else {
                disk.remove(&path)?;
            }
        }
        Ok(reserves)
    }

    pub(super) fn complete(&self) -> bool {
        self.ballast && !self.spares.is_empty()
    }

    pub(super) fn has_spare(&self) -> bool {
        !self.spares.is_empty()
    }

    /// Takes a spare segment from the disk if there is none.
    pub(super) fn take_spare(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if !self.spares.is_empty() {
            return Ok(());
        }
        let number = self.next_spare;
        self.next_spare += 1;
        let bytes = u64::from(self.segment_bytes);
        reserve(disk, &spare_path(&self.folder, number), bytes)?;
        self.spares.push(Spare { number, written: false });
        Ok(())
    }

    /// Takes the ballast from the disk if it is missing and that leaves as much free again.
    pub(super) fn take_ballast(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if self.ballast {
            return Ok(());
        }
        if disk.free_bytes(&self.folder)? < self.ballast_bytes.saturating_mul(2) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        reserve(disk, &self.folder.join(BALLAST_NAME), self.ballast_bytes)?;
        self.ballast = true;
        Ok(())
    }

    /// Gives the ballast back to the disk.
    pub(super) fn give_up_ballast(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if self.ballast && self.ballast_bytes > 0 {
            disk.remove(&self.folder.join(BALLAST_NAME))?;
            self.ballast = false;
        }
        Ok(())
    }

    /// Turns a segment that nobody needs into a spare, or removes it when there are enough. The
    /// folder must be synced before the spare is used: else a crash could bring the segment back
    /// under its old name with its new content.
    pub(super) fn recycle(&mut self, disk: &dyn Disk, segment: u64, bytes: u64) -> io::Result<()> {
        let path = segment_path(&self.folder, segment);
        if self.spares.len() >= SPARE_SEGMENTS_MAX || bytes != u64::from(self.segment_bytes) {
            return disk.remove(&path);
        }
        let number = self.next_spare;
        self.next_spare += 1;
        disk.rename(&path, &spare_path(&self.folder, number))?;
        self.spares.push(Spare { number, written: true });
        Ok(())
    }

    /// Makes a spare the segment `header.number`, durably, with its header and state frame. A
    /// failure leaves the spare a spare.
    pub(super) fn start_segment(
        &mut self,
        disk: &dyn Disk,
        header: SegmentHeader,
        streams: &[StreamBounds],
    ) -> Result<ActiveSegment, StartError> {
        let header = SegmentHeader { segment_bytes: self.segment_bytes, ..header };
        self.take_spare(disk).map_err(StartError::Before)?;
        let Some(spare) = self.spares.last() else {
            return Err(StartError::Before(io::ErrorKind::StorageFull.into()));
        };
        let path = spare_path(&self.folder, spare.number);
        let file = disk.open(&path, OpenMode::ReadWrite).map_err(StartError::Before)?;
        let (mut buffer, chain) = first_bytes(header, streams);
        let end = buffer.len() as u32;
        // The place after the state frame must not hold a frame of an earlier life.
        buffer.resize(buffer.len() + super::format::FRAME_HEADER_BYTES, 0);
        file.write_at(0, &buffer).map_err(StartError::Before)?;
        file.sync_data().map_err(StartError::Flush)?;
        disk.rename(&path, &segment_path(&self.folder, header.number))
            .map_err(StartError::Before)?;
        disk.sync_dir(&self.folder).map_err(StartError::Flush)?;
        let zeroed = if spare.written { self.segment_bytes } else { end };
        self.spares.pop();
        Ok(ActiveSegment {
            number: header.number,
            file,
            segment_bytes: self.segment_bytes,
            end,
            chain,
            zeroed,
        })
    }
}

/// Why a segment could not be started.
#[derive(Debug)]
pub(super) enum StartError {
    /// Nothing happened; it may succeed later.
    Before(io::Error),
    /// A flush failed: what is on the disk is not known.
    Flush(io::Error),
}

/// The first bytes of a segment, and the chain value of its first frame.
pub(super) fn first_bytes(header: SegmentHeader, streams: &[StreamBounds]) -> (Vec<u8>, u32) {
    let (bytes, chain) = header.encode();
    let mut frames = Vec::new();
    let mut encoder = FrameEncoder {
        buffer: &mut frames,
        segment: header.number,
        group_start: SEGMENT_HEADER_BYTES as u32,
        chain,
    };
    encoder.state(streams);
    let chain = encoder.chain;
    let mut buffer = bytes.to_vec();
    buffer.extend_from_slice(&frames);
    (buffer, chain)
}

/// Makes a file of reserved space; on failure nothing stays behind.
fn reserve(disk: &dyn Disk, path: &Path, bytes: u64) -> io::Result<()> {
    let result = disk.open(path, OpenMode::Create).and_then(|file| {
        file.preallocate(bytes)?;
        file.sync_data()
    });
    if result.is_err() {
        // Best effort: a leftover has the wrong size and is taken away at the next start.
        drop(disk.remove(path));
    }
    result
}
