//! Proposals that openraft refused.
//!
//! openraft refuses a proposal while the lease of the leader has expired or while it hands
//! leadership over. The engine is ahead by what was refused, so the term is spoilt: the leader has
//! to step down, and what it processed since is dropped like after any lost leadership.

use std::any::Any;
use std::sync::Arc;

use openraft::OptionalSend;
use openraft::raft::responder::Responder;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::replication::raft::types::TypeConfig;

type WriteResult = openraft::raft::ClientWriteResult<TypeConfig>;

/// The newest term with a refused proposal.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    term: Mutex<Option<u64>>,
    changed: Notify,
}

impl Refusals {
    /// A proposal of this term was refused, or stands on one that was.
    pub(crate) fn add(&self, term: u64) {
        let mut newest = self.term.lock();
        *newest = (*newest).max(Some(term));
        drop(newest);
        self.changed.notify_one();
    }

    pub(crate) fn term(&self) -> Option<u64> {
        *self.term.lock()
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Hears what becomes of a proposal.
pub(crate) struct Proposal {
    pub(crate) term: u64,
    pub(crate) refusals: Arc<Refusals>,
}

impl<T: OptionalSend + 'static> Responder<TypeConfig, T> for Proposal {
    fn on_complete(self, result: T) {
        let result: &dyn Any = &result;
        if let Some(Err(_)) = result.downcast_ref::<WriteResult>() {
            self.refusals.add(self.term);
        }
    }
}
