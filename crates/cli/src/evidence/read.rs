//! The soak's side.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use skep_check::check::{self, Calm, Violation, names};
use skep_check::evidence::{EntryId, Evidence, Replica, Told};
use skep_protocol::{Key, NO_KEY};

use super::follow::{Follow, State};
use super::{ENTRY, HEAD, PREFIX, REPLACED, SUFFIX};
use crate::failure::Failure;

/// States of replicas, by partition.
pub(crate) type States = BTreeMap<u32, Vec<State>>;

/// Bytes of a file that are read at once: files are read side by side, since what one broker tells
/// late another one told before.
const CHUNK: u64 = 1024 * 1024;

/// All evidence of a cluster, as far as it was read: what is open of it is kept.
pub(crate) struct Gathered {
    folder: PathBuf,
    /// Bytes that were read of each node's file in each life.
    read: BTreeMap<(u32, u32), u64>,
    evidence: Evidence,
    follows: BTreeMap<u32, Follow>,
}

/// A process instance that has not ended.
pub(crate) struct Unfinished {
    pub(crate) process: String,
    pub(crate) key: Key,
    pub(crate) partition: u32,
    /// How many jobs it waits for.
    pub(crate) jobs: usize,
}

impl Gathered {
    /// Nothing of this folder yet.
    pub(crate) fn of(folder: &Path, partitions: u32) -> Self {
        Self {
            folder: folder.to_owned(),
            read: BTreeMap::new(),
            evidence: Evidence::of(partitions),
            follows: BTreeMap::new(),
        }
    }

    /// Reads what was written since, and compares these states with what is written up to them.
    pub(crate) fn look(&mut self, states: &States) -> Result<Vec<Violation>, Failure> {
        let failed = |error| Failure::file("read", &self.folder, error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(life) = name.to_str().and_then(life_of) {
                self.read.entry(life).or_insert(0);
            }
        }
        let mut differ = Vec::new();
        for (partition, states) in states {
            match self.follow_of(*partition) {
                Ok(follow) => follow.stop_at(states),
                Err(what) => differ.push(what),
            }
        }
        while self.read_on()? {
            differ.extend(self.follow());
        }
        differ.extend(self.follows.values_mut().filter_map(|follow| follow.end().err()));
        Ok(differ.into_iter().map(|what| Violation { checker: names::REPLICAS, what }).collect())
    }

    /// Reads a little of each file; whether there was anything.
    fn read_on(&mut self) -> Result<bool, Failure> {
        let mut any = false;
        for ((node, life), from) in &mut self.read {
            let path = super::file(&self.folder, *node, *life);
            let failed = |error| Failure::file("read", &path, error);
            let mut limit = CHUNK;
            let read = loop {
                let new = since(&path, *from, limit).map_err(failed)?;
                let is_all = (new.len() as u64) < limit;
                let read = frames(Bytes::from(new), |partition, told| {
                    let replica = Replica { node: *node, life: *life, partition };
                    self.evidence.recorded.tell(replica, told);
                });
                // One frame can be larger than what was read.
                if read > 0 || is_all {
                    break read;
                }
                limit *= 2;
            };
            *from += read;
            any |= read > 0;
        }
        Ok(any)
    }

    fn follow_of(&mut self, partition: u32) -> Result<&mut Follow, String> {
        use std::collections::btree_map::Entry;
        match self.follows.entry(partition) {
            Entry::Occupied(follow) => Ok(follow.into_mut()),
            Entry::Vacant(none) => {
                Ok(none.insert(Follow::new(partition, self.evidence.partitions)?))
            }
        }
    }

    /// Replays what was read; what differs.
    fn follow(&mut self) -> Vec<String> {
        let logs = self.evidence.recorded.logs.iter_mut();
        let new: Vec<_> = logs.map(|(partition, log)| (*partition, log.take())).collect();
        let followed = new.into_iter().map(|(partition, records)| {
            self.follow_of(partition).and_then(|follow| follow.on(&records))
        });
        followed.filter_map(Result::err).collect()
    }

    /// Entries of all partitions.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> u64 {
        self.evidence.recorded.logs.values().map(|log| log.entries()).sum()
    }

    /// Records of all partitions.
    pub(crate) fn records(&self) -> u64 {
        self.evidence.recorded.logs.values().map(|log| log.count()).sum()
    }

    /// What breaks a promise now, epoch milliseconds, that the cluster is as calm as that;
    /// `healed_ms`: since when there were no faults. `left`: what should have ended by now.
    pub(crate) fn check(
        &mut self,
        calm: Calm,
        healed_ms: i64,
        now_ms: i64,
        left: Vec<String>,
    ) -> Vec<Violation> {
        let end = &mut self.evidence.end;
        (end.healing_from_ms, end.now_ms) = (healed_ms, now_ms);
        end.healed_after_ms = left.is_empty().then_some(0);
        end.left = left;
        check::of_records(&self.evidence, calm)
    }

    /// The instances that have not ended, but for those that others called.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = Unfinished> {
        self.evidence.recorded.logs.iter().flat_map(|(partition, log)| {
            let history = &log.reader.history;
            let roots = history.elements.iter().filter(|(_, element)| {
                element.record.flow_scope_key == NO_KEY
                    && element.record.parent_element_instance_key == NO_KEY
            });
            let mut jobs: BTreeMap<Key, usize> = BTreeMap::new();
            for job in history.jobs.values() {
                if let Some(element) = history.elements.get(&job.element) {
                    *jobs.entry(element.record.process_instance_key).or_default() += 1;
                }
            }
            roots.map(move |(key, element)| Unfinished {
                process: element.record.bpmn_process_id.clone(),
                key: *key,
                partition: *partition,
                jobs: jobs.get(key).copied().unwrap_or_default(),
            })
        })
    }
}

/// Node and life of a file.
fn life_of(name: &str) -> Option<(u32, u32)> {
    let (node, life) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    Some((node.parse().ok()?, life.parse().ok()?))
}

/// At most so many bytes of a file.
fn since(path: &Path, from: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Gives each whole frame and answers how many bytes they have.
fn frames(bytes: Bytes, mut give: impl FnMut(u32, Told)) -> u64 {
    let mut read = 0;
    loop {
        let rest = bytes.slice(read..);
        let Some(length) = rest.first_chunk::<4>() else { break };
        let end = 4 + u32::from_le_bytes(*length) as usize;
        if rest.len() < end || end < 4 + HEAD {
            break;
        }
        let number = |at: usize, bytes: usize| {
            let raw = rest[at..at + bytes].iter().rev();
            raw.fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte))
        };
        let partition = u32::try_from(number(5, 4)).unwrap_or(0);
        let id = EntryId { term: number(9, 8), index: number(17, 8) };
        match rest[4] {
            ENTRY => give(partition, Told::Entry(id, rest.slice(4 + HEAD..end))),
            REPLACED => give(partition, Told::Replaced(id)),
            _ => {}
        }
        read += end;
    }
    read as u64
}
