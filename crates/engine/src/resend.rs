//! Sends that are repeated until another partition has answered them: opening and closing of message
//! subscriptions, correlations and their confirmation (`spec/engine.md` 4.8).
//!
//! What is unanswered is in state, in three tables that may hold a million rows for a partition that
//! is away. A pass looks at some rows of each from where the last one ended, so that every row has
//! its turn, and keeps an account of when to repeat: of so many rows of each partition, as more of a
//! silent one would not help. Never part of state: a new leader finds the same and counts anew.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use skep_protocol::{
    Command, Key, MessageSubscriptionIntent, PartitionId, ProcessMessageSubscriptionIntent,
    key::partition_of_correlation_key,
};

use crate::behavior::message::to_instance_side;
use crate::behavior::subscription::to_message_side;
use crate::engine::Settings;
use crate::limits::{
    RESEND_LOOK_MS, RESEND_PAUSE_MAX_MS, RESEND_PAUSE_MS, RESEND_SCAN_MAX, RESEND_TRACKED_MAX,
};
use crate::outcome::Effect;
use crate::state::{State, SubscriptionState, Table, TableKey, TableValue};

/// What was sent to another partition and has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unanswered {
    /// A subscription of an element is opened or closed.
    Subscription(Key, String),
    /// A message is on its way to a subscription.
    Correlating(Key, Key),
    /// An element took a message.
    Correlated(Key, Key),
}

/// When something is sent again, and the pause before that.
#[derive(Clone, Copy)]
struct Next {
    partition: PartitionId,
    at_ms: i64,
    pause_ms: i64,
}

/// The account of one leader.
#[derive(Default)]
pub(crate) struct Resending {
    next: BTreeMap<Unanswered, Next>,
    tracked: BTreeMap<PartitionId, usize>,
    looked_ms: i64,
    subscriptions_from: (Key, String),
    correlating_from: Key,
    correlated_from: (Key, Key),
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
        if now_ms < self.looked_ms.saturating_add(RESEND_LOOK_MS) && now_ms >= self.looked_ms {
            return;
        }
        self.looked_ms = now_ms;
        #[cfg(feature = "mutation")]
        if crate::mutation::is("sends are not repeated") {
            return;
        }
        self.repeat(state, settings, now_ms, effects);
        for (id, partition) in self.found(state, settings) {
            self.track(id, partition, now_ms);
        }
    }

    /// When to look again; `None` while nothing is unanswered.
    pub(crate) fn next_ms(&self, state: &mut State) -> Option<i64> {
        let any = state.process_message_subscriptions_pending.first().is_some()
            || state.message_subscriptions_pending.first().is_some()
            || state.process_message_correlations.first().is_some();
        any.then(|| self.looked_ms.saturating_add(RESEND_LOOK_MS))
    }

    /// A partition can be reached again: what it has not answered is sent with the next look, which
    /// is now.
    pub(crate) fn reachable(&mut self, partition: PartitionId) {
        let mut any = false;
        for next in self.next.values_mut().filter(|next| next.partition == partition) {
            (next.at_ms, next.pause_ms) = (i64::MIN, RESEND_PAUSE_MS / 2);
            any = true;
        }
        if any {
            self.looked_ms = i64::MIN;
        }
    }

    fn track(&mut self, id: Unanswered, partition: PartitionId, now_ms: i64) {
        let tracked = self.tracked.entry(partition).or_default();
        if *tracked < RESEND_TRACKED_MAX && !self.next.contains_key(&id) {
            *tracked += 1;
            let at_ms = now_ms.saturating_add(RESEND_PAUSE_MS);
            self.next.insert(id, Next { partition, at_ms, pause_ms: RESEND_PAUSE_MS });
        }
    }

    /// Sends what is late, and forgets what was answered.
    fn repeat(
        &mut self,
        state: &State,
        settings: Settings,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        let tracked = &mut self.tracked;
        self.next.retain(|id, next| {
            if !is_unanswered(state, id) {
                if let Some(count) = tracked.get_mut(&next.partition) {
                    *count = count.saturating_sub(1);
                }
                return false;
            }
            if next.at_ms <= now_ms
                && next.partition != settings.partition_id
                && let Some(mut command) = command_of(state, id)
            {
                command.checkpoint_id = state.meta.checkpoint_id;
                effects.push(Effect::Send { partition: next.partition, command });
                next.pause_ms = (next.pause_ms * 2).min(RESEND_PAUSE_MAX_MS);
                next.at_ms = now_ms.saturating_add(next.pause_ms);
            }
            true
        });
    }

    /// Some unanswered ones of each kind, from where the last look ended.
    fn found(&mut self, state: &State, settings: Settings) -> Vec<(Unanswered, PartitionId)> {
        let of_key = |correlation_key: &str| {
            partition_of_correlation_key(correlation_key, settings.partitions)
        };
        let mut found = Vec::new();
        let pending = &state.process_message_subscriptions_pending;
        look(pending, &mut self.subscriptions_from, |id, ()| {
            if let Some(row) = state.process_message_subscriptions.get(id) {
                let partition = of_key(&row.record.correlation_key);
                found.push((Unanswered::Subscription(id.0, id.1.clone()), partition));
            }
        });
        look(&state.message_subscriptions_pending, &mut self.correlating_from, |key, ()| {
            let Some(row) = state.message_subscriptions.get(key) else { return };
            let partition = skep_protocol::key::partition_of(row.record.process_instance_key);
            for message in row.correlating {
                found.push((Unanswered::Correlating(*key, message.message_key), partition));
            }
        });
        look(&state.process_message_correlations, &mut self.correlated_from, |id, record| {
            let partition = of_key(&record.correlation_key);
            found.push((Unanswered::Correlated(id.0, id.1), partition));
        });
        found
    }
}

