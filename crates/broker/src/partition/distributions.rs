//! What other partitions have not acknowledged: looked at now and then, shown to operators as a
//! status, as metrics and, when it takes too long, as a warning.

use std::collections::BTreeMap;

use metrics::{Gauge, gauge};
use skep_engine::PendingDistributions;
use skep_protocol::PartitionId;

use crate::limits::{DISTRIBUTION_LATE_MS, DISTRIBUTION_LOOK_US};
use crate::metrics::figure;
use crate::partition::Processing;
use crate::partition::processor::Partition;
use crate::replication::Replication;
use crate::topology::DistributionStatus;

/// What was shown last.
#[derive(Default)]
pub(super) struct Distributions {
    looked_us: Option<u64>,
    any: bool,
    receivers: BTreeMap<PartitionId, Shown>,
}

/// One receiver.
struct Shown {
    pending: Gauge,
    oldest_seconds: Gauge,
    late: Gauge,
    /// When somebody was warned last, monotonic microseconds.
    warned_us: Option<u64>,
}

impl Distributions {
    /// Something is pending: how that goes on should be seen soon.
    pub(super) fn any(&self) -> bool {
        self.any
    }
}

impl<E: Processing, R: Replication> Partition<E, R> {
    /// Looks at what is pending, unless that was done a moment ago.
    pub(super) fn show_distributions(&mut self) {
        let now_us = self.parts.clock.monotonic_us();
        let looked_us = self.distributions.looked_us;
        if looked_us.is_some_and(|at_us| now_us < at_us.saturating_add(DISTRIBUTION_LOOK_US)) {
            return;
        }
        self.distributions.looked_us = Some(now_us);
        let pending = match self.leading {
            Some(_) => self.engine.pending_distributions(),
            None => Vec::new(),
        };
        if pending.is_empty() && !self.distributions.any {
            return;
        }
        self.distributions.any = !pending.is_empty();
        let now_ms = self.parts.clock.now_ms();
        for (receiver, shown) in &mut self.distributions.receivers {
            if pending.iter().all(|other| other.receiver != *receiver) {
                shown.pending.set(0.0);
                shown.oldest_seconds.set(0.0);
                shown.late.set(0.0);
                shown.warned_us = None;
            }
        }
        for one in &pending {
            self.show_receiver(one, now_ms, now_us);
        }
        let id = self.parts.id;
        let statuses = pending.into_iter().map(|one| status(id, one)).collect();
        self.parts.status.set_distributions(statuses);
    }

    fn show_receiver(&mut self, one: &PendingDistributions, now_ms: i64, now_us: u64) {
        let (partition, receiver) = (self.parts.id, one.receiver);
        let shown = self.distributions.receivers.entry(receiver).or_insert_with(|| {
            let labels = [("partition", partition.to_string()), ("receiver", receiver.to_string())];
            Shown {
                pending: gauge!("skep_distribution_pending", &labels),
                oldest_seconds: gauge!("skep_distribution_oldest_seconds", &labels),
                late: gauge!("skep_distribution_late", &labels),
                warned_us: None,
            }
        });
        let age_ms = u64::try_from(now_ms.saturating_sub(one.oldest_since_ms)).unwrap_or(0);
        let late = age_ms >= DISTRIBUTION_LATE_MS;
        shown.pending.set(figure(one.count as u64));
        shown.oldest_seconds.set(figure(age_ms / 1_000));
        shown.late.set(if late { 1.0 } else { 0.0 });
        let is_time = shown
            .warned_us
            .is_none_or(|at_us| now_us >= at_us.saturating_add(DISTRIBUTION_LATE_MS * 1_000));
        if late && is_time {
            shown.warned_us = Some(now_us);
            tracing::warn!(
                partition,
                receiver,
                count = one.count,
                oldest_key = one.oldest_key,
                age_ms,
                attempts = one.attempts,
                "a partition has not acknowledged what was distributed to it: what was deployed \
                 since then cannot be started there; look at its leader and at the network between"
            );
        }
    }
}

fn status(partition: PartitionId, one: PendingDistributions) -> DistributionStatus {
    DistributionStatus {
        partition,
        receiver: one.receiver,
        count: one.count as u64,
        oldest_key: one.oldest_key,
        oldest_since_ms: one.oldest_since_ms,
        attempts: one.attempts,
        value_type: one.value_type.to_owned(),
        intent: one.intent.to_owned(),
        away: one.away,
    }
}
