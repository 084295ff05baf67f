//! The log before a checkpoint goes.
//!
//! Not all of it while there are other members: one that was away for a moment should get the
//! entries it lacks, not the whole state. What lies between the last two checkpoints stays, unless
//! the disk needs the space.

use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;

use crate::replication::raft::core::Core;
use crate::replication::raft::timing;

impl Core {
    /// Purges the log up to `upto` when openraft knows of the checkpoint as of `checkpoint`: it keeps
    /// what no snapshot covers. What a follower is being sent stays until that has ended.
    pub(crate) async fn purge(&self, checkpoint: u64, upto: u64) {
        let known = async {
            let mut metrics = self.raft.metrics();
            loop {
                let snapshot = metrics.borrow_and_update().snapshot;
                let is_known = snapshot.is_some_and(|snapshot| snapshot.index() >= checkpoint);
                if is_known || metrics.changed().await.is_err() {
                    return;
                }
            }
        };
        // When it takes longer, the next checkpoint does it.
        let limit = Duration::from_millis(timing::PURGE_WAIT_MS);
        if tokio::time::timeout(limit, known).await.is_ok()
            && let Err(error) = self.raft.trigger().purge_log(upto).await
        {
            tracing::debug!(%error, "the log is not purged: the replica has ended");
        }
    }
}
