//! What a leader knows of the partitions that it distributes to: what is on its way, since when, and
//! when it has to be sent again. Never part of state: the next leader finds what is pending there,
//! and sends it again at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use skep_protocol::{Key, NO_KEY, PartitionId};

use super::origin::command_of;
use crate::limits::{
    ANSWER_WAIT_MAX_MS, ANSWER_WAIT_MS, DISTRIBUTION_LARGE_BYTES, DISTRIBUTION_LARGE_PAUSE_MAX_MS,
    DISTRIBUTION_PAUSE_MAX_MS, DISTRIBUTION_PAUSE_MS, DISTRIBUTIONS_BYTES_IN_FLIGHT_MAX,
    DISTRIBUTIONS_IN_FLIGHT_MAX,
};
use crate::outcome::Effect;
use crate::state::State;

/// All receivers that ever had something pending since this leader began.
#[derive(Default)]
pub(crate) struct Receivers {
    by_partition: BTreeMap<PartitionId, Receiver>,
    /// The pending ones of earlier leaders were looked for.
    looked: bool,
}

/// One of them.
struct Receiver {
    /// Sent and not acknowledged, ascending, and their bytes.
    in_flight: VecDeque<(Key, usize)>,
    bytes: usize,
    /// It did not answer in time: only the oldest is sent until it does.
    silent: bool,
    /// The broker says that it cannot be reached.
    said_away: bool,
    resend_at_ms: i64,
    pause_ms: i64,
    attempts: u32,
    /// A distribution whose acknowledgement is timed, and when it was sent.
    timed: Option<(Key, i64)>,
    /// How long acknowledgements take, smoothed, in eighths of a millisecond.
    round_trip_eighths: i64,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            in_flight: VecDeque::new(),
            bytes: 0,
            silent: false,
            said_away: false,
            resend_at_ms: i64::MAX,
            pause_ms: DISTRIBUTION_PAUSE_MS,
            attempts: 0,
            timed: None,
            round_trip_eighths: 0,
        }
    }
}

impl Receiver {
    fn round_trip_ms(&self) -> i64 {
        self.round_trip_eighths / 8
    }

    /// The first pause: long enough for a receiver that is only slow.
    fn first_pause_ms(&self) -> i64 {
        (DISTRIBUTION_PAUSE_MS / 2 + 3 * self.round_trip_ms())
            .clamp(DISTRIBUTION_PAUSE_MS, DISTRIBUTION_PAUSE_MAX_MS)
    }

    /// Whatever was on its way counts as lost.
    fn forget_in_flight(&mut self) {
        self.in_flight.clear();
        self.bytes = 0;
        self.timed = None;
    }

    /// Sends what is pending, in order, as far as it may be on its way at a time.
    fn fill(
        &mut self,
        state: &State,
        partition: PartitionId,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        let window = if self.silent { 1 } else { DISTRIBUTIONS_IN_FLIGHT_MAX };
        let after = self.in_flight.back().map_or(NO_KEY, |(key, _)| *key + 1);
        let mut found = Vec::new();
        let room = window.saturating_sub(self.in_flight.len());
        let is_idle = self.in_flight.is_empty();
        if room > 0 {
            state.distributions_pending.scan(
                &(partition, after),
                Some(&(partition + 1, NO_KEY)),
                &mut |(_, key), row| {
                    // One whose predecessor is unknown has to wait until all before it are there.
                    let is_head = is_idle && found.is_empty();
                    if found.len() >= room || (row.predecessor == NO_KEY && !is_head) {
                        return ControlFlow::Break(());
                    }
                    found.push((*key, row.predecessor));
                    ControlFlow::Continue(())
                },
            );
        }
        for (key, predecessor) in found {
            let Some(mut command) = command_of(state, key, predecessor) else { break };
            let bytes = command.payload.bytes_estimate();
            if !self.in_flight.is_empty() && self.bytes + bytes > DISTRIBUTIONS_BYTES_IN_FLIGHT_MAX
            {
                break;
            }
            if self.in_flight.is_empty() {
                self.resend_at_ms = now_ms.saturating_add(self.pause_ms);
                if !self.silent {
                    self.timed = Some((key, now_ms));
                }
            }
            self.in_flight.push_back((key, bytes));
            self.bytes += bytes;
            command.checkpoint_id = state.meta.checkpoint_id;
            effects.push(Effect::Send { partition, command });
        }
    }

