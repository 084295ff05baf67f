//! Jobs that became available in a round are activated for waiting streams in the same round, so
//! that creating and pushing a job share one entry and one flush.

use std::collections::BTreeSet;

use skep_engine::{Effect, Outcome, RequestId, Response};
use skep_protocol::{Command, JobBatchIntent, JobBatchRecord, NO_KEY, Payload};

use crate::jobs::StreamSlot;
use crate::partition::Processing;
use crate::partition::processor::{Partition, Round, Slot};
use crate::replication::Replication;

impl<E: Processing, R: Replication> Partition<E, R> {
    /// Pushes what the round made available, and what waited for room in a stream.
    pub(super) fn push_jobs(&mut self, now_ms: i64, round: &mut Round) {
        let mut types: BTreeSet<String> = std::mem::take(&mut self.room).into_iter().collect();
        let mut announced = BTreeSet::new();
        round.effects.retain(|effect| match effect {
            Effect::JobsAvailable { job_type } => {
                announced.insert(job_type.clone());
                false
            }
            _ => true,
        });
        types.extend(announced.iter().cloned());
        for job_type in types {
            let all_pushed = self.push_type(&job_type, now_ms, round);
            if !all_pushed && announced.contains(&job_type) {
                round.effects.push(Effect::JobsAvailable { job_type });
            }
        }
    }

    /// Activates jobs of a type for one stream after the other; true when none is left.
    fn push_type(&mut self, job_type: &str, now_ms: i64, round: &mut Round) -> bool {
        let mut outcome = Outcome::default();
        while self.failure.is_none() && round.batch.len() < self.parts.round_bytes_max {
            let Some((stream, granted)) = self.parts.hub.take_turn(job_type) else { return false };
            let command = activate(&stream, granted);
            let id = self.add_slot(Slot::Push { stream: stream.clone(), granted });
            let effects_before = round.effects.len();
            self.process(command, Some(id), now_ms, &mut outcome, round);
            let found = jobs_for(id, &mut round.effects, effects_before);
            let (count, truncated) = found.unwrap_or((0, false));
            let count = count.min(granted);
            if count == 0 {
                self.slots.remove(&id.0);
            } else {
                self.slots.insert(id.0, Slot::Push { stream: stream.clone(), granted: count });
            }
            self.parts.hub.give_back(&stream, granted - count);
            if count < granted && !truncated {
                return true;
            }
        }
        // The rest has its turn in the next round.
        self.room.push(job_type.to_owned());
        false
    }
}

fn activate(stream: &StreamSlot, jobs_max: u32) -> Command {
    let value = JobBatchRecord {
        job_type: stream.spec.job_type.clone(),
        worker: stream.spec.worker.clone(),
        timeout_ms: stream.spec.timeout_ms,
        jobs_max,
        fetch_variables: stream.spec.fetch_variables.clone(),
        ..JobBatchRecord::default()
    };
    Command::new(NO_KEY, Payload::JobBatch(JobBatchIntent::Activate, value))
}

/// How many jobs the answer to `id` holds; an answer without jobs is taken out.
fn jobs_for(id: RequestId, effects: &mut Vec<Effect>, from: usize) -> Option<(u32, bool)> {
    let at =
        effects.iter().skip(from).position(
            |effect| matches!(effect, Effect::Respond { request, .. } if *request == id),
        )? + from;
    match &effects[at] {
        Effect::Respond { response: Response::Jobs { jobs, truncated }, .. }
            if !jobs.is_empty() =>
        {
            Some((u32::try_from(jobs.len()).unwrap_or(u32::MAX), *truncated))
        }
        _ => {
            effects.remove(at);
            None
        }
    }
}
