//! Every limit of the command line, with unit and reason.

/// Largest input read from a file or from standard input, bytes: four times what a cluster takes
/// in one request by default, so that the cluster's own limit decides.
pub(crate) const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most that is kept of what a job handler prints on stdout, bytes: a cluster refuses more than
/// 4 MB in one request.
pub(crate) const HANDLER_STDOUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most that is kept of what a job handler prints on stderr, bytes: the end of it becomes the
/// message of a failed job.
pub(crate) const HANDLER_STDERR_BYTES_MAX: usize = 8 * 1024;
