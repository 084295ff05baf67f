//! Where the data of a replica is: a replica that was removed leaves nothing that a later one of the
//! same partition could take for its own.
//!
//! Log streams cannot begin anew, so each life of a replica has a slot of its own: the number of its
//! stream in the journal, which also names its folder. The slot of the first life is the number of
//! the partition.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_env::{Disk, read_file, replace_file};
use skep_protocol::PartitionId;

/// Name of the file that says which life of each replica is the current one.
const SLOTS_NAME: &str = "replicas.json";

/// Lives are counted above the number of the partition, which is below 2^13.
const LIFE_SHIFT: u32 = 16;

/// The slots of a node's replicas.
pub(crate) struct Slots {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    lives: Mutex<BTreeMap<PartitionId, u32>>,
}

impl Slots {
    /// Reads what the data folder says.
    pub(crate) fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> io::Result<Self> {
        let lives = match read_file(&*disk, &folder.join(SLOTS_NAME))? {
            Some(bytes) => serde_json::from_slice(&bytes)?,
            None => BTreeMap::new(),
        };
        Ok(Self { disk, folder, lives: Mutex::new(lives) })
    }

    /// The slot of a replica.
    pub(crate) fn slot(&self, partition: PartitionId) -> u32 {
        let life = self.lives.lock().get(&partition).copied().unwrap_or(0);
        partition | life << LIFE_SHIFT
    }

    /// The folder of a slot's state and snapshots, inside the data folder, when it is not the usual
    /// one of the partition.
    pub(crate) fn folder(&self, slot: u32) -> Option<PathBuf> {
        let (partition, life) = (slot & ((1 << LIFE_SHIFT) - 1), slot >> LIFE_SHIFT);
        (life > 0).then(|| self.folder.join(format!("partition-{partition}-life-{life}")))
    }

    /// A replica has ended for good: the next one of this partition begins with nothing.
    pub(crate) fn end_life(&self, partition: PartitionId) -> io::Result<()> {
        let mut lives = self.lives.lock();
        let mut next = lives.clone();
        *next.entry(partition).or_default() += 1;
        let bytes = serde_json::to_vec(&next)?;
        replace_file(&*self.disk, &self.folder, SLOTS_NAME, &bytes)?;
        *lives = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use skep_env::MemoryDisk;

    #[test]
    fn a_new_life_has_a_new_slot_that_survives() {
        let disk = MemoryDisk::new();
        disk.create_dir(Path::new("/data")).unwrap();
        let open = |disk: &MemoryDisk| Slots::open(Arc::new(disk.clone()), "/data".into()).unwrap();
        let slots = open(&disk);
        assert_eq!(slots.slot(3), 3);
        assert_eq!(slots.folder(3), None);
        slots.end_life(3).unwrap();
        let slots = open(&disk.crash(1));
        assert_eq!(slots.slot(3), 3 + (1 << 16));
        assert_eq!(slots.folder(slots.slot(3)), Some("/data/partition-3-life-1".into()));
        assert_eq!(slots.slot(4), 4);
    }
}
