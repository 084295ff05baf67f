//! The bytes of segments and frames. The layout is documented in the module above it.

use bytes::Bytes;

pub(super) const VERSION: u32 = 1;
pub(super) const SEGMENT_MAGIC: &[u8; 8] = b"SKEPJRNL";
pub(super) const FRAME_MAGIC: &[u8; 4] = b"SKFR";
pub(super) const SEGMENT_HEADER_BYTES: usize = 64;
pub(super) const FRAME_HEADER_BYTES: usize = 56;
pub(super) const FRAME_ALIGN: usize = 8;
/// One stream in a state frame.
pub(super) const STREAM_STATE_BYTES: usize = 24;

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u64,
    pub(super) segment_bytes: u32,
    pub(super) previous_end: u32,
    pub(super) previous_chain: u32,
}

/// What the first bytes of a segment turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderCheck {
    /// A header, and the chain value that its first frame names.
    Valid(SegmentHeader, u32),
    UnknownVersion(u32),
    Invalid,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> ([u8; SEGMENT_HEADER_BYTES], u32) {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.segment_bytes.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.previous_end.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.previous_chain.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        (bytes, crc)
    }

    pub(super) fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> HeaderCheck {
        if &bytes[0..8] != SEGMENT_MAGIC {
            return HeaderCheck::Invalid;
        }
        // The version comes before the checksum: another version may have another layout.
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return HeaderCheck::UnknownVersion(version);
        }
        let crc = u32_at(bytes, 12);
        if crc != crc32c::crc32c(&bytes[16..]) {
            return HeaderCheck::Invalid;
        }
        let header = Self {
            number: u64_at(bytes, 16),
            segment_bytes: u32_at(bytes, 24),
            previous_end: u32_at(bytes, 28),
            previous_chain: u32_at(bytes, 32),
        };
        HeaderCheck::Valid(header, crc)
    }
}

/// What a frame does to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Entries,
    Truncate,
    Purge,
    State,
    /// Written by a release that this one does not know.
    Unknown(u8),
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            Self::Entries => 1,
            Self::Truncate => 2,
            Self::Purge => 3,
            Self::State => 4,
            Self::Unknown(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Entries,
            2 => Self::Truncate,
            3 => Self::Purge,
            4 => Self::State,
            code => Self::Unknown(code),
        }
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) segment: u64,
    pub(super) first_index: u64,
    pub(super) offset: u32,
    pub(super) group_start: u32,
    pub(super) stream: u32,
    pub(super) kind: FrameKind,
    pub(super) payload_bytes: u32,
    pub(super) payload_crc: u32,
    pub(super) previous: u32,
    pub(super) count: u32,
}

impl FrameHeader {
    fn encode(&self) -> ([u8; FRAME_HEADER_BYTES], u32) {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[0..4].copy_from_slice(FRAME_MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_index.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.offset.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.group_start.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.stream.to_le_bytes());
        bytes[36] = self.kind.code();
        bytes[40..44].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.previous.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.count.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        (bytes, crc)
    }

    /// The header, and the chain value that the next frame names; None when these bytes are no
    /// intact frame header.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        if bytes.len() < FRAME_HEADER_BYTES || &bytes[0..4] != FRAME_MAGIC {
            return None;
        }
        let crc = u32_at(bytes, 4);
        if crc != crc32c::crc32c(&bytes[8..FRAME_HEADER_BYTES]) {
            return None;
        }
        let header = Self {
            segment: u64_at(bytes, 8),
            first_index: u64_at(bytes, 16),
            offset: u32_at(bytes, 24),
            group_start: u32_at(bytes, 28),
            stream: u32_at(bytes, 32),
            kind: FrameKind::from_code(bytes[36]),
            payload_bytes: u32_at(bytes, 40),
            payload_crc: u32_at(bytes, 44),
            previous: u32_at(bytes, 48),
            count: u32_at(bytes, 52),
        };
        Some((header, crc))
    }

    /// Header, payload and padding, in bytes.
    pub(super) fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_bytes as usize)
    }
}

