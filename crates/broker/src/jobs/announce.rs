//! Announcements of available jobs, for polls that wait.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::cluster::NodeName;
use crate::cluster::limits::INTERESTS_MAX;

/// Who waits for which job type. One path for all partitions.
#[derive(Default)]
pub(crate) struct Announcements {
    waiting: Mutex<BTreeMap<String, Vec<oneshot::Sender<()>>>>,
    /// Other nodes where somebody waits: told once, and they ask again.
    nodes: Mutex<BTreeMap<String, Nodes>>,
}

/// Nodes that wait for one type.
type Nodes = BTreeMap<NodeName, Arc<dyn Announce>>;

/// Another node that waits for jobs of a type.
pub(crate) trait Announce: Send + Sync {
    /// There are some.
    fn announce(&self, job_type: &str);
}

impl Announcements {
    /// Registers now, not when first polled: nothing that is announced after this call is missed.
    pub(crate) fn wait(self: &Arc<Self>, job_type: &str) -> JobsAvailable {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        if let Some(senders) = waiting.get_mut(job_type) {
            // Polls that gave up leave closed senders behind; they go when others come.
            senders.retain(|sender| !sender.is_closed());
            senders.push(sender);
        } else {
            waiting.insert(job_type.to_owned(), vec![sender]);
        }
        JobsAvailable { receiver, announcements: self.clone(), job_type: job_type.to_owned() }
    }

    /// Wakes everybody who waits for this type, here and on other nodes.
    pub(crate) fn announce(&self, job_type: &str) {
        self.announce_here(job_type);
        let nodes = self.nodes.lock().remove(job_type);
        for node in nodes.into_iter().flatten() {
            node.1.announce(job_type);
        }
    }

    /// Wakes everybody who waits for this type on this node.
    pub(crate) fn announce_here(&self, job_type: &str) {
        let senders = self.waiting.lock().remove(job_type);
        for sender in senders.into_iter().flatten() {
            let _ = sender.send(());
        }
    }

    /// Wakes everybody who waits on this node: something has changed about all job types.
    pub(crate) fn announce_all_here(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        for sender in waiting.into_values().flatten() {
            let _ = sender.send(());
        }
    }

    /// The job types that somebody on this node waits for.
    pub(crate) fn awaited(&self) -> Vec<String> {
        self.waiting.lock().keys().cloned().collect()
    }

    /// Another node waits for a type; registered when this returns.
    pub(crate) fn wait_elsewhere(&self, job_type: String, node: NodeName, who: Arc<dyn Announce>) {
        let mut nodes = self.nodes.lock();
        if nodes.len() >= INTERESTS_MAX && !nodes.contains_key(&job_type) {
            tracing::warn!(job_type, "other nodes wait for too many job types; they ask again");
            return;
        }
        nodes.entry(job_type).or_default().insert(node, who);
    }

    /// A node is not connected any more.
    pub(crate) fn forget(&self, node: NodeName) {
        self.nodes.lock().retain(|_, waiting| {
            waiting.remove(&node);
            !waiting.is_empty()
        });
    }
}

/// Resolves when jobs of a type are announced after the registration. It says "ask again", not
/// "there is one for you": others were told the same.
pub struct JobsAvailable {
    receiver: oneshot::Receiver<()>,
    announcements: Arc<Announcements>,
    job_type: String,
}

impl Future for JobsAvailable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.receiver).poll(context).map(|_| ())
    }
}

impl Drop for JobsAvailable {
    fn drop(&mut self) {
        self.receiver.close();
        let mut waiting = self.announcements.waiting.lock();
        if let Some(senders) = waiting.get_mut(&self.job_type) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                waiting.remove(&self.job_type);
            }
        }
    }
}

impl std::fmt::Debug for JobsAvailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobsAvailable").field("job_type", &self.job_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_announced_after_the_registration_is_heard() {
        let announcements = Arc::new(Announcements::default());
        let mine = announcements.wait("mine");
        let other = announcements.wait("other");
        announcements.announce("mine");
        mine.await;
        assert_eq!(announcements.waiting.lock().len(), 1);
        drop(other);
        assert!(announcements.waiting.lock().is_empty(), "who gives up leaves nothing behind");
    }
}