    /// Everything up to this one is there.
    fn acknowledged(&mut self, last: Key, now_ms: i64) {
        while let Some((_, bytes)) = self.in_flight.pop_front_if(|(key, _)| *key <= last) {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if let Some((_, sent_ms)) = self.timed.take_if(|(key, _)| *key <= last) {
            let sample = now_ms.saturating_sub(sent_ms).clamp(0, DISTRIBUTION_PAUSE_MAX_MS);
            self.round_trip_eighths += sample - self.round_trip_eighths / 8;
        }
        self.silent = false;
        self.said_away = false;
        self.attempts = 0;
        self.pause_ms = self.first_pause_ms();
        self.resend_at_ms =
            if self.in_flight.is_empty() { i64::MAX } else { now_ms.saturating_add(self.pause_ms) };
    }

    /// No answer came in time.
    fn retry(
        &mut self,
        state: &State,
        partition: PartitionId,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        let was_sent = self.in_flight.front().copied();
        #[cfg(feature = "mutation")]
        if was_sent.is_some() && crate::mutation::is("sends are not repeated") {
            self.resend_at_ms = i64::MAX;
            return;
        }
        self.forget_in_flight();
        if let Some((key, bytes)) = was_sent {
            self.silent = true;
            self.attempts = self.attempts.saturating_add(1);
            let max_ms = if bytes > DISTRIBUTION_LARGE_BYTES {
                DISTRIBUTION_LARGE_PAUSE_MAX_MS
            } else {
                DISTRIBUTION_PAUSE_MAX_MS
            };
            self.pause_ms = (self.pause_ms * 2).min(max_ms);
            effects.push(Effect::DistributionRetried { partition, key, attempts: self.attempts });
        }
        self.resend_at_ms = i64::MAX;
        self.fill(state, partition, now_ms, effects);
    }
}

impl Receivers {
    /// Sends what may be on its way to a partition.
    pub(super) fn fill(
        &mut self,
        state: &State,
        partition: PartitionId,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        self.by_partition.entry(partition).or_default().fill(state, partition, now_ms, effects);
    }

    /// A partition has everything up to a distribution.
    pub(super) fn acknowledged(&mut self, partition: PartitionId, last: Key, now_ms: i64) {
        self.by_partition.entry(partition).or_default().acknowledged(last, now_ms);
    }

    /// Adds what has to be sent again now.
    pub(crate) fn due(
        &mut self,
        state: &State,
        partitions: u32,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) {
        if !self.looked {
            self.looked = true;
            for partition in 1..=partitions {
                if head(state, partition).is_some() {
                    let receiver = self.by_partition.entry(partition).or_default();
                    if receiver.in_flight.is_empty() {
                        receiver.resend_at_ms = i64::MIN;
                    }
                }
            }
        }
        for (partition, receiver) in &mut self.by_partition {
            if receiver.resend_at_ms <= now_ms {
                receiver.retry(state, *partition, now_ms, effects);
            }
        }
    }

    /// When to look again.
    pub(crate) fn next_ms(&self, state: &mut State) -> Option<i64> {
        if !self.looked && state.distributions_pending.first().is_some() {
            return Some(i64::MIN);
        }
        let next = self.by_partition.values().map(|receiver| receiver.resend_at_ms).min();
        next.filter(|at_ms| *at_ms != i64::MAX)
    }

    /// The broker says whether a partition can be reached; when it can (again, or it has another
    /// leader), what is pending is sent at once.
    pub(crate) fn set_reachable(&mut self, state: &State, partition: PartitionId, reachable: bool) {
        let receiver = self.by_partition.entry(partition).or_default();
        receiver.said_away = !reachable;
        if reachable && head(state, partition).is_some() {
            receiver.forget_in_flight();
            receiver.silent = false;
            receiver.pause_ms = receiver.first_pause_ms();
            receiver.resend_at_ms = i64::MIN;
        }
    }

    /// Whether a partition is thought to be away: nobody should wait for it.
    pub(crate) fn is_away(&self, partition: PartitionId) -> bool {
        self.by_partition
            .get(&partition)
            .is_some_and(|receiver| receiver.said_away || receiver.silent)
    }

    /// How often the oldest pending one was sent in vain.
    pub(super) fn attempts(&self, partition: PartitionId) -> u32 {
        self.by_partition.get(&partition).map_or(0, |receiver| receiver.attempts)
    }

    /// How long an answer may wait for these partitions: a little longer than they usually take.
    pub(crate) fn answer_wait_ms(&self, partitions: &[PartitionId]) -> i64 {
        let receivers = partitions.iter().filter_map(|partition| self.by_partition.get(partition));
        let slowest_ms = receivers.map(Receiver::round_trip_ms).max().unwrap_or_default();
        (ANSWER_WAIT_MS / 2 + 3 * slowest_ms).clamp(ANSWER_WAIT_MS, ANSWER_WAIT_MAX_MS)
    }

    /// What a command did was undone: its keys will be given out again, and what it took as
    /// acknowledged is pending.
    pub(crate) fn forget_undone(&mut self, state: &State) {
        for (partition, receiver) in &mut self.by_partition {
            let is_undone = |entry: &mut (Key, usize)| {
                !state.distributions_pending.contains(&(*partition, entry.0))
            };
            while let Some((_, bytes)) = receiver.in_flight.pop_back_if(is_undone) {
                receiver.bytes = receiver.bytes.saturating_sub(bytes);
            }
            let first = receiver.in_flight.front().map(|(key, _)| *key);
            if head(state, *partition) != first {
                receiver.forget_in_flight();
                receiver.resend_at_ms = i64::MIN;
            }
        }
    }
}

/// The oldest distribution that a partition has not acknowledged.
pub(super) fn head(state: &State, partition: PartitionId) -> Option<Key> {
    let mut first = None;
    state.distributions_pending.scan(
        &(partition, NO_KEY),
        Some(&(partition + 1, NO_KEY)),
        &mut |(_, key), _| {
            first = Some(*key);
            ControlFlow::Break(())
        },
    );
    first
}
