//! Limits on what a BPMN file may contain, each with its unit and reason.

/// Bytes of one file. A deployment has to fit into one record, and records end at 4 MiB.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Nested XML elements. Reading recurses into sub-processes; each level of them is one level of XML.
pub const XML_DEPTH_MAX: u32 = 128;

/// XML nodes of one file: what fits into a file of the allowed size only if it is made of tiny tags.
pub const XML_NODES_MAX: u32 = 500_000;

/// Attributes of one XML element. The XML reader compares each with all others of the element.
pub const XML_ATTRIBUTES_MAX: u32 = 256;

/// Namespace declarations of one file. The XML reader copies the inherited ones at each.
pub const XML_NAMESPACES_MAX: u32 = 10_000;

/// Characters of an element, flow or process id: ids are keys of the state.
pub const ID_CHARACTERS_MAX: usize = 255;

/// Bytes of a static text that ends up in records (job type, message name, header, form key, ...).
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// Segments of a mapping target (`a.b.c` has three): each is a level of nesting of a variable.
pub const TARGET_SEGMENTS_MAX: usize = 64;

/// Violations reported for one file; a person reads them, and they travel in one answer.
pub const VIOLATIONS_MAX: usize = 500;

/// Warnings kept for one process.
pub const WARNINGS_MAX: usize = 100;

/// Bytes of a timer text (date, duration, cycle or cron): the longest sensible one is far below.
pub const TIMER_BYTES_MAX: usize = 1024;

/// Months that the search for the next slot of a cron expression looks ahead. The rarest slot that
/// exists at all (29 February on a given weekday across 2100) is 40 years away.
pub const CRON_MONTHS_AHEAD_MAX: u32 = 12 * 41;

/// Steps that the evaluation of a message name of a start event may take: it has no variables, so
/// that a few suffice, and a file may have thousands of them.
pub const CONSTANT_NAME_STEPS_MAX: u64 = 1_000;
