//! Limits of the gateway, each with its unit and its reason.

use std::time::Duration;

/// Largest request that a server takes, in bytes: the 4 MB that Zeebe clients and brokers agree on.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest answer that the gRPC server sends, in bytes: what clients accept by default.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Deepest nesting of a variable document, in levels. Far above real documents; keeps the stack of
/// everything that walks one small.
pub const DOCUMENT_DEPTH_MAX: usize = 200;

/// Keys of one JSON object that are compared one by one; larger objects are sorted once instead.
pub const KEYS_COMPARED_MAX: usize = 32;

/// How long the gateway waits for an answer of the engine when the client names no time.
pub const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);

/// How long a poll for jobs waits when the client leaves it to the gateway (`requestTimeout` 0).
pub const POLL_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// How often a waiting poll looks again although nobody announced jobs: heals a lost announcement.
pub const POLL_PROBE: Duration = Duration::from_secs(10);

/// Longest time that a client may ask the gateway to wait, a day: beyond it a number is a mistake
/// that would keep memory for ever.
pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Jobs that one poll may ask for; more do not fit an answer anyway.
pub const JOBS_MAX: u32 = 100_000;

/// Answers of one poll that wait for a slow client before the poll pauses.
pub const POLL_ANSWERS_BUFFERED: usize = 4;

/// Longest worker name, job type, tag list or id that is passed on, in bytes (`spec/engine.md` 3.1).
pub const NAME_BYTES_MAX: usize = 32 * 1024;

/// Tags of one process instance (`spec/engine.md` 3.1).
pub const TAGS_MAX: usize = 10;

/// Longest tag, in characters (`spec/engine.md` 3.1).
pub const TAG_CHARS_MAX: usize = 100;

/// Longest business id, in characters (`spec/engine.md` 3.1).
pub const BUSINESS_ID_CHARS_MAX: usize = 256;

/// Concurrent calls of one HTTP/2 connection. A worker process keeps one connection with hundreds
/// of calls in flight; the bound is against a client that never reads answers.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 2_000;

/// HTTP/2 window of one call, in bytes: a whole 4 MB deployment is sent without a pause at 1 MB
/// per round trip, and thousands of calls cannot pin gigabytes.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// HTTP/2 window of one connection, in bytes.
pub const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// The server pings a silent connection after this time, to notice a dead client that holds a stream.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// A connection whose ping is not answered in this time is closed.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long open calls may take to finish when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Resources of one multipart deployment.
pub const DEPLOYMENT_RESOURCES_MAX: usize = 1_000;
