//! The promises of a cluster, and what holds runs against them.
//!
//! [`Evidence`](evidence::Evidence) is what replicas committed, what their states are and what clients
//! were told; [`check::all`] names every promise that it breaks. The simulation gathers it in one
//! process, a soak from the files that brokers of a real cluster write.
#![forbid(unsafe_code)]

pub mod backup;
pub mod check;
pub mod evidence;
pub mod history;
mod log;
mod reader;
mod records;
mod replay;

pub use reader::history::{Element, History, Job, JobLife, Life, Subscription};
pub use records::{Reader, is_reading, panic_text};
pub use replay::{Replay, Row};
