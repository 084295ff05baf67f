//! A backup that was said to be complete is whole: it can be restored, it is what the logs of its
//! partitions make up to its cut, its partitions agree with each other, and what was acknowledged
//! before it was asked for is in it. One that is not complete says so and why, and none is in
//! progress for ever.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::{CheckpointIntent, JobBatchIntent, PartitionId, Payload};

use super::{Checker, cut, names};
use crate::backup::{Backup, BackupSaid, RestoredPart};
use crate::evidence::Evidence;
use crate::history::{CallKind, Outcome};
use crate::replay::{Replay, Row};

/// See the module.
pub(crate) struct BackupsAreWhole;

impl Checker for BackupsAreWhole {
    fn name(&self) -> &'static str {
        names::BACKUPS
    }

    fn check(&self, evidence: &Evidence) -> Result<(), String> {
        for backup in &evidence.backups {
            one(evidence, backup).map_err(|what| format!("backup {}: {what}", backup.id))?;
        }
        Ok(())
    }
}

fn one(evidence: &Evidence, backup: &Backup) -> Result<(), String> {
    said(backup)?;
    if !backup.is_complete() {
        return Ok(());
    }
    let parts = match &backup.restored {
        Some(Ok(parts)) => parts,
        Some(Err(reason)) => return Err(format!("it is complete, but {reason}")),
        None => return Err("it is complete, but nobody tried to restore it".to_owned()),
    };
    let cut: BTreeMap<PartitionId, u64> =
        parts.iter().map(|part| (part.partition, part.position)).collect();
    for part in parts {
        is_of_the_log(evidence, backup.id, part)?;
    }
    cut::is_consistent(evidence, &cut)?;
    has_what_was_acknowledged(evidence, backup, &cut)
}

/// What nodes say of it fits together.
fn said(backup: &Backup) -> Result<(), String> {
    let mut complete = None;
    let mut last = BTreeMap::new();
    for said in &backup.said {
        match (said.state, complete) {
            (BackupSaid::Completed, _) => complete = Some(said),
            (_, Some(before)) => {
                return Err(format!(
                    "node {} said at {} ms that it is complete, but node {} at {} ms that it is not: {:?}",
                    before.node, before.at_ms, said.node, said.at_ms, said.reason
                ));
            }
            (BackupSaid::Failed, None) if said.reason.is_none() => {
                return Err(format!("node {} says that it failed, but not why", said.node));
            }
            _ => {}
        }
        last.insert(said.node, said);
    }
    if let Some(said) = last.values().find(|said| said.state == BackupSaid::InProgress) {
        return Err(format!(
            "node {} says to the end that it is in progress (at {} ms)",
            said.node, said.at_ms
        ));
    }
    if backup.is_accepted && last.is_empty() {
        return Err("it was begun, but nobody knows of it".to_owned());
    }
    Ok(())
}

/// A part is what the log of its partition makes of nothing, up to its checkpoint.
fn is_of_the_log(evidence: &Evidence, id: u64, part: &RestoredPart) -> Result<(), String> {
    let (partition, position) = (part.partition, part.position);
    let log = evidence.recorded.logs.get(&partition);
    let at = log.and_then(|log| log.at(position)).map(|record| &record.payload);
    match at {
        Some(Payload::Checkpoint(CheckpointIntent::Created, value))
            if value.checkpoint_id == id => {}
        other => {
            return Err(format!(
                "its part of partition {partition} ends at position {position}, where there is {other:?} instead of its checkpoint"
            ));
        }
    }
    let records = evidence.recorded.records(partition);
    let mut replay = Replay::new(partition, evidence.partitions)?;
    replay.to(position, records)?;
    let mut rows: Vec<Row> = replay.rows();
    rows.retain(|(table, ..)| *table != 0);
    rows.sort();
    if rows == part.rows {
        return Ok(());
    }
    let only = |rows: &[Row], others: &[Row]| {
        let row = rows.iter().find(|row| !others.contains(row));
        row.map(|(table, key, _)| format!("a row of table {table} with key {key:02x?}"))
    };
    Err(format!(
        "its part of partition {partition} has {:?} that replay up to position {position} does not give, replay gives {:?} that it does not have",
        only(&part.rows, &rows),
        only(&rows, &part.rows)
    ))
}

/// What clients were told before somebody asked for the backup is in it.
fn has_what_was_acknowledged(
    evidence: &Evidence,
    backup: &Backup,
    cut: &BTreeMap<PartitionId, u64>,
) -> Result<(), String> {
    let Some(requested_ms) = backup.requested_ms else { return Ok(()) };
    let mut activated = None;
    let before = evidence.calls.iter().filter(|call| call.returned_ms < requested_ms);
    for call in before.filter(|call| call.kind != CallKind::Expected) {
        let end = cut.get(&call.partition).copied().unwrap_or(0);
        let is_in = match &call.outcome {
            Outcome::Acknowledged { position, .. } => *position <= end,
            Outcome::Jobs(jobs) => {
                let activated = activated.get_or_insert_with(|| activated_by(evidence, cut));
                jobs.iter().all(|job| activated.contains(job))
            }
            _ => true,
        };
        if !is_in {
            return Err(format!(
                "{} was answered at {} ms with {:?}, before it was asked for at {requested_ms} ms, but it ends at position {end} of partition {}",
                call.what, call.returned_ms, call.outcome, call.partition
            ));
        }
    }
    Ok(())
}

