//! Whole clusters in one process, changed while they work: brokers come and go, replicas move,
//! partitions are added; nothing that was acknowledged is lost, nothing is there twice.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic like tests do")]

mod change;
mod load;
mod support;
