//! The life of a node, from a start to an end: what its disk, its network and its callers ask to
//! know whether it is still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_broker::Observer;
use skep_broker::replication::EntryId;
use skep_protocol::PartitionId;

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Its process is killed: what it wrote stays, connections are reset.
    Kill,
    /// Its machine loses power: what was not synced survives in part, its peers hear nothing.
    PowerLoss,
}

/// One life of a node. Every access to the machine is a step, at which the node may crash.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) node: u32,
    pub(crate) number: u32,
    ended: AtomicBool,
    how: Mutex<Option<Crash>>,
    steps: AtomicU64,
    crash_at: AtomicU64,
    crash_how: Mutex<Crash>,
    runner: Mutex<Option<Waker>>,
}

impl Life {
    pub(crate) fn new(node: u32, number: u32) -> Self {
        Self {
            node,
            number,
            ended: AtomicBool::new(false),
            how: Mutex::new(None),
            steps: AtomicU64::new(0),
            crash_at: AtomicU64::new(u64::MAX),
            crash_how: Mutex::new(Crash::PowerLoss),
            runner: Mutex::new(None),
        }
    }

    /// Whether it goes on. What has ended reaches nobody any more.
    pub(crate) fn is_alive(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// How it ended; `None` while it is alive, and when it stopped in an orderly way.
    pub(crate) fn crash(&self) -> Option<Crash> {
        *self.how.lock()
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Crashes at the `nth` step from now; 1 is the next.
    pub(crate) fn crash_after(&self, nth: u64, how: Crash) {
        *self.crash_how.lock() = how;
        self.crash_at.store(self.steps().saturating_add(nth), Ordering::Relaxed);
    }

    /// One step; false when the node has ended, perhaps by this step.
    pub(crate) fn step(&self) -> bool {
        if !self.is_alive() {
            return false;
        }
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if step >= self.crash_at.load(Ordering::Relaxed) {
            let how = *self.crash_how.lock();
            self.end(Some(how));
            return false;
        }
        true
    }

    /// Nothing of it leaves the node from now on.
    pub(crate) fn end(&self, how: Option<Crash>) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            *self.how.lock() = how;
            if let Some(runner) = self.runner.lock().take() {
                runner.wake();
            }
        }
    }

    pub(crate) fn set_runner(&self, waker: &Waker) {
        let mut runner = self.runner.lock();
        if !runner.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *runner = Some(waker.clone());
        }
    }
}

/// What a node does after its end is not seen.
#[derive(Debug)]
pub(crate) struct WhileAlive {
    pub(crate) life: Arc<Life>,
    pub(crate) inner: Arc<dyn Observer>,
}

impl Observer for WhileAlive {
    fn committed(&self, partition: PartitionId, entry: EntryId, batch: &Bytes) {
        if self.life.is_alive() {
            self.inner.committed(partition, entry, batch);
        }
    }

    fn state_replaced(&self, partition: PartitionId, entry: EntryId) {
        if self.life.is_alive() {
            self.inner.state_replaced(partition, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_at_the_step_it_was_told() {
        let life = Life::new(1, 1);
        assert!(life.step());
        life.crash_after(2, Crash::Kill);
        assert!(life.step() && life.is_alive());
        assert!(!life.step() && !life.is_alive());
        assert_eq!(life.crash(), Some(Crash::Kill));
        assert!(!life.step());
        life.end(Some(Crash::PowerLoss));
        assert_eq!(life.crash(), Some(Crash::Kill), "nobody dies twice");
    }
}
