//! Limits of the links between nodes, each with its unit and its reason.

use std::time::Duration;

/// Brokers of one cluster. Far above real clusters; bounds what a link may make a node remember.
pub const BROKERS_MAX: usize = 256;

/// An idle link says that it lives this often: a tenth of the silence that breaks it.
pub const HEARTBEAT: Duration = Duration::from_millis(100);

/// A link that hears nothing for this long is broken. A stopped process must be noticed before clients
/// notice; a busy machine must not be taken for a stopped one.
pub const SILENCE_MAX: Duration = Duration::from_secs(1);

/// How long the other side may take for its part of a handshake: it may have to wait for
/// [`SILENCE_MAX`] to know that an earlier life of this node is over.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_millis(1_500);

/// First pause before a node that did not answer is dialled again.
pub const BACKOFF_MIN: Duration = Duration::from_millis(20);

/// Longest pause before a node that did not answer is dialled again: a restarted node is back in
/// the cluster after this at the latest.
pub const BACKOFF_MAX: Duration = Duration::from_millis(250);

/// How long a starting node waits to hear whether the others refuse it: on a local network they
/// answer within a millisecond, and a node that is away must not hold up the start.
pub const INTRODUCTION_WAIT: Duration = Duration::from_millis(700);

/// Bytes that wait for one link. Appends of a partition have a window of 8 MB; beyond this the other
/// side does not keep up, and more waiting would only be waiting.
pub const LINK_QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Answers may exceed the queue's limit by this factor before the link is given up: an answer
/// that is dropped silently would leave its caller waiting.
pub const LINK_ANSWERS_FACTOR: usize = 2;

/// Requests that wait for their answer on one link: as many as the other side's partitions accept
/// would not be answered in time anyway.
pub const LINK_REQUESTS_MAX: usize = 100_000;

/// Numbers of requests and of deliveries of jobs that a link remembers, to serve none twice: 8 KiB for each. As
/// far as a frame is overtaken at the rates of one link within [`SILENCE_MAX`].
pub const SEEN_NUMBERS: u64 = 65_536;

/// Every node tells its roles this often, although nothing has changed: heals a lost change.
pub const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Every node tells brokers this often of the streams that its clients have open, and asks again for what it waits
/// for: heals a word that a fault of messages has lost, which a connection that works does not do.
pub const REPEAT_INTERVAL: Duration = Duration::from_secs(5);

/// How long a request waits for a leader that takes it. An election takes less than a second; a cluster
/// without a leader for longer is a fact that the client should hear.
pub const LEADER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Pause before a node that refused a request is asked again although nothing has changed.
pub const RETRY_PAUSE: Duration = Duration::from_millis(25);

/// Job types that one node may wait for on another; beyond it polls find jobs by asking again.
pub const INTERESTS_MAX: usize = 10_000;

/// Bytes that a fault holds back on one direction of a link: as many as wait for a link that does not
/// keep up; what comes beyond is lost, as on a wire.
pub const HELD_BYTES_MAX: usize = LINK_QUEUE_BYTES_MAX;

/// What a held message costs besides its bytes.
pub const HELD_OVERHEAD_BYTES: usize = 128;
