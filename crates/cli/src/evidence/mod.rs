//! Evidence of a real cluster: every broker writes what it commits into a file of its own, in each of
//! its lives, and a soak holds all of them against the promises that the simulation checks.
//!
//! A frame is the length of what follows, then kind, partition, term and index of the entry, and its
//! batch. Frames reach the operating system before anything else learns of the entry, so the death of
//! a process costs at most a torn last one.

#[cfg(target_os = "linux")]
mod follow;
#[cfg(target_os = "linux")]
mod read;
mod write;

use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
pub(crate) use read::{Gathered, States, Unfinished};
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
    use skep_broker::replication::EntryId;
    use skep_broker::{Inspection, Observer};
    use skep_check::check::{Calm, Violation};
    use skep_protocol::key::compose;
    use skep_protocol::{MessageIntent, MessageRecord, Payload, Record, RecordType};

    use super::*;

    fn tell(writer: &Writer, index: u64) {
        writer.committed(1, EntryId { term: 1, index }, &Bytes::new());
    }

    fn found(gathered: &mut Gathered) -> Vec<Violation> {
        let mut found = gathered.look(&States::new()).unwrap();
        found.extend(gathered.check(Calm::AtRest, 0, 0, Vec::new()));
        found
    }

    /// An entry of one record, and its batch.
    fn entry(position: u64) -> (EntryId, Bytes) {
        let record = Record {
            position,
            source_position: 0,
            key: compose(1, position),
            timestamp_ms: 0,
            record_type: RecordType::Event,
            operation_reference: 0,
            rejection: None,
            payload: Payload::Message(MessageIntent::Published, MessageRecord::default()),
        };
        let mut batch = Vec::new();
        skep_protocol::codec::encode_entry(&[record], &mut batch);
        (EntryId { term: 1, index: position - 1 }, Bytes::from(batch))
    }

    #[test]
    fn records_are_replayed_once_and_states_are_compared_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::begin(folder.path(), 0).unwrap();
        let mut gathered = Gathered::of(folder.path(), 1);
        let mut replay = skep_check::Replay::new(1, 1).unwrap();
        let mut digests = Vec::new();
        for position in 1..=6 {
            let (id, batch) = entry(position);
            let records = skep_protocol::codec::decode_entries(batch.clone()).unwrap();
            replay.follow(&records).unwrap();
            let state = Inspection { entry: None, position, rows: replay.rows() };
            digests.push((position, format!("{:016x}", state.digest())));
            writer.committed(1, id, &batch);
            if position == 3 {
                let states = States::from([(1, digests[1..].to_vec())]);
                assert_eq!(gathered.look(&states).unwrap(), []);
            }
        }
        assert_eq!(gathered.records(), 3);
        let states = States::from([(1, vec![digests[5].clone(), digests[3].clone()])]);
        assert_eq!(gathered.look(&states).unwrap(), []);
        assert_eq!(gathered.records(), 6);
        let left = gathered.check(Calm::AtRest, 0, 0, vec!["instance 5 has not ended".to_owned()]);
        assert_eq!(left[0].checker, "everything heals");
        assert!(left[0].what.contains("instance 5"), "{left:?}");
        let (id, batch) = entry(7);
        writer.committed(1, id, &batch);
        for (position, what) in [(7, "has the digest"), (8, "whose log ends at 7")] {
            let states = States::from([(1, vec![(position, "wrong".to_owned())])]);
            let found = gathered.look(&states).unwrap();
            assert_eq!(found[0].checker, "replica state is replay");
            assert!(found[0].what.contains(what), "{found:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_life_by_life_and_again_what_came_since() {
        let folder = tempfile::tempdir().unwrap();
        let first = Writer::begin(folder.path(), 0).unwrap();
        tell(&first, 0);
        tell(&first, 1);
        let mut gathered = Gathered::of(folder.path(), 1);
        assert_eq!(found(&mut gathered), []);
        let second = Writer::begin(folder.path(), 0).unwrap();
        second.state_replaced(1, EntryId { term: 1, index: 1 });
        tell(&second, 2);
        assert_eq!(found(&mut gathered), []);
        // A gap in what a life tells is an offence.
        tell(&second, 4);
        let found = found(&mut gathered);
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
        assert_eq!(found(&mut gathered), []);
        assert_eq!(found(&mut gathered), []);
        assert_eq!(gathered.entries(), 1);
    }
}
