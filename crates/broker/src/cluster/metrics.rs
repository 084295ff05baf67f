//! What links count and measure.
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `skep_links` | gauge | - | living links to other nodes |
//! | `skep_links_broken_total` | counter | - | links that broke |
//! | `skep_links_refused_total` | counter | - | nodes that were not let in, and refusals heard |
//! | `skep_link_frames_dropped_total` | counter | `kind` | frames that found a full queue |
//! | `skep_commands_without_leader_total` | counter | - | commands of other partitions dropped because nobody is known to lead; their sender repeats them |
//! | `skep_requests_routed_total` | counter | - | requests sent to a partition of another node |
//! | `skep_requests_rerouted_total` | counter | - | of these, those that were sent again because they were certainly not taken |

/// See the table.
pub(crate) const LINKS: &str = "skep_links";
/// See the table.
pub(crate) const BROKEN: &str = "skep_links_broken_total";
/// See the table.
pub(crate) const REFUSED: &str = "skep_links_refused_total";
/// See the table.
pub(crate) const DROPPED: &str = "skep_link_frames_dropped_total";
/// See the table.
pub(crate) const WITHOUT_LEADER: &str = "skep_commands_without_leader_total";
/// See the table.
pub(crate) const ROUTED: &str = "skep_requests_routed_total";
/// See the table.
pub(crate) const REROUTED: &str = "skep_requests_rerouted_total";
