//! Limits of the engine, each with its unit and its reason.

/// Steps (element transitions) that one command may run before the rest is queued, so that no
/// instance holds a partition. A step takes a few microseconds: a slice stays in the milliseconds.
pub const SLICE_STEPS_MAX: usize = 500;

/// Bytes of records after which the steps that are left go on with a later command, so that an
/// instance that copies large variables fills neither a log entry nor the disk at once.
pub const SLICE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Largest outcome of one command, in bytes of records: it has to fit a log entry (16 MiB) together
/// with what its round holds already (1 MiB). What would be larger is refused.
pub const OUTCOME_BYTES_MAX: usize = 14 * 1024 * 1024;

/// Steps that one instance may run without waiting for anything from outside before an incident
/// stops it: a loop without a wait state would otherwise run for ever.
pub const LOOP_STEPS_MAX: u64 = 100_000;

/// Children that one step terminates before the next slice goes on.
pub const TERMINATE_CHILDREN_MAX: usize = 100;

/// Messages that one command expires.
pub const MESSAGE_EXPIRY_BATCH_MAX: usize = 200;

/// Commands that one call of [`crate::Engine::due`] gives at most.
pub const DUE_COMMANDS_MAX: usize = 200;

/// Process instances that may call each other; beyond it an incident says so instead of recursing
/// for ever (`spec/engine.md` 7.8, item 93).
pub const CALL_DEPTH_MAX: u32 = 1_000;

/// Largest answer to an activation, in bytes: the 4 MB message limit of clients less 8 KB reserve.
pub const JOBS_RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024 - 8 * 1024;

/// Longest error message of a job that is kept, in characters (`spec/engine.md` 7.2, item 19).
pub const ERROR_MESSAGE_CHARS_MAX: usize = 10_000;

/// Characters of a variable's value that the message of an incident shows: enough to tell what it is,
/// and a message stays readable.
pub const INCIDENT_VALUE_CHARS_MAX: usize = 100;

/// Variables that the message of an incident shows; an expression with more is rare.
pub const INCIDENT_VARIABLES_MAX: usize = 20;

/// How long the answer to a creation is kept for a retry with the same operation reference, in
/// milliseconds: longer than any client retries, short enough to forget.
pub const OPERATION_REFERENCE_WINDOW_MS: i64 = 60 * 60 * 1000;

/// First pause before an unanswered command about a message subscription is sent again, in
/// milliseconds: a partition under load answers later than an idle one, and a repetition is work for
/// both. Doubles up to [`RESEND_PAUSE_MAX_MS`].
pub const RESEND_PAUSE_MS: i64 = 500;

/// Longest pause between two sends of such a command, in milliseconds: a partition that is back hears
/// of it within this time even if nobody says that it is back.
pub const RESEND_PAUSE_MAX_MS: i64 = 4_000;

/// Pause between two looks at what is unanswered, in milliseconds.
pub const RESEND_LOOK_MS: i64 = 250;

/// Unanswered commands of one partition whose repetition is kept account of; the others have their
/// turn when these are answered.
pub const RESEND_TRACKED_MAX: usize = 1_000;

/// How long the answer to a deployment waits at least for partitions that are not known to be away,
/// in milliseconds: as long as a round trip with two flushes takes on a slow disk.
pub const ANSWER_WAIT_MS: i64 = 40;

/// How long it waits at most, in milliseconds, when round trips take long: what a client who deploys
/// hardly notices.
pub const ANSWER_WAIT_MAX_MS: i64 = 150;

/// First pause before an unacknowledged distribution is sent again, in milliseconds: several times a
/// usual round trip.
pub const DISTRIBUTION_PAUSE_MS: i64 = 100;

/// Longest pause between two sends of a distribution, in milliseconds. Short: a partition that is back
/// gets what it missed within half a second even if nobody says that it is back.
pub const DISTRIBUTION_PAUSE_MAX_MS: i64 = 250;

/// Distributions above this size, in bytes, are repeated more slowly: sent in vain they cost something.
pub const DISTRIBUTION_LARGE_BYTES: usize = 256 * 1024;

/// Longest pause between two sends of such a one, in milliseconds.
pub const DISTRIBUTION_LARGE_PAUSE_MAX_MS: i64 = 2_000;

/// Distributions on their way to one partition at a time: a full round of its processor.
pub const DISTRIBUTIONS_IN_FLIGHT_MAX: usize = 128;

/// Bytes of distributions on their way to one partition at a time: a fraction of what a link queues.
pub const DISTRIBUTIONS_BYTES_IN_FLIGHT_MAX: usize = 2 * 1024 * 1024;

/// Distributions that one acknowledgement settles, so that its records fit an entry; more than are on
/// their way at a time.
pub const ACKNOWLEDGED_MAX: usize = 256;

/// Deployments that one command puts on their way to a new partition.
pub const BOOTSTRAP_DEPLOYMENTS_MAX: usize = 16;

/// Bytes of records after which it puts no more.
pub const BOOTSTRAP_BYTES_MAX: usize = 1024 * 1024;

/// Distributions that a new partition may have to acknowledge before it is sent more: state holds the
/// files of each a second time meanwhile.
pub const BOOTSTRAP_PENDING_MAX: usize = 64;

/// Pending distributions of a partition that are counted for people; beyond it there are "many".
pub const PENDING_COUNTED_MAX: usize = 10_000;

/// How far back, in keys of its partition, a closed message subscription is remembered by the other
/// side, so that a request to open it which comes late opens nothing. Requests are late by seconds;
/// a partition gives out so many keys in no less.
pub const CLOSED_KEYS_REMEMBERED: u64 = 100_000;

/// Closed subscriptions that are forgotten with each one that is remembered.
pub const CLOSED_FORGOTTEN_MAX: usize = 2;

/// Rows of a table that one look at what is unanswered visits.
pub const RESEND_SCAN_MAX: usize = 1_000;

/// Retries of a job whose model names none (`spec/engine.md` 1.6).
pub const JOB_RETRIES_DEFAULT: i32 = 3;

/// Longest scope nesting that a variable look-up walks; models are far below, damage is not.
pub const SCOPE_DEPTH_MAX: usize = 1_000;

/// Largest variable document an element may be given at once, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = skep_protocol::limits::DOCUMENT_BYTES_MAX;
