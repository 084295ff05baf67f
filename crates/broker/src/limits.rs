//! Limits of the broker, each with its unit and its reason.

/// Commands that one round of a partition processes before it proposes: bounds how long the first
/// of them waits for its append. A command takes some 20 us, so a full round stays below 5 ms.
pub const ROUND_COMMANDS_MAX: usize = 128;

/// Bytes of records after which a round ends early, so that one append stays small.
pub const ROUND_BYTES_MAX: usize = 1024 * 1024;

/// Rounds that may be in flight; more only means that the disk is behind and memory grows.
pub const ROUNDS_IN_FLIGHT_MAX: usize = 256;

/// Bytes of rounds in flight: what a partition may hold in memory for a slow disk.
pub const ROUNDS_IN_FLIGHT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Commands that a round takes from due work before client commands have their turn again.
pub const ROUND_DUE_COMMANDS_MAX: usize = 64;

/// Requests of clients that a partition accepts before earlier ones are committed, at most. 4096
/// waiting commands take about 100 ms; more waiting would only be waiting.
pub const REQUESTS_MAX: usize = 4096;

/// The limit on accepted requests never falls below this: slow disks still serve.
pub const REQUESTS_MIN: usize = 32;

/// The limit on accepted requests that a partition starts with.
pub const REQUESTS_INITIAL: usize = 1024;

/// Bytes of accepted requests that are not committed yet, per partition.
pub const REQUESTS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request that takes longer than this from acceptance to commit makes the limit shrink, in
/// microseconds. Clients give up after seconds; half a second leaves room for a slow disk.
pub const LATENCY_TARGET_US: u64 = 500_000;

/// Exempt commands (completing work frees resources) may go beyond the limit by this factor; the
/// inbox is bounded all the same.
pub const EXEMPT_FACTOR: usize = 4;

/// Pause between two looks at distributions that are pending, in microseconds: they are counted, and
/// people look at them.
pub const DISTRIBUTION_LOOK_US: u64 = 500_000;

/// A distribution that is pending for longer than this is told as a warning, in milliseconds: a
/// partition has another leader after one or two seconds.
pub const DISTRIBUTION_LATE_MS: u64 = 30_000;

/// Retries of a distribution between two warnings, once the first few have been told: one warning in
/// about ten seconds for a partition that is away.
pub const RETRIES_PER_WARNING: u32 = 40;

/// Commands of other partitions and of the node itself that wait in an inbox. Beyond it they are
/// dropped; the engine of the sender repeats them.
pub const INTERNAL_COMMANDS_MAX: usize = 65_536;

/// Answers that a partition may owe at a time; results that are awaited stay for long.
pub const ANSWERS_PENDING_MAX: usize = 100_000;

/// Jobs that are pushed to one stream and not taken by its transport yet.
pub const STREAM_JOBS_MAX: u32 = 256;

/// Jobs of one push, so that several streams of a type share the work.
pub const PUSH_JOBS_MAX: u32 = 32;

/// Job streams of one node: each costs memory and a turn.
pub const STREAMS_MAX: usize = 10_000;

/// Log bytes since the last checkpoint that make the next one due: 32 MB replay in well below half
/// a second.
pub const CHECKPOINT_LOG_BYTES: u64 = 32 * 1024 * 1024;

/// Longest time without a checkpoint while anything is new, in milliseconds.
pub const CHECKPOINT_INTERVAL_MS: u64 = 30_000;

/// Longest sleep of a partition that waits for a due date, in milliseconds: a wall clock that jumps
/// is noticed after this.
pub const DUE_SLEEP_MAX_MS: u64 = 5_000;

/// Pause between two attempts to write when the disk is full, in milliseconds.
pub const DISK_FULL_PROBE_MS: u64 = 200;

/// Bytes that one read of the log takes during replay.
pub const REPLAY_READ_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a snapshot that are read, sent and written at a time: large enough that a round trip for
/// each costs little, small enough that heartbeats behind it are not late.
pub const SNAPSHOT_PIECE_BYTES: usize = 1024 * 1024;

/// Longest wait for the acknowledgement of a piece of a snapshot before it is sent again, in
/// milliseconds: a piece has to be sent and written, on a slow disk too. When
/// the waits for one piece together were as long, the transfer begins again; the last piece has more
/// time.
pub const SNAPSHOT_PIECE_TIMEOUT_MS: u64 = 10_000;

/// Longest wait for the acknowledgement of the last piece, however often it is sent, in milliseconds:
/// the follower installs the whole state before it.
pub const SNAPSHOT_INSTALL_TIMEOUT_MS: u64 = 300_000;

/// Wait for the acknowledgement of a piece of a snapshot before it is sent for the second time, in
/// milliseconds; four times as long after each reply that did not come, up to the longest wait.
pub const SNAPSHOT_REPLY_FIRST_MS: u64 = 1_250;

/// How often a piece of a snapshot can fail at once, without a connection, before the whole transfer
/// begins again. The connection may break and come back in between.
pub const SNAPSHOT_PIECE_ATTEMPTS: u32 = 5;

