//! Reading the frames of a segment, one after another, and telling a flipped bit from a write that was
//! interrupted.

use std::path::Path;

use skep_env::DiskFile;

use super::error::{JournalError, at};
use super::flip::{is_one_bit_off, one_bit_off};
use super::format::{FRAME_HEADER_BYTES, FrameHeader, frame_bytes};
use super::recovery::ScannedSegment;
use crate::limits::{FLIP_PAYLOAD_BYTES_MAX, SCAN_WINDOW_BYTES};

/// An intact frame.
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    /// What the next frame has to name.
    pub(super) chain: u32,
    pub(super) payload: bytes::Bytes,
}

/// The frame at the end of what was scanned; None when there is no intact one that belongs there.
pub(super) fn next_frame(
    window: &mut Window<'_>,
    segment: &ScannedSegment,
) -> Result<Option<Frame>, JournalError> {
    let offset = segment.end;
    if room(segment) < FRAME_HEADER_BYTES {
        return Ok(None);
    }
    let Some((header, chain)) = FrameHeader::decode(window.get(offset, FRAME_HEADER_BYTES)?) else {
        return Ok(None);
    };
    if !continues(&header, segment) {
        return Ok(None);
    }
    let payload_bytes = header.payload_bytes as usize;
    let payload = window.get(offset + FRAME_HEADER_BYTES as u32, payload_bytes)?;
    if crc32c::crc32c(payload) != header.payload_crc {
        return Ok(None);
    }
    // Only lengths are looked at, but they are looked at by the same code that reads entries.
    let payload = bytes::Bytes::copy_from_slice(payload);
    Ok(Some(Frame { header, chain, payload }))
}

/// Whether the frame at the end of what was scanned is whole but for one bit. Of an interrupted write a sector
/// is missing at least; what differs in one bit was written to the end, so that somebody may have been told that
/// it is durable.
pub(super) fn is_flipped(
    window: &mut Window<'_>,
    segment: &ScannedSegment,
) -> Result<bool, JournalError> {
    if room(segment) < FRAME_HEADER_BYTES {
        return Ok(false);
    }
    let bytes = window.get(segment.end, FRAME_HEADER_BYTES)?.to_vec();
    let continues = |bytes: &[u8]| {
        let (header, _) = FrameHeader::decode(bytes)?;
        continues(&header, segment).then_some(header)
    };
    let (header, flips_left) = match continues(&bytes) {
        Some(header) => (header, true),
        None => match one_bit_off(bytes, continues) {
            Some(header) => (header, false),
            None => return Ok(false),
        },
    };
    let payload_bytes = header.payload_bytes as usize;
    let payload = window.get(segment.end + FRAME_HEADER_BYTES as u32, payload_bytes)?;
    if !flips_left {
        return Ok(crc32c::crc32c(payload) == header.payload_crc);
    }
    Ok(payload_bytes <= FLIP_PAYLOAD_BYTES_MAX && is_one_bit_off(payload, header.payload_crc))
}

/// Whether this is the header of the next frame of the segment.
fn continues(header: &FrameHeader, segment: &ScannedSegment) -> bool {
    header.segment == segment.number
        && header.offset == segment.end
        && header.previous == segment.chain
        && frame_bytes(header.payload_bytes as usize) <= room(segment)
}

/// Bytes of the segment that were not scanned.
fn room(segment: &ScannedSegment) -> usize {
    (segment.segment_bytes - segment.end) as usize
}

/// Reads a segment through a window in memory.
pub(super) struct Window<'a> {
    path: &'a Path,
    file: &'a dyn DiskFile,
    segment_bytes: u32,
    start: u32,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(path: &'a Path, file: &'a dyn DiskFile, segment_bytes: u32) -> Self {
        Self { path, file, segment_bytes, start: 0, bytes: Vec::new() }
    }

    /// Bytes within the segment.
    pub(super) fn get(&mut self, offset: u32, len: usize) -> Result<&[u8], JournalError> {
        let end = self.start as usize + self.bytes.len();
        if offset < self.start || offset as usize + len > end {
            let rest = (self.segment_bytes - offset) as usize;
            self.bytes.resize(SCAN_WINDOW_BYTES.max(len).min(rest), 0);
            self.start = offset;
            self.file
                .read_exact_at(u64::from(offset), &mut self.bytes)
                .map_err(|error| at(self.path, "read", error))?;
        }
        let at = (offset - self.start) as usize;
        Ok(&self.bytes[at..at + len])
    }
}
