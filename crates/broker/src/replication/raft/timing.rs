//! When a leader is given up, and openraft's settings for it.
//!
//! What openraft really does: a follower that hears from its leader grants no vote and asks for none
//! for `election_timeout_max` (the lease); it asks for votes when, after the lease, a random time
//! between `election_timeout_min` and `election_timeout_max` has passed. So without further hints
//! a silent leader is replaced after `max + min .. 2 * max` milliseconds. The leader itself takes no
//! proposals when no quorum has acknowledged anything for `election_timeout_max`.
//!
//! A leader whose process ends is noticed at once by its broken connections, which lifts the lease
//! (`campaign`), so these times are for machines and networks that fall silent. They are long
//! enough that a machine with two busy cores, or a disk that stalls for some hundred milliseconds,
//! costs no election: followers answer heartbeats only when what came before them is durable.

use std::sync::Arc;

use openraft::{Config, SnapshotPolicy};

use crate::limits;

/// Heartbeats of a leader, in milliseconds. An acknowledgement has to come within this time to
/// count, so it is also the longest round trip between idle nodes.
pub(crate) const HEARTBEAT_MS: u64 = 100;

/// Lower bound of the random part of an election timeout, and the time for an election, in
/// milliseconds: two votes and their flushes.
pub(crate) const ELECTION_MIN_MS: u64 = 300;

/// The lease, and the upper bound of the random part, in milliseconds: five heartbeats.
pub(crate) const ELECTION_MAX_MS: u64 = 500;

/// A leader that no quorum has acknowledged for so long steps down, in milliseconds: others may have
/// elected another one by then.
pub(crate) const QUORUM_LOST_MS: u64 = 2 * ELECTION_MAX_MS;

/// Pause between two attempts to be elected while a leader is known to be lost, in milliseconds.
/// Others may learn of it a little later, and refuse until then.
pub(crate) const CAMPAIGN_PAUSE_MS: u64 = 20;

/// Head start of each member over the one with the next lower priority, in milliseconds: an
/// election with its flushes, so that members seldom compete.
pub(crate) const CAMPAIGN_STEP_MS: u64 = 60;

/// How long a member tries to be elected after the loss of the leader, in milliseconds; after that
/// the election timeouts are at work.
pub(crate) const CAMPAIGN_MS: u64 = 1_000;

/// Longest time in which a node that is to lead has to catch up, in milliseconds.
pub(crate) const TRANSFER_CATCH_UP_MS: u64 = 10_000;

/// Entries that a node may lack when the leader begins to hand over: it gets them meanwhile.
pub(crate) const TRANSFER_LAG_MAX: u64 = 64;

/// Longest pause of the leader for what it has proposed to be committed before it hands over, in
/// milliseconds.
pub(crate) const TRANSFER_SETTLE_MS: u64 = 500;

/// Longest time for the election of the chosen node, in milliseconds; then the leader steps down
/// and anybody may be elected, itself included.
pub(crate) const TRANSFER_ELECTION_MS: u64 = 2 * ELECTION_MIN_MS;

/// Pause between two rounds of questions of a node without data, in milliseconds.
pub(crate) const PROBE_PAUSE_MS: u64 = 50;

/// How long a new group waits for members that are there and have not found out yet that it is new:
/// a few probes of a machine that starts many at once.
pub(crate) const BEGIN_ALL_MS: u64 = 500;

/// How long a node without data waits for the answers of all others before the answers of enough of
/// them decide, in milliseconds.
pub(crate) const PROBE_ALL_MS: u64 = 2_000;

/// Replies from the life before the loss of the data are not under way any more after this time, in
/// milliseconds: a connection that is silent for a second is broken. Only then a node without data
/// asks what it may have promised, or a vote of its earlier life could elect somebody whom nobody
/// that it asked has heard of yet.
pub(crate) const AFTERLIFE_MS: u64 = 1_000;

/// Longest wait for openraft to learn of a checkpoint, in milliseconds: it reads its meta data.
pub(crate) const PURGE_WAIT_MS: u64 = 5_000;

/// Shortest time between two looks at what openraft tells about itself, in milliseconds: it changes
/// with every entry.
pub(crate) const STATUS_PAUSE_MS: u64 = 50;

/// openraft's settings.
pub(crate) fn config(name: String, ticks: bool) -> Result<Arc<Config>, openraft::ConfigError> {
    let config = Config {
        cluster_name: name,
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_MIN_MS,
        election_timeout_max: ELECTION_MAX_MS,
        max_payload_entries: limits::RAFT_APPEND_ENTRIES,
        // Checkpoints decide what a snapshot is and what is purged (`purge`), not the number of
        // entries.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        purge_batch_size: 1,
        enable_pre_vote: Some(true),
        // A member that lost its disk comes back empty; `admission` makes that safe.
        allow_log_reversion: Some(true),
        // Ticks are for heartbeats and election timeouts. A member without others needs neither, and
        // an idle node should sleep; they are turned on when others come.
        enable_tick: ticks,
        // A new life is a new term: only so is it known what the life before it proposed.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map(Arc::new)
}
