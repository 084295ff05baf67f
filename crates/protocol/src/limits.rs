//! Limits of records, each with its unit and its reason.

/// Largest log entry, in bytes: a command and its events. The Zeebe protocol promises 4 MB messages;
/// the events of a command may repeat its variables once, so an entry may be a few times larger.
pub const ENTRY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Largest variable document of a command, in bytes: the 4 MB of `maxMessageSize`.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest number of partitions: a key has 13 bits for the partition, and 0 is not one.
pub const PARTITIONS_MAX: u32 = 8191;