/// Visits some rows of a table, and moves to where the next look begins.
fn look<K: TableKey, V: TableValue>(
    table: &Table<K, V>,
    from: &mut K,
    mut visit: impl FnMut(&K, &V),
) {
    let mut looked = 0;
    let mut rest = None;
    table.scan(from, None, &mut |key, value| {
        if looked >= RESEND_SCAN_MAX {
            rest = Some(key.clone());
            return ControlFlow::Break(());
        }
        looked += 1;
        visit(key, value);
        ControlFlow::Continue(())
    });
    *from = rest.unwrap_or_else(K::smallest);
}

fn is_unanswered(state: &State, id: &Unanswered) -> bool {
    match id {
        Unanswered::Subscription(element, name) => {
            state.process_message_subscriptions_pending.contains(&(*element, name.clone()))
        }
        Unanswered::Correlating(subscription, _) => {
            state.message_subscriptions_pending.contains(subscription)
        }
        Unanswered::Correlated(element, message_key) => {
            state.process_message_correlations.contains(&(*element, *message_key))
        }
    }
}

/// The command that asks again; `None` when it was answered after all.
fn command_of(state: &State, id: &Unanswered) -> Option<Command> {
    match id {
        Unanswered::Subscription(element, name) => {
            let row = state.process_message_subscriptions.get(&(*element, name.clone()))?;
            let intent = if row.state == SubscriptionState::Closing as i32 {
                MessageSubscriptionIntent::Delete
            } else {
                MessageSubscriptionIntent::Create
            };
            Some(to_message_side(&row.record, intent))
        }
        Unanswered::Correlating(subscription, message_key) => {
            let row = state.message_subscriptions.get(subscription)?;
            let message =
                row.correlating.into_iter().find(|message| message.message_key == *message_key)?;
            let record = skep_protocol::MessageSubscriptionRecord {
                message_key: *message_key,
                variables: message.variables,
                sequence: message.sequence,
                ..row.record
            };
            Some(to_instance_side(&record, ProcessMessageSubscriptionIntent::Correlate).1)
        }
        Unanswered::Correlated(element, message_key) => {
            let record = state.process_message_correlations.get(&(*element, *message_key))?;
            Some(to_message_side(&record, MessageSubscriptionIntent::Correlate))
        }
    }
}
