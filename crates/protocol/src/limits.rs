//! Limits of records, each with its unit and its reason.

/// Largest variable document of a command, in bytes: the 4 MB of `maxMessageSize`.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest number of partitions: a key has 13 bits for the partition, and 0 is not one.
pub const PARTITIONS_MAX: u32 = 8191;
