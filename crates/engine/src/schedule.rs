//! What becomes due: timers, deadlines, back-offs, expiries, queued slices.

use std::ops::ControlFlow;

use skep_protocol::{
    Command, JobIntent, JobRecord, MessageBatchIntent, MessageBatchRecord, NO_KEY, PartitionId,
    Payload, ProcessInstanceBatchIntent, ProcessInstanceBatchRecord, ScaleIntent, ScaleRecord,
    TimerIntent, TimerRecord,
};

use crate::distribute;
use crate::limits::{BOOTSTRAP_PENDING_MAX, DUE_COMMANDS_MAX};
use crate::state::{State, Table};

/// Commands for everything that is due.
pub(crate) fn due(state: &mut State, now_ms: i64) -> Vec<Command> {
    let mut commands = Vec::new();
    for key in first_keys(&mut state.batches, |_| true) {
        let payload = Payload::ProcessInstanceBatch(
            ProcessInstanceBatchIntent::Continue,
            ProcessInstanceBatchRecord::default(),
        );
        commands.push(Command::new(key, payload));
    }
    for (due_ms, key) in first_keys(&mut state.timer_due_dates, |(due_ms, _)| *due_ms <= now_ms) {
        let element_instance_key = state.timer_due_dates.get(&(due_ms, key)).unwrap_or(NO_KEY);
        let record = TimerRecord { element_instance_key, ..TimerRecord::default() };
        commands.push(Command::new(key, Payload::Timer(TimerIntent::Trigger, record)));
    }
    for (deadline_ms, key) in first_keys(&mut state.job_deadlines, |(due_ms, _)| *due_ms <= now_ms)
    {
        let record = JobRecord { deadline_ms, ..JobRecord::default() };
        commands.push(Command::new(key, Payload::Job(JobIntent::TimeOut, record)));
    }
    for (_, key) in first_keys(&mut state.job_back_offs, |(due_ms, _)| *due_ms <= now_ms) {
        commands.push(Command::new(
            key,
            Payload::Job(JobIntent::RecurAfterBackoff, JobRecord::default()),
        ));
    }
    for partition_id in bootstraps_to_go_on(state) {
        let record = ScaleRecord { partition_id, ..ScaleRecord::default() };
        commands.push(Command::new(NO_KEY, Payload::Scale(ScaleIntent::Bootstrap, record)));
    }
    if state.message_deadlines.first().is_some_and(|((due_ms, _), ())| due_ms <= now_ms) {
        let payload = Payload::MessageBatch(MessageBatchIntent::Expire, MessageBatchRecord {});
        commands.push(Command::new(NO_KEY, payload));
    }
    commands
}

/// New partitions that can take more of what is deployed.
fn bootstraps_to_go_on(state: &mut State) -> Vec<PartitionId> {
    let mut partitions = first_keys(&mut state.bootstraps, |_| true);
    partitions.retain(|partition| {
        let open = state.bootstraps.get(partition).is_some_and(|row| !row.complete);
        open && distribute::count(state, *partition, BOOTSTRAP_PENDING_MAX) < BOOTSTRAP_PENDING_MAX
    });
    partitions
}

fn first_keys<K: crate::state::TableKey, V: crate::state::TableValue>(
    table: &mut Table<K, V>,
    is_due: impl Fn(&K) -> bool,
) -> Vec<K> {
    let mut keys = Vec::new();
    let Some((first, _)) = table.first() else { return keys };
    table.scan(&first, None, &mut |key, _| {
        if !is_due(key) || keys.len() >= DUE_COMMANDS_MAX {
            return ControlFlow::Break(());
        }
        keys.push(key.clone());
        ControlFlow::Continue(())
    });
    keys
}

/// When the next thing is due; the past when something is due already.
pub(crate) fn next_due_ms(state: &mut State) -> Option<i64> {
    let bootstrap = bootstraps_to_go_on(state).first().map(|_| i64::MIN);
    let batch = state.batches.first().map(|_| i64::MIN);
    let timer = state.timer_due_dates.first().map(|((due_ms, _), _)| due_ms);
    let deadline = state.job_deadlines.first().map(|((due_ms, _), ())| due_ms);
    let back_off = state.job_back_offs.first().map(|((due_ms, _), ())| due_ms);
    let message = state.message_deadlines.first().map(|((due_ms, _), ())| due_ms);
    [bootstrap, batch, timer, deadline, back_off, message].into_iter().flatten().min()
}
