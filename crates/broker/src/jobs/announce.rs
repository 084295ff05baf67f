//! Announcements of available jobs, for polls that wait.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Who waits for which job type. One path for all partitions.
#[derive(Default)]
pub(crate) struct Announcements {
    waiting: Mutex<BTreeMap<String, Vec<oneshot::Sender<()>>>>,
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

    /// Wakes everybody who waits for this type.
    pub(crate) fn announce(&self, job_type: &str) {
        let senders = self.waiting.lock().remove(job_type);
        for sender in senders.into_iter().flatten() {
            let _ = sender.send(());
        }
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
