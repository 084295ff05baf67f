//! What the broker counts and measures, through the `metrics` facade.
//!
//! | name | kind, unit | labels | meaning |
//! |---|---|---|---|
//! | `skep_commands_total` | counter | `partition`, `value_type`, `intent` | commands processed |
//! | `skep_rejections_total` | counter | `partition`, `value_type`, `intent` | commands rejected while they were processed |
//! | `skep_commands_refused_total` | counter | `reason` | requests refused before processing: `exhausted` (backpressure, full disk), `unavailable` |
//! | `skep_commands_dropped_total` | counter | - | commands of other partitions that found a full inbox |
//! | `skep_records_total` | counter | `partition` | records written by the leader |
//! | `skep_processing_seconds` | histogram, s | `partition` | one round of the stream processor |
//! | `skep_round_commands` | histogram | `partition` | commands of one round |
//! | `skep_commit_seconds` | histogram, s | `partition` | from the proposal of a round to its commit |
//! | `skep_request_seconds` | histogram, s | `partition` | from the acceptance of a request to its commit |
//! | `skep_append_bytes` | histogram, bytes | `partition` | one batch of records |
//! | `skep_requests_queued` | gauge | `partition` | requests that wait for processing |
//! | `skep_requests_in_flight` | gauge | `partition` | requests accepted and not committed |
//! | `skep_requests_limit` | gauge | `partition` | how many may be |
//! | `skep_rounds_in_flight` | gauge | `partition` | rounds processed and not committed |
//! | `skep_last_position` | gauge | `partition` | position of the last committed record |
//! | `skep_partition_leader` | gauge, 0 or 1 | `partition` | this node leads it |
//! | `skep_state_dirty_bytes` | gauge, bytes | `partition` | state that no checkpoint holds |
//! | `skep_distribution_pending` | gauge | `partition`, `receiver` | distributions that a partition has not acknowledged |
//! | `skep_distribution_oldest_seconds` | gauge, s | `partition`, `receiver` | since when the oldest of them is pending |
//! | `skep_distribution_late` | gauge, 0 or 1 | `partition`, `receiver` | for longer than 30 s: an alarm |
//! | `skep_checkpoints_total` | counter | `partition` | checkpoints written |
//! | `skep_checkpoint_failures_total` | counter | `partition` | attempts to write one that failed |
//! | `skep_checkpoint_seconds` | histogram, s | `partition` | writing one, in the background |
//! | `skep_replayed_records_total` | counter | `partition` | records applied without processing |
//! | `skep_replay_seconds` | gauge, s | `partition` | from start to leadership |
//! | `skep_job_streams` | gauge | - | open job streams |
//! | `skep_jobs_pushed_total` | counter | `partition` | jobs pushed to streams |
//! | `skep_jobs_yielded_total` | counter | - | jobs given back because nobody took them |
//! | `skep_journal_bytes_total` | counter, bytes | - | bytes written to the journal |
//! | `skep_journal_fsyncs_total` | counter | - | flushes of the journal |
//! | `skep_journal_fsync_seconds_total` | counter, s | - | time spent in them |
//! | `skep_journal_fsync_seconds_max` | gauge, s | - | the slowest one |
//! | `skep_journal_disk_bytes` | gauge, bytes | - | what the journal takes on the disk |
//!
//! The journal's figures are read when [`crate::Broker::publish_metrics`] is called.

use std::collections::HashMap;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use skep_protocol::{PartitionId, Payload, Record};

/// See the table.
pub(crate) const COMMANDS: &str = "skep_commands_total";
/// See the table.
pub(crate) const REJECTIONS: &str = "skep_rejections_total";
/// See the table.
pub(crate) const COMMANDS_REFUSED: &str = "skep_commands_refused_total";
/// See the table.
pub(crate) const COMMANDS_DROPPED: &str = "skep_commands_dropped_total";
/// See the table.
pub(crate) const JOB_STREAMS: &str = "skep_job_streams";
/// See the table.
pub(crate) const JOBS_YIELDED: &str = "skep_jobs_yielded_total";

