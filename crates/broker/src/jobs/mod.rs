//! Jobs on their way to workers: announcements for polls, streams for pushes.

mod activated;
mod announce;
mod hub;
mod stream;

pub use activated::ActivatedJobs;
pub(crate) use activated::Settle;
pub use announce::JobsAvailable;
pub(crate) use announce::{Announce, Announcements};
pub(crate) use hub::{JobHub, StreamListener, StreamSlot};
pub use stream::{JobStream, JobStreamSpec, JobStreamStatus};
