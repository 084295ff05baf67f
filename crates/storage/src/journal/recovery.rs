//! Opening a journal: reads all segments, rebuilds the durable view of every stream, cuts a torn
//! tail and refuses damage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_env::{Disk, DiskFile, OpenMode};

use super::JournalOptions;
use super::error::{JournalError, at};
use super::format::{
    FRAME_ALIGN, FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, FrameKind, HeaderCheck,
    SEGMENT_HEADER_BYTES, SegmentHeader, VERSION, decode_entries, decode_state, frame_bytes,
};
use super::frames::{Frame, Window, is_flipped, next_frame};
use super::hard_state::{self, HardState};
use super::segments::{ActiveSegment, Reserves, StartError, parse_segment_name, segment_path};
use super::stream::{FramePlace, Stream, StreamState};
use crate::limits::{ENTRY_BYTES_MAX, GROUP_BYTES_MAX};

/// What opening a journal found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segments that hold frames.
    pub segments: u64,
    /// Frames read.
    pub frames: u64,
    /// Bytes of frames read.
    pub bytes: u64,
    /// What was cut, if a write was interrupted.
    pub torn_tail: Option<TornTail>,
}

/// The remains of a write that was interrupted. Nobody was told that it was durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: PathBuf,
    /// Where the intact frames end, in bytes.
    pub offset: u64,
}

pub(super) struct Recovered {
    pub(super) streams: BTreeMap<u32, Arc<Stream>>,
    pub(super) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    pub(super) active: ActiveSegment,
    pub(super) reserves: Reserves,
    pub(super) report: OpenReport,
}

pub(super) fn recover(
    disk: &dyn Disk,
    folder: &Path,
    options: &JournalOptions,
) -> Result<Recovered, JournalError> {
    disk.create_dir(folder).map_err(|error| at(folder, "make", error))?;
    let names = disk.list(folder).map_err(|error| at(folder, "list", error))?;
    let (segment_bytes, ballast_bytes) = (options.segment_bytes, options.ballast_bytes);
    let mut reserves = Reserves::find(disk, folder, &names, segment_bytes, ballast_bytes)
        .map_err(|error| at(folder, "read the reserves in", error))?;
    let hard: Vec<u32> = names.iter().filter_map(|name| hard_state::parse_name(name)).collect();
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| parse_segment_name(name)).collect();
    numbers.sort_unstable();
    check_complete(folder, &numbers, &hard)?;

    let mut scan = Scan { folder, streams: BTreeMap::new(), report: OpenReport::default() };
    let mut files = BTreeMap::new();
    let mut last: Option<ScannedSegment> = None;
    for (position, number) in numbers.iter().enumerate() {
        let is_last = position + 1 == numbers.len();
        let segment = scan.segment(disk, *number, last.as_ref(), is_last)?;
        files.insert(*number, segment.file.clone());
        last = Some(segment);
    }
    scan.check_streams()?;
    let active = match last {
        Some(last) => last.into_active(),
        None => start_first_segment(disk, folder, &mut reserves)?,
    };
    files.insert(active.number, active.file.clone());

    let report = scan.report;
    let mut states = scan.streams;
    let mut streams = BTreeMap::new();
    for stream in hard {
        states.entry(stream).or_default();
    }
    for (id, mut state) in states {
        state.fall_back();
        let hard_path = hard_state::path(folder, id);
        let has_file =
            names.iter().any(|name| hard_path.file_name().is_some_and(|it| it == &**name));
        let hard = if has_file { HardState::load(disk, folder, id)? } else { HardState::default() };
        streams.insert(id, Arc::new(Stream::recovered(id, state, hard)));
    }
    Ok(Recovered { streams, files, active, reserves, report })
}

fn check_complete(folder: &Path, numbers: &[u64], hard: &[u32]) -> Result<(), JournalError> {
    if numbers.is_empty() && !hard.is_empty() {
        return Err(JournalError::Corrupt {
            segment: folder.to_owned(),
            offset: 0,
            reason: "there are hard states but no segment: all segments were removed".to_owned(),
        });
    }
    for pair in numbers.windows(2) {
        if pair[0] + 1 != pair[1] {
            return Err(JournalError::Corrupt {
                segment: segment_path(folder, pair[0] + 1),
                offset: 0,
                reason: "the segment is missing between others".to_owned(),
            });
        }
    }
    Ok(())
}

fn start_first_segment(
    disk: &dyn Disk,
    folder: &Path,
    reserves: &mut Reserves,
) -> Result<ActiveSegment, JournalError> {
    let header = SegmentHeader { number: 1, segment_bytes: 0, previous_end: 0, previous_chain: 0 };
    reserves.start_segment(disk, header, &[]).map_err(|error| {
        let (StartError::Before(error) | StartError::Flush(error)) = error;
        at(folder, "make the first segment in", error)
    })
}

