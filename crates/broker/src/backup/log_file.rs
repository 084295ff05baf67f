//! The file that carries log entries in a backup.
//!
//! # Format, version 1
//! Numbers are little-endian.
//! - Header: `SKEPBLOG`, version (4 bytes).
//! - Entries, in order: `E`, term (8), index (8), length (4), crc32c (4) of term, index and bytes,
//!   bytes (as the engine's records were proposed; empty for entries of the replication itself).
//! - Footer: `F`, count of entries (8), crc32c (4) of the count. The file ends here.

use std::io::{self, Read};

use bytes::Bytes;

use crate::limits;
use crate::replication::EntryId;

const MAGIC: &[u8; 8] = b"SKEPBLOG";
const VERSION: u32 = 1;
const ENTRY: u8 = b'E';
const FOOTER: u8 = b'F';

/// The bytes before the first entry.
pub(crate) fn header() -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out
}

/// The bytes of an entry.
pub(crate) fn entry(id: EntryId, batch: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(25 + batch.len());
    out.push(ENTRY);
    out.extend_from_slice(&id.term.to_le_bytes());
    out.extend_from_slice(&id.index.to_le_bytes());
    out.extend_from_slice(&u32::try_from(batch.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&entry_crc(id, batch).to_le_bytes());
    out.extend_from_slice(batch);
    out
}

/// The bytes behind the last entry.
pub(crate) fn footer(count: u64) -> Vec<u8> {
    let mut out = vec![FOOTER];
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&count.to_le_bytes()).to_le_bytes());
    out
}

fn entry_crc(id: EntryId, batch: &[u8]) -> u32 {
    let start = crc32c::crc32c(&id.term.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(start, &id.index.to_le_bytes()), batch)
}

/// Reads a log file from its beginning to its end.
pub(crate) struct LogReader {
    reader: Box<dyn Read + Send>,
    count: u64,
    ended: bool,
}

impl LogReader {
    /// Reads the header.
    pub(crate) fn new(mut reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut magic = [0; 8];
        reader.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(damaged("it does not begin like a log of a backup"));
        }
        let version = u32_from(&mut reader)?;
        if version != VERSION {
            return Err(damaged(&format!(
                "it has version {version}, this release reads {VERSION}"
            )));
        }
        Ok(Self { reader, count: 0, ended: false })
    }

    /// The next entry; None behind the last one.
    pub(crate) fn next(&mut self) -> io::Result<Option<(EntryId, Bytes)>> {
        if self.ended {
            return Ok(None);
        }
        let mut kind = [0];
        self.reader.read_exact(&mut kind)?;
        match kind[0] {
            ENTRY => self.entry().map(Some),
            FOOTER => self.end().map(|()| None),
            _ => Err(damaged("something is neither an entry nor the end")),
        }
    }

    fn entry(&mut self) -> io::Result<(EntryId, Bytes)> {
        let id = EntryId { term: u64_from(&mut self.reader)?, index: u64_from(&mut self.reader)? };
        let length = u32_from(&mut self.reader)? as usize;
        let crc = u32_from(&mut self.reader)?;
        if length > limits::BACKUP_ENTRY_BYTES_MAX {
            return Err(damaged(&format!("entry {} claims {length} bytes", id.index)));
        }
        let mut batch = vec![0; length];
        self.reader.read_exact(&mut batch)?;
        if entry_crc(id, &batch) != crc {
            return Err(damaged(&format!("the checksum of entry {} does not fit", id.index)));
        }
        self.count += 1;
        Ok((id, Bytes::from(batch)))
    }

    fn end(&mut self) -> io::Result<()> {
        let count = u64_from(&mut self.reader)?;
        let crc = u32_from(&mut self.reader)?;
        if crc != crc32c::crc32c(&count.to_le_bytes()) || count != self.count {
            return Err(damaged("entries are missing"));
        }
        if self.reader.read(&mut [0])? != 0 {
            return Err(damaged("it goes on behind its end"));
        }
        self.ended = true;
        Ok(())
    }
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the log is damaged: {reason}"))
}

fn u32_from(reader: &mut dyn Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn u64_from(reader: &mut dyn Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(batches: &[&[u8]]) -> Vec<u8> {
        let mut bytes = header();
        for (index, batch) in (0..).zip(batches) {
            bytes.extend(entry(EntryId { term: 2, index }, batch));
        }
        bytes.extend(footer(batches.len() as u64));
        bytes
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<Bytes>> {
        let mut reader = LogReader::new(Box::new(io::Cursor::new(bytes.to_vec())))?;
        let mut batches = Vec::new();
        while let Some((id, batch)) = reader.next()? {
            assert_eq!(id, EntryId { term: 2, index: batches.len() as u64 });
            batches.push(batch);
        }
        Ok(batches)
    }

    #[test]
    fn entries_read_back() {
        let three: [&[u8]; 3] = [b"one", b"", b"three"];
        for batches in [&three[..0], &three[..1], &three] {
            assert_eq!(read(&file(batches)).unwrap(), batches);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = file(&[b"one", b"two"]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                read(&damaged).unwrap_err();
            }
            read(&bytes[..at]).unwrap_err();
        }
        read(&[&bytes[..], b"x"].concat()).unwrap_err();
    }
}
