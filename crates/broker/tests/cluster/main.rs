//! Several nodes in one process, over TCP on loopback: requests, jobs and streams across nodes, nodes
//! that go and come back, and those that are not let in.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic like tests do")]

mod backup;
mod faults;
mod jobs;
mod refusals;
mod replicated;
mod requests;
mod support;