/// A segment, as far as its frames are intact.
pub(super) struct ScannedSegment {
    pub(super) number: u64,
    file: Arc<dyn DiskFile>,
    pub(super) segment_bytes: u32,
    /// Where its intact frames end.
    pub(super) end: u32,
    /// What the next frame has to name.
    pub(super) chain: u32,
}

impl ScannedSegment {
    fn into_active(self) -> ActiveSegment {
        ActiveSegment {
            number: self.number,
            file: self.file,
            segment_bytes: self.segment_bytes,
            end: self.end,
            chain: self.chain,
            zeroed: self.end,
        }
    }
}

struct Scan<'a> {
    folder: &'a Path,
    streams: BTreeMap<u32, StreamState>,
    report: OpenReport,
}

impl Scan<'_> {
    fn segment(
        &mut self,
        disk: &dyn Disk,
        number: u64,
        previous: Option<&ScannedSegment>,
        is_last: bool,
    ) -> Result<ScannedSegment, JournalError> {
        let path = segment_path(self.folder, number);
        let mode = if is_last { OpenMode::ReadWrite } else { OpenMode::Read };
        let file = disk.open(&path, mode).map_err(|error| at(&path, "open", error))?;
        let (header, chain) = read_header(&path, file.as_ref(), number)?;
        if let Some(previous) = previous
            && (previous.end, previous.chain) != (header.previous_end, header.previous_chain)
        {
            return Err(JournalError::Corrupt {
                segment: segment_path(self.folder, previous.number),
                offset: u64::from(previous.end),
                reason: format!(
                    "the frame here is not intact, but the segment after it says that the frames \
                     go on to byte {}",
                    header.previous_end
                ),
            });
        }
        let mut segment = ScannedSegment {
            number,
            file: file.clone(),
            segment_bytes: header.segment_bytes,
            end: SEGMENT_HEADER_BYTES as u32,
            chain,
        };
        let mut window = Window::new(&path, file.as_ref(), header.segment_bytes);
        while let Some(frame) = next_frame(&mut window, &segment)? {
            self.apply(&path, &frame, segment.end)?;
            self.report.frames += 1;
            self.report.bytes += frame.header.frame_bytes() as u64;
            segment.end += frame.header.frame_bytes() as u32;
            segment.chain = frame.chain;
        }
        if segment.end == SEGMENT_HEADER_BYTES as u32 {
            // It was flushed before the segment got its name.
            return Err(JournalError::Corrupt {
                segment: path,
                offset: u64::from(segment.end),
                reason: "the first frame (state) is not intact".to_owned(),
            });
        }
        self.report.segments += 1;
        if is_last {
            self.cut_tail(&path, &mut window, &segment)?;
        }
        Ok(segment)
    }

    fn apply(&mut self, path: &Path, frame: &Frame, offset: u32) -> Result<(), JournalError> {
        let corrupt = |reason: String| JournalError::Corrupt {
            segment: path.to_owned(),
            offset: u64::from(offset),
            reason,
        };
        let header = &frame.header;
        let is_first = offset == SEGMENT_HEADER_BYTES as u32;
        if is_first != (header.kind == FrameKind::State) {
            return Err(corrupt("a state frame is not where it belongs".to_owned()));
        }
        match header.kind {
            FrameKind::State => {
                let bounds = decode_state(header.count, &frame.payload)
                    .ok_or_else(|| corrupt("the state frame does not add up".to_owned()))?;
                for bounds in bounds {
                    let is_new = self.report.segments == 0;
                    let state = self.streams.entry(bounds.stream).or_default();
                    if is_new {
                        state.durable_first = bounds.first_index;
                        state.durable_next = bounds.next_index;
                    }
                    // What the writer believed and what is read must agree.
                    let read = (state.durable_first, state.durable_next);
                    if read != (bounds.first_index, bounds.next_index) {
                        return Err(corrupt(format!(
                            "stream {} should be at {}..{} here but is at {}..{}",
                            bounds.stream, bounds.first_index, bounds.next_index, read.0, read.1
                        )));
                    }
                }
            }
            FrameKind::Entries => {
                let entries = decode_entries(header.count, &frame.payload);
                if entries.is_none_or(|entries| entries.is_empty()) {
                    return Err(corrupt("the entries of a frame do not add up".to_owned()));
                }
                let state = self.streams.entry(header.stream).or_default();
                if header.first_index != state.durable_next {
                    return Err(corrupt(format!(
                        "stream {} continues at index {}, but the frame starts at {}",
                        header.stream, state.durable_next, header.first_index
                    )));
                }
                state.durable_append(FramePlace {
                    first_index: header.first_index,
                    count: header.count,
                    segment: header.segment,
                    offset,
                    bytes: header.frame_bytes() as u32,
                });
            }
            FrameKind::Truncate => {
                let state = self.streams.entry(header.stream).or_default();
                state.durable_truncate(header.first_index);
            }
            FrameKind::Purge => {
                let state = self.streams.entry(header.stream).or_default();
                state.durable_purge(header.first_index);
            }
            FrameKind::Unknown(code) => {
                return Err(corrupt(format!("there is no kind of frame {code}")));
            }
        }
        Ok(())
    }

    /// Decides whether what follows the last intact frame is nothing, a torn tail or damage, and
    /// leaves the segment ready for the next write.
    fn cut_tail(
        &mut self,
        path: &Path,
        window: &mut Window<'_>,
        segment: &ScannedSegment,
    ) -> Result<(), JournalError> {
        let end = segment.end;
        let rest = segment.segment_bytes - end;
        let marker_bytes = (FRAME_HEADER_BYTES as u32).min(rest) as usize;
        let mut torn = window.get(end, marker_bytes)?.iter().any(|byte| *byte != 0);
        let mut offset = end;
        // The next write would begin, at the latest, after the longest one that begins here.
        let longest = GROUP_BYTES_MAX.max(frame_bytes(ENTRY_BYTES_MAX + 4)) + FRAME_HEADER_BYTES;
        let search_end = segment.segment_bytes.min(end.saturating_add(longest as u32));
        while offset + FRAME_HEADER_BYTES as u32 <= search_end {
            let bytes = window.get(offset, FRAME_HEADER_BYTES)?;
            if bytes.starts_with(FRAME_MAGIC)
                && let Some((header, _)) = FrameHeader::decode(bytes)
                && header.segment == segment.number
                && header.offset == offset
            {
                if header.group_start > end {
                    return Err(JournalError::Corrupt {
                        segment: path.to_owned(),
                        offset: u64::from(end),
                        reason: format!(
                            "the frame here is not intact, but the frame at byte {offset} was \
                             written after it had been flushed"
                        ),
                    });
                }
                torn = true;
            }
            offset += FRAME_ALIGN as u32;
        }
        if torn && is_flipped(window, segment)? {
            return Err(JournalError::Corrupt {
                segment: path.to_owned(),
                offset: u64::from(end),
                reason:
                    "one bit of the frame here has changed; it is whole otherwise, so this is no \
                         interrupted write"
                        .to_owned(),
            });
        }
        if torn {
            tracing::warn!(
                segment = %path.display(), offset = end,
                "cut the remains of an interrupted write from the journal"
            );
            let zeros = [0; FRAME_HEADER_BYTES];
            let zeros = &zeros[..marker_bytes];
            segment
                .file
                .write_at(u64::from(end), zeros)
                .map_err(|error| at(path, "cut the tail of", error))?;
            let (segment, offset) = (path.to_owned(), u64::from(end));
            self.report.torn_tail = Some(TornTail { segment, offset });
        }
        // What was read may be in the memory of the system only, left there by a process that died
        // before its flush. From here on it counts as durable.
        segment.file.sync_data().map_err(|error| at(path, "flush", error))
    }

    /// Every entry that a stream claims must have been found.
    fn check_streams(&self) -> Result<(), JournalError> {
        for (stream, state) in &self.streams {
            let mut expected = state.durable_first;
            for frame in &state.frames {
                if frame.first_index > expected {
                    break;
                }
                expected = frame.first_index + u64::from(frame.count);
            }
            if expected < state.durable_next {
                return Err(JournalError::Corrupt {
                    segment: self.folder.to_owned(),
                    offset: 0,
                    reason: format!(
                        "entry {expected} of stream {stream} is missing: the oldest segments were \
                         removed"
                    ),
                });
            }
        }
        Ok(())
    }
}

fn read_header(
    path: &Path,
    file: &dyn DiskFile,
    number: u64,
) -> Result<(SegmentHeader, u32), JournalError> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let corrupt = |reason: &str| JournalError::Corrupt {
        segment: path.to_owned(),
        offset: 0,
        reason: reason.to_owned(),
    };
    match file.read_exact_at(0, &mut bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(corrupt("the file is too short for a segment"));
        }
        other => other.map_err(|error| at(path, "read", error))?,
    }
    let (header, chain) = match SegmentHeader::decode(&bytes) {
        HeaderCheck::Valid(header, chain) => (header, chain),
        HeaderCheck::UnknownVersion(found) => {
            let path = path.to_owned();
            return Err(JournalError::UnsupportedVersion { path, found, supported: VERSION });
        }
        HeaderCheck::Invalid => return Err(corrupt("the header of the segment is not intact")),
    };
    if header.number != number {
        return Err(corrupt("the file holds another segment than its name says"));
    }
    let len = file.len_bytes().map_err(|error| at(path, "read the length of", error))?;
    if len < u64::from(header.segment_bytes) {
        return Err(corrupt("the file is shorter than its header says"));
    }
    Ok((header, chain))
}
