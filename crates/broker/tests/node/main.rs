//! A whole node in one process: deploy, create, work, stop, crash, start again.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic like tests do")]

mod support;

mod backpressure;
mod backup;
mod durability;
mod failure;
mod full_disk;
mod jobs;
mod observer;
mod time;
