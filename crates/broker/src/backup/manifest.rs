//! What a backup consists of, as JSON: written last, and nothing is a backup without it.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

use crate::backup::store::BackupStore;
use crate::backup::{BackupError, BackupId};
use crate::limits;

/// The layout that this release writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Name of the manifest in the folder of a backup.
pub(crate) const MANIFEST: &str = "manifest.json";

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFile {
    /// Its name in the folder of the backup.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// crc32c of its content, in hexadecimal.
    pub checksum: String,
}

/// What a backup has of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// The partition.
    pub partition_id: PartitionId,
    /// The node that wrote it.
    pub node_id: u32,
    /// The cut, which is the id of the backup.
    pub checkpoint_id: u64,
    /// Position of CHECKPOINT CREATED: the part holds everything up to it.
    pub checkpoint_position: u64,
    /// Term of the last entry of the log file.
    pub entry_term: u64,
    /// Index of the last entry of the log file.
    pub entry_index: u64,
    /// The state before the entries of the log file; none in a partition without a checkpoint.
    pub snapshot: Option<StoredFile>,
    /// The entries from there on.
    pub log: StoredFile,
    /// When it was complete, epoch milliseconds.
    pub created_at_ms: i64,
}

/// A complete backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Layout of the backup.
    pub format_version: u32,
    /// Number of the backup.
    pub backup_id: BackupId,
    /// The cluster that it was taken of.
    pub cluster_id: String,
    /// The release that took it.
    pub skep_version: String,
    /// When it was asked for, epoch milliseconds.
    pub created_at_ms: i64,
    /// When it was complete, epoch milliseconds.
    pub completed_at_ms: i64,
    /// How many partitions there are.
    pub partition_count: u32,
    /// Over how many of them messages are spread.
    pub message_partitions: u32,
    /// Copies of each partition at that time; a restore may choose another number.
    pub replication_factor: u32,
    /// A part for each partition, in order.
    pub partitions: Vec<Part>,
    /// crc32c of all the rest, in hexadecimal.
    pub checksum: String,
}

impl Manifest {
    fn checksum_of(&self) -> String {
        let bare = Self { checksum: String::new(), ..self.clone() };
        checksum_text(crc32c::crc32c(&serde_json::to_vec(&bare).unwrap_or_default()))
    }

    /// Its bytes, with the checksum.
    pub(crate) fn encode(mut self) -> io::Result<Vec<u8>> {
        self.checksum = self.checksum_of();
        Ok(serde_json::to_vec_pretty(&self)?)
    }

    /// The manifest in these bytes.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn decode(id: BackupId, bytes: &[u8]) -> Result<Self, String> {
        /// Read first: the rest of another version may look different.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            format_version: u32,
            skep_version: String,
        }
        let damaged = |error: serde_json::Error| format!("its manifest is damaged: {error}");
        let version: Version = serde_json::from_slice(bytes).map_err(damaged)?;
        if version.format_version != FORMAT_VERSION {
            return Err(format!(
                "it has format {}, this release reads format {FORMAT_VERSION}; use Skep {}, which \
                 wrote it, or a newer one",
                version.format_version, version.skep_version
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        manifest.check(id)?;
        Ok(manifest)
    }

    fn check(&self, id: BackupId) -> Result<(), String> {
        if self.checksum != self.checksum_of() {
            return Err("its manifest is damaged: the checksum does not fit".to_owned());
        }
        if self.backup_id != id {
            return Err(format!("its manifest is that of backup {}", self.backup_id));
        }
        let expected: Vec<PartitionId> = (1..=self.partition_count).collect();
        let found: Vec<PartitionId> = self.partitions.iter().map(|it| it.partition_id).collect();
        if expected != found || expected.is_empty() {
            return Err(format!("its manifest names the partitions {found:?}"));
        }
        if let Some(part) = self.partitions.iter().find(|part| part.checkpoint_id != id) {
            return Err(format!(
                "partition {} is of checkpoint {}",
                part.partition_id, part.checkpoint_id
            ));
        }
        Ok(())
    }
}

/// A checksum as it is written.
pub(crate) fn checksum_text(crc: u32) -> String {
    format!("{crc:08x}")
}

/// The manifest of a backup that is complete, without a look at its files.
///
/// # Errors
/// Not found, incomplete or damaged, each with what it means.
pub fn read_manifest(store: &dyn BackupStore, id: BackupId) -> Result<Manifest, BackupError> {
    let bytes = store.get(id, MANIFEST).map_err(|error| BackupError::store(&error))?;
    let Some(bytes) = bytes else {
        let ids = store.list().map_err(|error| BackupError::store(&error))?;
        return Err(if ids.contains(&id) {
            BackupError::Unusable {
                id,
                reason: "it has no manifest: it was never completed".to_owned(),
            }
        } else {
            BackupError::NotFound { id }
        });
    };
    Manifest::decode(id, &bytes).map_err(|reason| BackupError::Unusable { id, reason })
}

/// Reads a file of a backup and compares it with what the manifest says.
///
/// # Errors
/// When it is missing or not what was written.
pub(crate) fn verify_file(
    store: &dyn BackupStore,
    id: BackupId,
    file: &StoredFile,
) -> Result<(), BackupError> {
    let unusable = |reason: String| BackupError::Unusable { id, reason };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => unusable(format!("its file {} is missing", file.name)),
        _ => BackupError::store(&error),
    };
    let mut reader = store.open(id, &file.name).map_err(failed)?;
    let (bytes, crc) = measure(&mut *reader).map_err(failed)?;
    if bytes != file.bytes {
        return Err(unusable(format!(
            "its file {} has {bytes} bytes, but it was written with {}",
            file.name, file.bytes
        )));
    }
    if checksum_text(crc) != file.checksum {
        return Err(unusable(format!(
            "its file {} is damaged: the checksum does not fit",
            file.name
        )));
    }
    Ok(())
}

