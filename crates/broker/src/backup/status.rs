//! How a backup is, from what lies in the store.

use std::io;

use skep_protocol::PartitionId;

use crate::backup::manifest::{MANIFEST, Manifest};
use crate::backup::part::{FAILED_SUFFIX, PART_SUFFIX, PartFailure};
use crate::backup::request::BackupRequest;
use crate::backup::{
    BackupId, BackupState, BackupStatus, BackupStore, Part, PartStatus, part_folder,
};

/// A part that is complete, whoever wrote it; or why there will be none.
pub(crate) fn part_of(
    store: &dyn BackupStore,
    id: BackupId,
    partition: PartitionId,
) -> io::Result<Option<Result<Part, String>>> {
    let folder = part_folder(partition);
    let names = store.files(id, &folder)?;
    for name in names.iter().filter(|name| name.ends_with(PART_SUFFIX)) {
        let Some(bytes) = store.get(id, &format!("{folder}/{name}"))? else { continue };
        return Ok(Some(serde_json::from_slice(&bytes).map_err(|error| error.to_string())));
    }
    for name in names.iter().filter(|name| name.ends_with(FAILED_SUFFIX)) {
        let Some(bytes) = store.get(id, &format!("{folder}/{name}"))? else { continue };
        let failure = serde_json::from_slice::<PartFailure>(&bytes);
        return Ok(Some(Err(failure.map_or_else(|error| error.to_string(), |it| it.reason))));
    }
    Ok(None)
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) node_id: u32,
    pub(crate) incarnation: u64,
    /// The backup that it takes itself.
    pub(crate) running: Option<BackupId>,
    pub(crate) now_ms: i64,
}

/// How a backup is.
pub(crate) fn status_of(
    store: &dyn BackupStore,
    id: BackupId,
    asker: Asker,
) -> io::Result<BackupStatus> {
    if let Some(bytes) = store.get(id, MANIFEST)? {
        return Ok(match Manifest::decode(id, &bytes) {
            Ok(manifest) => completed(manifest),
            Err(reason) => bare(id, BackupState::Failed, &reason),
        });
    }
    let Some(request) = BackupRequest::read(store, id)? else {
        let reason = "it was never begun in earnest: the node that took it stopped at once";
        return Ok(bare(id, BackupState::Incomplete, reason));
    };
    let alive = if request.node_id == asker.node_id {
        request.incarnation == asker.incarnation && asker.running == Some(id)
    } else {
        asker.now_ms <= request.alive_until_ms
    };
    let (state, reason) = match (&request.failure_reason, alive) {
        (Some(reason), _) => (BackupState::Failed, Some(reason.clone())),
        (None, true) => (BackupState::InProgress, None),
        (None, false) => {
            let reason =
                format!("node {}, which took it, has stopped or given up", request.node_id);
            (BackupState::Incomplete, Some(reason))
        }
    };
    let mut partitions = Vec::new();
    for partition_id in 1..=request.partition_count {
        partitions.push(part_status(partition_id, part_of(store, id, partition_id)?, state));
    }
    Ok(BackupStatus {
        backup_id: id,
        state,
        failure_reason: reason,
        created_at_ms: Some(request.created_at_ms),
        skep_version: Some(request.skep_version),
        partitions,
    })
}

fn completed(manifest: Manifest) -> BackupStatus {
    let partitions = manifest.partitions.into_iter().map(|part| PartStatus {
        partition_id: part.partition_id,
        state: BackupState::Completed,
        failure_reason: None,
        part: Some(part),
    });
    BackupStatus {
        backup_id: manifest.backup_id,
        state: BackupState::Completed,
        failure_reason: None,
        created_at_ms: Some(manifest.created_at_ms),
        skep_version: Some(manifest.skep_version),
        partitions: partitions.collect(),
    }
}

fn bare(id: BackupId, state: BackupState, reason: &str) -> BackupStatus {
    BackupStatus {
        backup_id: id,
        state,
        failure_reason: Some(reason.to_owned()),
        created_at_ms: None,
        skep_version: None,
        partitions: Vec::new(),
    }
}

fn part_status(
    partition_id: PartitionId,
    found: Option<Result<Part, String>>,
    whole: BackupState,
) -> PartStatus {
    let (state, failure_reason, part) = match found {
        Some(Ok(part)) => (BackupState::Completed, None, Some(part)),
        Some(Err(reason)) => (BackupState::Failed, Some(reason), None),
        None if whole == BackupState::InProgress => (BackupState::InProgress, None, None),
        None => (BackupState::Incomplete, None, None),
    };
    PartStatus { partition_id, state, failure_reason, part }
}
