//! What faults count.
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `skep_faults_armed` | gauge | - | faults that are armed now |
//! | `skep_faults_armed_total` | counter | `fault` | faults that were armed |
//! | `skep_faults_ended_total` | counter | `fault`, `how` (`expired`, `cleared`) | faults that have ended |
//! | `skep_fault_hits_total` | counter | `fault` | times that a fault acted |

/// See the table.
pub(super) const ARMED: &str = "skep_faults_armed";
/// See the table.
pub(super) const ARMED_TOTAL: &str = "skep_faults_armed_total";
/// See the table.
pub(super) const ENDED_TOTAL: &str = "skep_faults_ended_total";
/// See the table.
pub(super) const HITS: &str = "skep_fault_hits_total";