/// Length and checksum of what is left to read.
fn measure(reader: &mut dyn Read) -> io::Result<(u64, u32)> {
    let mut piece = vec![0; limits::SNAPSHOT_PIECE_BYTES];
    let (mut bytes, mut crc) = (0, 0);
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok((bytes, crc)),
            length => {
                bytes += length as u64;
                crc = crc32c::crc32c_append(crc, &piece[..length]);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use skep_env::MemoryDisk;

    use super::*;
    use crate::backup::store::FolderStore;

    pub(crate) fn manifest(id: BackupId) -> Manifest {
        let file = |name: &str| StoredFile {
            name: name.to_owned(),
            bytes: 3,
            checksum: checksum_text(crc32c::crc32c(b"log")),
        };
        let part = |partition_id| Part {
            partition_id,
            node_id: 0,
            checkpoint_id: id,
            checkpoint_position: 40,
            entry_term: 1,
            entry_index: 9,
            snapshot: None,
            log: file("partition-1/log"),
            created_at_ms: 2,
        };
        Manifest {
            format_version: FORMAT_VERSION,
            backup_id: id,
            cluster_id: "skep".to_owned(),
            skep_version: "0.1.0".to_owned(),
            created_at_ms: 1,
            completed_at_ms: 3,
            partition_count: 2,
            message_partitions: 2,
            replication_factor: 1,
            partitions: vec![part(1), part(2)],
            checksum: String::new(),
        }
    }

    #[test]
    fn it_reads_back_and_any_change_is_noticed() {
        let bytes = manifest(7).encode().unwrap();
        let read = Manifest::decode(7, &bytes).unwrap();
        assert_eq!(Manifest { checksum: String::new(), ..read }, manifest(7));
        assert!(Manifest::decode(8, &bytes).unwrap_err().contains("backup 7"));
        let text = String::from_utf8(bytes).unwrap();
        let changed = text.replace("\"checkpointPosition\": 40", "\"checkpointPosition\": 41");
        assert!(Manifest::decode(7, changed.as_bytes()).unwrap_err().contains("checksum"));
        let newer = text.replace("\"formatVersion\": 1", "\"formatVersion\": 2");
        assert!(Manifest::decode(7, newer.as_bytes()).unwrap_err().contains("format 2"));
        for length in 0..text.len() {
            assert!(Manifest::decode(7, &text.as_bytes()[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn parts_must_be_complete_and_of_one_cut() {
        let mut missing = manifest(7);
        missing.partitions.pop();
        let error = Manifest::decode(7, &missing.encode().unwrap()).unwrap_err();
        assert!(error.contains("partitions [1]"), "{error}");
        let mut other = manifest(7);
        other.partitions[1].checkpoint_id = 6;
        let error = Manifest::decode(7, &other.encode().unwrap()).unwrap_err();
        assert!(error.contains("partition 2 is of checkpoint 6"), "{error}");
    }

    #[test]
    fn files_are_compared_with_what_was_written() {
        let store = FolderStore::new(Arc::new(MemoryDisk::new()), "/backups");
        let file = manifest(7).partitions[0].log.clone();
        let reason = |store: &FolderStore| verify_file(store, 7, &file).unwrap_err().to_string();
        assert!(reason(&store).contains("is missing"));
        store.put(7, &file.name, b"log").unwrap();
        verify_file(&store, 7, &file).unwrap();
        store.put(7, &file.name, b"lot").unwrap();
        assert!(reason(&store).contains("checksum"));
        store.put(7, &file.name, b"logs").unwrap();
        assert!(reason(&store).contains("4 bytes"));
    }
}
