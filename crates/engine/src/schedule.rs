//! What becomes due: timers, deadlines, back-offs, expiries, queued slices, sends to repeat.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use skep_protocol::{
    Command, JobIntent, JobRecord, Key, MessageBatchIntent, MessageBatchRecord, NO_KEY,
    PartitionId, Payload, ProcessInstanceBatchIntent, ProcessInstanceBatchRecord,
    ProcessMessageSubscriptionIntent, TimerIntent, TimerRecord, key::partition_of_correlation_key,
};

use crate::behavior::message::to_instance_side;
use crate::behavior::subscription::to_message_side;
use crate::engine::Settings;
use crate::limits::{DUE_COMMANDS_MAX, RESEND_PAUSE_MAX_MS, RESEND_PAUSE_MS, RESEND_SCAN_MAX};
use crate::outcome::Effect;
use crate::state::{State, SubscriptionState, Table};

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
    if state.message_deadlines.first().is_some_and(|((due_ms, _), ())| due_ms <= now_ms) {
        let payload = Payload::MessageBatch(MessageBatchIntent::Expire, MessageBatchRecord {});
        commands.push(Command::new(NO_KEY, payload));
    }
    commands
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
    let batch = state.batches.first().map(|_| i64::MIN);
    let timer = state.timer_due_dates.first().map(|((due_ms, _), _)| due_ms);
    let deadline = state.job_deadlines.first().map(|((due_ms, _), ())| due_ms);
    let back_off = state.job_back_offs.first().map(|((due_ms, _), ())| due_ms);
    let message = state.message_deadlines.first().map(|((due_ms, _), ())| due_ms);
    [batch, timer, deadline, back_off, message].into_iter().flatten().min()
}

/// What was sent to another partition and has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unanswered {
    Opening(Key, String),
    Correlating(Key, Key),
    Correlated(Key, Key),
}

/// Repeats what other partitions have not answered, with growing pauses. Derived from state: a new
/// leader finds the same, and starts to count anew.
#[derive(Default)]
pub(crate) struct Resending {
    /// When it is sent again, and the pause after that.
    next: BTreeMap<Unanswered, (i64, i64)>,
    looked_ms: i64,
}

impl Resending {
    /// Adds what has to be sent again now.
    pub(crate) fn due(
        &mut self,
        state: &State,
        settings: Settings,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        if now_ms < self.looked_ms.saturating_add(RESEND_PAUSE_MS) && now_ms >= self.looked_ms {
            return;
        }
        self.looked_ms = now_ms;
        let mut previous = std::mem::take(&mut self.next);
        for (id, partition, mut command) in unanswered(state, settings) {
            let (mut at_ms, mut pause_ms) =
                previous.remove(&id).unwrap_or((now_ms + RESEND_PAUSE_MS, RESEND_PAUSE_MS));
            if at_ms <= now_ms {
                command.checkpoint_id = state.meta.checkpoint_id;
                effects.push(Effect::Send { partition, command });
                pause_ms = (pause_ms * 2).min(RESEND_PAUSE_MAX_MS);
                at_ms = now_ms + pause_ms;
            }
            self.next.insert(id, (at_ms, pause_ms));
        }
    }

    /// When to look again; `None` while nothing is unanswered.
    pub(crate) fn next_ms(&self, state: &mut State) -> Option<i64> {
        let any = state.process_message_subscriptions_pending.first().is_some()
            || state.message_subscriptions_pending.first().is_some()
            || state.process_message_correlations.first().is_some();
        any.then(|| self.looked_ms.saturating_add(RESEND_PAUSE_MS))
    }
}

fn unanswered(state: &State, settings: Settings) -> Vec<(Unanswered, PartitionId, Command)> {
    let mut found = Vec::new();
    let mut looked = 0;
    state.process_message_subscriptions_pending.scan(
        &(NO_KEY, String::new()),
        None,
        &mut |id, ()| {
            looked += 1;
            if let Some(row) = state.process_message_subscriptions.get(id) {
                let intent = if row.state == SubscriptionState::Closing as i32 {
                    skep_protocol::MessageSubscriptionIntent::Delete
                } else {
                    skep_protocol::MessageSubscriptionIntent::Create
                };
                let partition =
                    partition_of_correlation_key(&row.record.correlation_key, settings.partitions);
                let command = to_message_side(&row.record, intent);
                found.push((Unanswered::Opening(id.0, id.1.clone()), partition, command));
            }
            if looked < RESEND_SCAN_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    );
    looked = 0;
    state.message_subscriptions_pending.scan(&NO_KEY, None, &mut |key, ()| {
        looked += 1;
        let Some(row) = state.message_subscriptions.get(key) else {
            return ControlFlow::Continue(());
        };
        for message in row.correlating {
            let record = skep_protocol::MessageSubscriptionRecord {
                message_key: message.message_key,
                variables: message.variables,
                ..row.record.clone()
            };
            let (partition, command) =
                to_instance_side(&record, ProcessMessageSubscriptionIntent::Correlate);
            found.push((Unanswered::Correlating(*key, message.message_key), partition, command));
        }
        if looked < RESEND_SCAN_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    add_correlated(state, settings, &mut found);
    found
}

/// Messages that were taken, without the acknowledgement that allows to forget them.
fn add_correlated(
    state: &State,
    settings: Settings,
    found: &mut Vec<(Unanswered, PartitionId, Command)>,
) {
    let mut looked = 0;
    state.process_message_correlations.scan(&(NO_KEY, NO_KEY), None, &mut |id, record| {
        looked += 1;
        let partition = partition_of_correlation_key(&record.correlation_key, settings.partitions);
        let command = to_message_side(record, skep_protocol::MessageSubscriptionIntent::Correlate);
        found.push((Unanswered::Correlated(id.0, id.1), partition, command));
        if looked < RESEND_SCAN_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}