/// Jobs that were handed out up to the cut.
fn activated_by(evidence: &Evidence, cut: &BTreeMap<PartitionId, u64>) -> BTreeSet<u64> {
    let mut jobs = BTreeSet::new();
    for (partition, record) in evidence.recorded.all() {
        let Payload::JobBatch(JobBatchIntent::Activated, batch) = &record.payload else { continue };
        if cut.get(&partition).is_some_and(|end| record.position <= *end) {
            jobs.extend(batch.job_keys.iter().copied());
        }
    }
    jobs
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skep_engine::state::NoBacking;
    use skep_engine::{Engine, Settings};
    use skep_protocol::{CheckpointRecord, Record, key::compose};

    use super::*;
    use crate::backup::Said;
    use crate::check::testing::{Made, event, published};

    fn checkpoint(id: u64, position: u64) -> Record {
        let value = CheckpointRecord { checkpoint_id: id, checkpoint_position: position };
        event(0, Payload::Checkpoint(CheckpointIntent::Created, value))
    }

    fn said(at_ms: u64, state: BackupSaid) -> Said {
        let reason = (state == BackupSaid::Failed).then(|| "a reason".to_owned());
        Said { at_ms, node: 0, state, reason }
    }

    /// A message, the checkpoint, another message; and a backup of it.
    fn made() -> Made {
        let mut made = Made::new(1);
        made.entry(1, vec![published(compose(1, 1), "a"), checkpoint(7, 2)]);
        made.entry(1, vec![published(compose(1, 2), "b")]);
        let settings = Settings { partition_id: 1, partitions: 1 };
        let mut engine = Engine::new(settings, Arc::new(NoBacking)).expect("engine");
        engine.replay(&made.evidence.recorded.records(1)[..2]).expect("replay");
        let mut rows: Vec<Row> =
            engine.dump().into_iter().filter(|(table, ..)| *table != 0).collect();
        rows.sort();
        made.evidence.backups.push(Backup {
            id: 7,
            requested_ms: Some(10),
            is_accepted: true,
            said: vec![said(20, BackupSaid::InProgress), said(30, BackupSaid::Completed)],
            restored: Some(Ok(vec![RestoredPart {
                partition: 1,
                position: 2,
                entry_index: 0,
                rows,
            }])),
        });
        made
    }

    fn parts(made: &mut Made) -> &mut Vec<RestoredPart> {
        let restored = made.evidence.backups[0].restored.as_mut();
        restored.expect("restored").as_mut().expect("parts")
    }

    fn offence(made: &Made) -> String {
        BackupsAreWhole.check(&made.evidence).unwrap_err()
    }

    #[test]
    fn what_the_log_makes_up_to_the_checkpoint_is_whole() {
        let mut made = made();
        let event = ("MESSAGE", "PUBLISHED");
        let call =
            made.call(CallKind::Publish, Outcome::Acknowledged { key: 1, position: 1, event });
        call.returned_ms = 9;
        let call =
            made.call(CallKind::Publish, Outcome::Acknowledged { key: 2, position: 3, event });
        call.returned_ms = 10;
        assert_eq!(BackupsAreWhole.check(&made.evidence), Ok(()));
    }

    #[test]
    fn another_end_or_another_row_is_an_offence() {
        let mut other_end = made();
        parts(&mut other_end)[0].position = 3;
        assert!(offence(&other_end).contains("instead of its checkpoint"));
        let mut other_row = made();
        parts(&mut other_row)[0].rows.pop();
        assert!(offence(&other_row).contains("replay gives"));
    }

    #[test]
    fn what_was_acknowledged_before_is_in_it() {
        let mut made = made();
        let event = ("MESSAGE", "PUBLISHED");
        let call =
            made.call(CallKind::Publish, Outcome::Acknowledged { key: 2, position: 3, event });
        call.returned_ms = 9;
        assert!(offence(&made).contains("ends at position 2"));
    }

    #[test]
    fn jobs_that_were_handed_out_before_are_in_it() {
        let mut made = made();
        let call = made.call(CallKind::Activate, Outcome::Jobs(vec![5]));
        call.returned_ms = 9;
        assert!(offence(&made).contains("ends at position 2"));
    }

    #[test]
    fn what_is_complete_can_be_restored_and_stays_so() {
        let mut broken = made();
        broken.evidence.backups[0].restored = Some(Err("a file is missing".to_owned()));
        assert!(offence(&broken).contains("a file is missing"));
        let mut withdrawn = made();
        withdrawn.evidence.backups[0].said.push(said(40, BackupSaid::Failed));
        assert!(offence(&withdrawn).contains("is not"));
    }

    #[test]
    fn one_that_fails_says_why_and_none_goes_on_for_ever() {
        let mut failed = made();
        failed.evidence.backups[0].said = vec![said(30, BackupSaid::Failed)];
        assert_eq!(BackupsAreWhole.check(&failed.evidence), Ok(()));
        failed.evidence.backups[0].said[0].reason = None;
        assert!(offence(&failed).contains("not why"));
        let mut endless = made();
        endless.evidence.backups[0].said = vec![said(30, BackupSaid::InProgress)];
        assert!(offence(&endless).contains("in progress"));
        let mut forgotten = made();
        forgotten.evidence.backups[0].said.clear();
        assert!(offence(&forgotten).contains("nobody knows"));
    }
}