/// What a frame with this payload takes, in bytes.
pub(super) fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGN)
}

/// What entries take as a payload, in bytes.
pub(super) fn entries_payload_bytes(entries: &[Bytes]) -> usize {
    entries.iter().map(|entry| 4 + entry.len()).sum()
}

/// Writes frames one after another into a buffer that will be written at one place.
pub(super) struct FrameEncoder<'a> {
    pub(super) buffer: &'a mut Vec<u8>,
    pub(super) segment: u64,
    /// Where the buffer will be written.
    pub(super) group_start: u32,
    /// Header crc of the frame before the next one.
    pub(super) chain: u32,
}

/// The start and end of a state frame's line for one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamBounds {
    pub(super) stream: u32,
    pub(super) first_index: u64,
    pub(super) next_index: u64,
}

impl FrameEncoder<'_> {
    /// Writes a frame; `payload` appends the payload to the buffer. Returns where the frame starts
    /// in the segment.
    pub(super) fn frame(
        &mut self,
        kind: FrameKind,
        stream: u32,
        first_index: u64,
        count: u32,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> u32 {
        let start = self.buffer.len();
        let offset = self.group_start + start as u32;
        self.buffer.resize(start + FRAME_HEADER_BYTES, 0);
        payload(self.buffer);
        let payload = &self.buffer[start + FRAME_HEADER_BYTES..];
        let header = FrameHeader {
            segment: self.segment,
            first_index,
            offset,
            group_start: self.group_start,
            stream,
            kind,
            payload_bytes: payload.len() as u32,
            payload_crc: crc32c::crc32c(payload),
            previous: self.chain,
            count,
        };
        let (bytes, crc) = header.encode();
        self.buffer[start..start + FRAME_HEADER_BYTES].copy_from_slice(&bytes);
        self.buffer.resize(start + header.frame_bytes(), 0);
        self.chain = crc;
        offset
    }

    pub(super) fn entries(&mut self, stream: u32, first_index: u64, entries: &[Bytes]) -> u32 {
        let count = entries.len() as u32;
        self.frame(FrameKind::Entries, stream, first_index, count, |buffer| {
            for entry in entries {
                buffer.extend_from_slice(&(entry.len() as u32).to_le_bytes());
            }
            for entry in entries {
                buffer.extend_from_slice(entry);
            }
        })
    }

    pub(super) fn state(&mut self, streams: &[StreamBounds]) -> u32 {
        self.frame(FrameKind::State, 0, 0, streams.len() as u32, |buffer| {
            for bounds in streams {
                buffer.extend_from_slice(&bounds.stream.to_le_bytes());
                buffer.extend_from_slice(&[0; 4]);
                buffer.extend_from_slice(&bounds.first_index.to_le_bytes());
                buffer.extend_from_slice(&bounds.next_index.to_le_bytes());
            }
        })
    }
}

/// The streams of a state frame; None when the payload does not add up.
pub(super) fn decode_state(count: u32, payload: &[u8]) -> Option<Vec<StreamBounds>> {
    if payload.len() != count as usize * STREAM_STATE_BYTES {
        return None;
    }
    let lines = payload.chunks_exact(STREAM_STATE_BYTES);
    Some(
        lines
            .map(|line| StreamBounds {
                stream: u32_at(line, 0),
                first_index: u64_at(line, 8),
                next_index: u64_at(line, 16),
            })
            .collect(),
    )
}

/// The entries of an entries frame; None when the payload does not add up.
pub(super) fn decode_entries(count: u32, payload: &Bytes) -> Option<Vec<Bytes>> {
    let mut at = (count as usize).checked_mul(4).filter(|at| *at <= payload.len())?;
    let mut entries = Vec::with_capacity(count as usize);
    for number in 0..count as usize {
        let end = at.checked_add(u32_at(payload, number * 4) as usize)?;
        if end > payload.len() {
            return None;
        }
        entries.push(payload.slice(at..end));
        at = end;
    }
    (at == payload.len()).then_some(entries)
}
