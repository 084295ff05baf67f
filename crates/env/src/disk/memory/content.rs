//! What a file of a memory disk holds, synced and not.

use crate::random::{Random, SeededRandom};

/// What a disk writes at once or not at all, in bytes: the smallest unit any disk promises.
const SECTOR_BYTES: usize = 512;

#[derive(Default)]
pub(super) struct FileState {
    pub(super) current: Content,
    pub(super) synced: Content,
    pub(super) unsynced: Vec<Change>,
}

/// The bytes of a file. Zeros at its end that nobody wrote take no memory.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) written: Vec<u8>,
    pub(super) len: usize,
}

impl Content {
    fn resize(&mut self, len: usize) {
        self.written.truncate(len);
        self.len = len;
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        if self.written.len() < end {
            self.written.resize(end, 0);
        }
        self.written[offset..end].copy_from_slice(data);
        self.len = self.len.max(end);
    }

    /// Fills the buffer as far as the file goes, and says how far that is.
    pub(super) fn read(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let count = self.len.saturating_sub(offset).min(buffer.len());
        let buffer = &mut buffer[..count];
        let written = self.written.get(offset..).unwrap_or_default();
        let (copied, zeros) = buffer.split_at_mut(written.len().min(count));
        copied.copy_from_slice(&written[..copied.len()]);
        zeros.fill(0);
        count
    }
}

pub(super) enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl FileState {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.synced);
        }
    }

    pub(super) fn crash(&mut self, random: &SeededRandom) {
        enum Fate {
            All,
            None,
            First(u64),
            Half,
        }
        let changes = std::mem::take(&mut self.unsynced);
        let sectors: u64 = changes.iter().map(|change| change.sectors().count() as u64).sum();
        let fate = match random.below(4) {
            0 => Fate::All,
            1 => Fate::None,
            2 => Fate::First(random.below(sectors + 1)),
            _ => Fate::Half,
        };
        let pieces = changes.iter().flat_map(Change::sectors);
        for (number, piece) in (0u64..).zip(pieces) {
            let kept = match fate {
                Fate::All => true,
                Fate::None => false,
                Fate::First(count) => number < count,
                Fate::Half => random.below(2) == 0,
            };
            if kept {
                piece.apply(&mut self.synced);
            }
        }
        self.current = self.synced.clone();
    }
}

impl Change {
    fn apply(&self, bytes: &mut Content) {
        match self {
            Self::Write(offset, data) => bytes.write(*offset, data),
            Self::Resize(len) => bytes.resize(*len),
        }
    }

    /// The pieces of a change that survive or vanish each on its own.
    fn sectors(&self) -> Box<dyn Iterator<Item = Change> + '_> {
        match self {
            Self::Resize(len) => Box::new(std::iter::once(Self::Resize(*len))),
            Self::Write(offset, data) => {
                let (mut at, mut rest) = (*offset, data.as_slice());
                Box::new(std::iter::from_fn(move || {
                    if rest.is_empty() {
                        return None;
                    }
                    let count = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len());
                    let (piece, tail) = rest.split_at(count);
                    let change = Self::Write(at, piece.to_vec());
                    (at, rest) = (at + count, tail);
                    Some(change)
                }))
            }
        }
    }
}
