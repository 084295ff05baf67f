//! What the promises are called, by the checkers and by whoever finds one broken in another way.

/// See `stream`.
pub const STREAM: &str = "stream is gap-free";

/// See `replicas`.
pub const REPLICAS: &str = "replica state is replay";

/// See `keys`.
pub const KEYS: &str = "each key once";

/// See `acknowledged`.
pub const ACKNOWLEDGED: &str = "acknowledged is not lost";

/// See `refused`.
pub const REFUSED: &str = "refused leaves no trace";

/// See `duplicates`.
pub const DUPLICATES: &str = "no duplicate instance";

/// See `jobs`.
pub const JOBS: &str = "job completes once";

/// See `tokens`.
pub const TOKENS: &str = "tokens are conserved";

/// See `correlation`.
pub const CORRELATION: &str = "message correlates once";

/// See `timers`.
pub const TIMERS: &str = "timers are on time";

/// See `distribution`.
pub const DISTRIBUTION: &str = "distribution is complete";

/// See `sends`.
pub const SENDS: &str = "sends are repeated";

/// See `backups`.
pub const BACKUPS: &str = "backups are whole";

/// See `engine`.
pub const ENGINE: &str = "engine never fails";

/// See `liveness`.
pub const LIVENESS: &str = "everything heals";