/// Appends to one follower that have no reply yet, in bytes: fills a link of 1 Gbit/s with a round
/// trip of 60 ms, and is all that a leader holds in memory for a slow follower.
pub const RAFT_WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// Appends to one follower that have no reply yet: small ones are bounded by their number.
pub const RAFT_WINDOW_REQUESTS: usize = 256;

/// Bytes of entries in one append: some rounds, so that a follower that is behind catches up with
/// few requests, and one request does not hold up heartbeats.
pub const RAFT_APPEND_BYTES: usize = 1024 * 1024;

/// Entries in one append, for the same reasons.
pub const RAFT_APPEND_ENTRIES: u64 = 512;

/// Longest wait for the reply to an append, in milliseconds. A follower answers when the entries are
/// durable; a disk that stalls for longer is as good as gone. Broken connections are noticed earlier.
pub const RAFT_APPEND_TIMEOUT_MS: u64 = 3_000;

/// First pause before a node that cannot be reached is tried again, in milliseconds.
pub const RAFT_BACKOFF_MIN_MS: u64 = 10;

/// Longest pause before a node that cannot be reached is tried again, in milliseconds: trying costs
/// nothing while it is not connected, and waiting costs availability when it is.
pub const RAFT_BACKOFF_MAX_MS: u64 = 160;

/// Requests of other replicas that wait for their turn. Beyond it they are refused; leaders have
/// windows, so only a broken peer sends more.
pub const RAFT_INBOX_REQUESTS: usize = 4_096;

/// Log of a backup that is read and written at a time, in bytes: the partition's log is not held up
/// by one large read.
pub const BACKUP_READ_BYTES: usize = 1024 * 1024;

/// Largest entry in a log file of a backup, in bytes: twice what the journal takes, so that a damaged
/// length is no allocation.
pub const BACKUP_ENTRY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Parts that a partition has to capture at a time; one driver asks for one after another.
pub const BACKUP_CAPTURES_MAX: usize = 4;

/// Longest time that the log is kept from being purged for a part, in microseconds: copying 32 MB
/// takes far less, and a store that hangs must not fill the disk.
pub const BACKUP_HOLD_US_MAX: u64 = 30_000_000;

/// Questions about backups that wait; a person or a script asks one at a time.
pub const BACKUP_ASKS_MAX: usize = 64;

/// Pause between two looks for parts in the store, in milliseconds.
pub const BACKUP_POLL_MS: u64 = 100;

/// A partition without a part is asked again after this, in microseconds: its leader may be new.
pub const BACKUP_ASK_AGAIN_US: u64 = 2_000_000;

/// How long a partition may go without an answer before its backup fails, in microseconds: elections
/// take less than a second, restarts some seconds.
pub const BACKUP_SILENCE_US_MAX: u64 = 60_000_000;

/// Longest backup, in microseconds: a node that hangs must not hold the next backup up for ever.
pub const BACKUP_US_MAX: u64 = 3_600_000_000;

/// How long other nodes believe a driver to be alive that says nothing, in milliseconds.
pub const BACKUP_DRIVER_LEASE_MS: i64 = 20_000;

/// How often a driver says that it is alive, in microseconds.
pub const BACKUP_LEASE_RENEWAL_US: u64 = 5_000_000;

/// State in memory after which a restore writes it to the store, in bytes.
pub const RESTORE_DIRTY_BYTES: usize = 64 * 1024 * 1024;

/// Answer of a partition to CHECKPOINT CREATE is waited for this long, in milliseconds.
pub const BACKUP_CREATE_WAIT_MS: u64 = 10_000;

/// Largest segment of a journal that lies in memory, in bytes: two of them are reserved, and the
/// largest entry is half of one, which has to hold the largest outcome of a command.
pub const MEMORY_SEGMENT_BYTES: u32 = 32 * 1024 * 1024;

/// Brokers of a cluster: each pair has a connection, and the configuration names every replica.
pub const CLUSTER_BROKERS_MAX: usize = 64;

/// Voters of the metadata group: five survive the loss of two, more would only make it slower.
pub const METADATA_VOTERS_MAX: usize = 5;

/// Longest cluster configuration that is read, in bytes. One with 64 brokers and 8191 partitions of
/// three replicas takes less than 2 MB.
pub const CLUSTER_CONFIG_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Proposals for the cluster configuration that wait for the metadata group: the coordinator has
/// one at a time, operators have a few.
pub const METADATA_PROPOSALS_MAX: usize = 16;

/// Longest time that a decision of the metadata group takes before its proposer hears that it may
/// be lost, in milliseconds: several elections.
pub const METADATA_DECISION_TIMEOUT_MS: u64 = 5_000;

/// Entries that a new replica may lack when it becomes a voter: less than a tenth of a second of
/// work at full load, so that the partition does not wait for it.
pub const LEARNER_LAG_MAX: u64 = 128;

/// Pause between two looks at an operation of a cluster change that waits, in milliseconds: a
/// change takes seconds, and looking costs a message to a leader.
pub const CHANGE_STEP_PAUSE_MS: u64 = 50;
