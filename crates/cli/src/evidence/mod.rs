//! Evidence of a real cluster: every broker writes what it commits into a file of its own, in each of
//! its lives, and a soak holds all of them against the promises that the simulation checks.
//!
//! A frame is the length of what follows, then kind, partition, term and index of the entry, and its
//! batch. Frames reach the operating system before anything else learns of the entry, so the death of
//! a process costs at most a torn last one.

#[cfg(target_os = "linux")]
mod read;
mod write;

use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
pub(crate) use read::{Gathered, States};
pub(crate) use write::Writer;

/// What stands before the name of every file.
const PREFIX: &str = "broker-";

/// What stands behind it.
const SUFFIX: &str = ".evidence";

/// Bytes of kind, partition, term and index.
const HEAD: usize = 1 + 4 + 8 + 8;

/// An entry was committed.
const ENTRY: u8 = 0;

/// The state was replaced by that of another node.
const REPLACED: u8 = 1;

/// The file of a broker in one of its lives.
fn file(folder: &Path, node: u32, life: u32) -> PathBuf {
    folder.join(format!("{PREFIX}{node}-{life}{SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use skep_broker::Observer;
    use skep_broker::replication::EntryId;

    use super::*;

    fn tell(writer: &Writer, index: u64) {
        writer.committed(1, EntryId { term: 1, index }, &Bytes::new());
    }

    #[test]
    fn what_is_written_is_read_life_by_life_and_again_what_came_since() {
        let folder = tempfile::tempdir().unwrap();
        let first = Writer::begin(folder.path(), 0).unwrap();
        tell(&first, 0);
        tell(&first, 1);
        let mut gathered = Gathered::of(folder.path(), 1);
        gathered.look().unwrap();
        assert_eq!(gathered.check(Some(0)), []);
        let second = Writer::begin(folder.path(), 0).unwrap();
        second.state_replaced(1, EntryId { term: 1, index: 1 });
        tell(&second, 2);
        gathered.look().unwrap();
        assert_eq!(gathered.check(Some(0)), []);
        // A gap in what a life tells is an offence.
        tell(&second, 4);
        gathered.look().unwrap();
        let found = gathered.check(None);
        assert_eq!(found[0].checker, "stream is gap-free");
        assert!(found[0].what.contains("entry 4 follows entry 2"), "{}", found[0].what);
    }

    #[test]
    fn a_torn_end_is_no_frame() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::begin(folder.path(), 0).unwrap();
        tell(&writer, 0);
        tell(&writer, 1);
        let path = file(folder.path(), 0, 0);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut gathered = Gathered::of(folder.path(), 1);
        gathered.look().unwrap();
        gathered.look().unwrap();
        assert_eq!(gathered.entries(), 1);
    }
}
