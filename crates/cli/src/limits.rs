//! Every limit of the command line, with unit and reason.

use std::time::Duration;

/// Largest input read from a file or from standard input, bytes: four times what a cluster takes
/// in one request by default, so that the cluster's own limit decides.
pub(crate) const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most that is kept of what a job handler prints on stdout, bytes: a cluster refuses more than
/// 4 MB in one request.
pub(crate) const HANDLER_STDOUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most that is kept of what a job handler prints on stderr, bytes: the end of it becomes the
/// message of a failed job.
pub(crate) const HANDLER_STDERR_BYTES_MAX: usize = 8 * 1024;

/// Receive window of one stream of the load generator, bytes: large, so that flow control never
/// becomes what is measured.
pub(crate) const BENCH_STREAM_WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// Receive window of a whole connection of the load generator, bytes; as above.
pub(crate) const BENCH_CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;

/// How long the load generator owns a job. Long, so that no job is offered twice because the
/// cluster or the generator is slow.
pub(crate) const BENCH_JOB_TIMEOUT: Duration = Duration::from_secs(60);

/// Most jobs of one poll of the load generator.
pub(crate) const BENCH_JOBS_PER_POLL: i32 = 100;

/// How long a poll of the load generator waits for jobs.
pub(crate) const BENCH_POLL_WAIT: Duration = Duration::from_secs(10);

/// Polls of the load generator under way at once: while the jobs of one are worked on, the next
/// already waits.
pub(crate) const BENCH_POLLERS: usize = 2;

/// Pause between the polls beside a job stream, for jobs from before the stream was open.
pub(crate) const BENCH_BACKLOG_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long the load generator waits for the result of an instance.
pub(crate) const BENCH_RESULT_WAIT: Duration = Duration::from_secs(60);

/// How long the instances in flight may take to finish after the measurement.
pub(crate) const BENCH_DRAIN_MAX: Duration = Duration::from_secs(15);

/// Most instances in flight in an open loop: beyond it the cluster is hopelessly behind, and
/// starts wait here, with their latency still counted from when they were due.
pub(crate) const BENCH_OPEN_IN_FLIGHT_MAX: usize = 20_000;

/// Pause after a refusal for lack of capacity, before the next attempt.
pub(crate) const BENCH_REFUSED_PAUSE: Duration = Duration::from_millis(5);

/// Least memory for the state of a server, bytes: below it every checkpoint would be forced.
pub(crate) const MEMORY_BYTES_MIN: usize = 64 * 1024 * 1024;

/// Most partitions of one server: each is a thread with a log stream of its own, and a machine
/// with more cores than this takes several servers.
pub(crate) const PARTITIONS_MAX: u32 = 256;

/// Worker threads of the server's runtime at most. Partitions have threads of their own; these
/// only carry connections, and more of them than cores only get in each other's way.
pub(crate) const SERVER_THREADS_MAX: usize = 8;

/// How long the demo waits for its last orders: the slowest of them wait 5 s for goods that never
/// come; the rest is room for a slow machine.
pub(crate) const DEMO_FINISH_MAX: Duration = Duration::from_secs(60);

/// Orders of the demo on one connection: a gateway allows a client only so many calls at a time.
pub(crate) const DEMO_ORDERS_PER_CONNECTION: u32 = 50;

/// Probes of one deployment of `skep compat`: a refused deployment is halved until the refused
/// probe is found, so more of them mean more deployments where many are refused.
pub(crate) const COMPAT_PROBES_PER_DEPLOYMENT: usize = 40;

/// Probes of `skep compat` that are asked at once: a gateway allows a client only so many calls at
/// a time, and a slow broker must not take the waiting for a failure.
pub(crate) const COMPAT_IN_FLIGHT: usize = 32;

/// How long a probe of `skep compat` may stand still before it counts as failed, seconds.
pub(crate) const COMPAT_PATIENCE_SECONDS: u64 = 3;

/// The same for a probe that is asked again because it failed and should not have, seconds: it is
/// alone then.
pub(crate) const COMPAT_PATIENCE_SECONDS_ALONE: u64 = 10;

/// How much longer than its patience the answer of a probe of `skep compat` is awaited.
pub(crate) const COMPAT_ANSWER_WAIT: Duration = Duration::from_secs(30);