/// Handles of one partition; looking them up by name for each command would cost more than most
/// commands do.
pub(crate) struct PartitionMetrics {
    partition: String,
    commands: HashMap<(u8, u8), Counter>,
    pub(crate) records: Counter,
    pub(crate) processing: Histogram,
    pub(crate) round_commands: Histogram,
    pub(crate) commit: Histogram,
    pub(crate) request: Histogram,
    pub(crate) append_bytes: Histogram,
    pub(crate) requests_queued: Gauge,
    pub(crate) requests_in_flight: Gauge,
    pub(crate) requests_limit: Gauge,
    pub(crate) rounds_in_flight: Gauge,
    pub(crate) last_position: Gauge,
    pub(crate) leader: Gauge,
    pub(crate) dirty_bytes: Gauge,
    pub(crate) checkpoints: Counter,
    pub(crate) checkpoint_failures: Counter,
    pub(crate) checkpoint_time: Histogram,
    pub(crate) replayed: Counter,
    pub(crate) replay_time: Gauge,
    pub(crate) jobs_pushed: Counter,
}

impl PartitionMetrics {
    pub(crate) fn new(partition: PartitionId) -> Self {
        let partition = partition.to_string();
        let label = || [("partition", partition.clone())];
        Self {
            commands: HashMap::new(),
            records: counter!("skep_records_total", &label()),
            processing: histogram!("skep_processing_seconds", &label()),
            round_commands: histogram!("skep_round_commands", &label()),
            commit: histogram!("skep_commit_seconds", &label()),
            request: histogram!("skep_request_seconds", &label()),
            append_bytes: histogram!("skep_append_bytes", &label()),
            requests_queued: gauge!("skep_requests_queued", &label()),
            requests_in_flight: gauge!("skep_requests_in_flight", &label()),
            requests_limit: gauge!("skep_requests_limit", &label()),
            rounds_in_flight: gauge!("skep_rounds_in_flight", &label()),
            last_position: gauge!("skep_last_position", &label()),
            leader: gauge!("skep_partition_leader", &label()),
            dirty_bytes: gauge!("skep_state_dirty_bytes", &label()),
            checkpoints: counter!("skep_checkpoints_total", &label()),
            checkpoint_failures: counter!("skep_checkpoint_failures_total", &label()),
            checkpoint_time: histogram!("skep_checkpoint_seconds", &label()),
            replayed: counter!("skep_replayed_records_total", &label()),
            replay_time: gauge!("skep_replay_seconds", &label()),
            jobs_pushed: counter!("skep_jobs_pushed_total", &label()),
            partition,
        }
    }

    /// Counts a command.
    pub(crate) fn command(&mut self, payload: &Payload) {
        let key = (payload.value_type() as u8, payload.intent_number());
        let partition = &self.partition;
        let counter = self.commands.entry(key).or_insert_with(|| {
            let value_type = payload.value_type().name();
            let intent = payload.intent_name();
            counter!(COMMANDS, "partition" => partition.clone(), "value_type" => value_type, "intent" => intent)
        });
        counter.increment(1);
    }

    /// Counts the rejections among the records of a command. They are few, so nothing is kept for them.
    pub(crate) fn rejections(&self, records: &[Record]) {
        for record in records.iter().filter(|record| record.rejection.is_some()) {
            let value_type = record.payload.value_type().name();
            let intent = record.payload.intent_name();
            let partition = self.partition.clone();
            counter!(REJECTIONS, "partition" => partition, "value_type" => value_type, "intent" => intent)
                .increment(1);
        }
    }
}

/// Seconds from microseconds.
#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^52 microseconds")]
pub(crate) fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// A number as metrics want it.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn figure(number: u64) -> f64 {
    number as f64
}
