//! The soak's side.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use skep_broker::Inspection;
use skep_check::check::{self, Violation};
use skep_check::evidence::{EntryId, Evidence, Replica, Told};
use skep_check::replay;

use super::{ENTRY, HEAD, PREFIX, REPLACED, SUFFIX};
use crate::failure::Failure;

/// Position and digest of a replica's state, by partition.
pub(crate) type States = BTreeMap<u32, Vec<(u64, String)>>;

/// All evidence of a cluster, as far as it was read.
pub(crate) struct Gathered {
    folder: PathBuf,
    /// Bytes that were read of each node's file in each life.
    read: BTreeMap<(u32, u32), u64>,
    evidence: Evidence,
}

impl Gathered {
    /// Nothing of this folder yet.
    pub(crate) fn of(folder: &Path, partitions: u32) -> Self {
        Self {
            folder: folder.to_owned(),
            read: BTreeMap::new(),
            evidence: Evidence::of(partitions),
        }
    }

    /// Reads what was written since.
    pub(crate) fn look(&mut self) -> Result<(), Failure> {
        let failed = |error| Failure::file("read", &self.folder, error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(life) = name.to_str().and_then(life_of) {
                self.read.entry(life).or_insert(0);
            }
        }
        for ((node, life), from) in &mut self.read {
            let path = super::file(&self.folder, *node, *life);
            let new = since(&path, *from).map_err(|error| Failure::file("read", &path, error))?;
            *from += frames(Bytes::from(new), |partition, told| {
                let replica = Replica { node: *node, life: *life, partition };
                self.evidence.recorded.tell(replica, told);
            });
        }
        Ok(())
    }

    /// Entries of all partitions.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.evidence.recorded.logs.values().map(|log| log.positions.len()).sum()
    }

    /// Records of all partitions.
    pub(crate) fn records(&self) -> usize {
        self.evidence.recorded.all().count()
    }

    /// What breaks a promise. `quiet_since_ms`: when all faults were over and every leader had had the
    /// time to look at its timers, epoch milliseconds; none when the cluster is not at rest.
    pub(crate) fn check(&mut self, quiet_since_ms: Option<i64>) -> Vec<Violation> {
        self.evidence.end.now_ms = quiet_since_ms.unwrap_or(0);
        check::of_records(&self.evidence, quiet_since_ms.is_some())
    }

    /// Whether the replicas have the states that the replay of the log gives.
    pub(crate) fn check_states(&self, states: &States) -> Result<(), String> {
        for (partition, replicas) in states {
            let records = self.evidence.recorded.records(*partition);
            let mut replicas = replicas.clone();
            replicas.sort();
            let positions: Vec<u64> = replicas.iter().map(|(position, _)| *position).collect();
            replay(
                *partition,
                self.evidence.partitions,
                records,
                &positions,
                |number, _, rows| {
                    let (position, shown) = &replicas[number];
                    let given = Inspection { entry: None, position: *position, rows };
                    let given = format!("{:016x}", given.digest());
                    if given == *shown {
                        return Ok(());
                    }
                    Err(format!(
                        "a replica of partition {partition} at position {position} has the digest {shown}, \
                     the replay of its log {given}"
                    ))
                },
            )?;
        }
        Ok(())
    }
}

/// Node and life of a file.
fn life_of(name: &str) -> Option<(u32, u32)> {
    let (node, life) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    Some((node.parse().ok()?, life.parse().ok()?))
}

fn since(path: &Path, from: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
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
