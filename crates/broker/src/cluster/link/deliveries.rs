//! Jobs that were sent to the other side and that no worker has taken yet.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::jobs::ActivatedJobs;

/// Jobs by the number of their delivery. When the link breaks they go back.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    unsettled: BTreeMap<u64, ActivatedJobs>,
    closed: bool,
}

impl Deliveries {
    /// A number for a delivery.
    pub(crate) fn number(&self) -> u64 {
        let mut state = self.0.lock();
        state.last += 1;
        state.last
    }

    /// Keeps the jobs until they are settled; gives them back when the link has broken.
    pub(crate) fn keep(&self, delivery: u64, jobs: ActivatedJobs) -> Result<(), ActivatedJobs> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(jobs);
        }
        state.unsettled.insert(delivery, jobs);
        Ok(())
    }

    /// A worker has the jobs, or they go back.
    pub(crate) fn settle(&self, delivery: u64, taken: bool) {
        let jobs = self.0.lock().unsettled.remove(&delivery);
        match jobs {
            Some(jobs) if taken => drop(jobs.confirm()),
            // Dropped outside of the lock: giving back reaches other links.
            other => drop(other),
        }
    }

    /// Everything that is not settled goes back.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let unsettled = std::mem::take(&mut state.unsettled);
        drop(state);
        drop(unsettled);
    }
}
