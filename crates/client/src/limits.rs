//! Every limit of the client, with unit and reason.

use std::time::Duration;

/// Largest message taken from the server, bytes. Servers send up to 4 MB by default; a little
/// more leaves room for servers that were configured higher.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Receive window of one HTTP/2 stream, bytes: a job stream must not stall on one big job.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Receive window of the whole connection, bytes: several streams share it.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// Added to the time that the server was told to wait, so that its answer arrives before the
/// client gives up.
pub(crate) const ANSWER_GRACE: Duration = Duration::from_secs(10);

/// First pause of a worker after its poll or stream failed. It doubles with each failure in a row.
pub(crate) const WORKER_PAUSE_MIN: Duration = Duration::from_millis(50);

/// Longest pause of a worker between attempts, so that it is back soon after the cluster is.
pub(crate) const WORKER_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Longest message that a worker sends with a failed job, bytes: it is for people to read, and it
/// must never make the command itself too large.
pub(crate) const FAIL_MESSAGE_BYTES_MAX: usize = 8 * 1024;
