//! A value that many watch: only the newest counts.
//!
//! As `tokio::sync::watch`, whose names it has, but receivers are woken in the order in which they
//! began to wait. Tokio spreads them over eight lists at random, and a run of a simulation that
//! cannot seed that chance is not the same run twice.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::Notify;

/// A channel with this value in it.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// The sender is gone: the value will not change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError(());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody changes this value any more")
    }
}

impl std::error::Error for RecvError {}

/// Nobody watches; this is what was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

struct Shared<T> {
    value: RwLock<T>,
    /// Counts changes.
    version: AtomicU64,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    changed: Notify,
}

impl<T> Shared<T> {
    fn borrow(&self) -> Ref<'_, T> {
        // Who holds one reference may take another although a sender waits.
        Ref(self.value.read_recursive())
    }

    async fn changed(&self, seen: &mut u64) -> Result<(), RecvError> {
        loop {
            // From here on no change is missed.
            let changed = self.changed.notified();
            // In this order: what a sender did before it went is seen.
            let is_closed = self.senders.load(Ordering::Acquire) == 0;
            let version = self.version.load(Ordering::Acquire);
            if version != *seen {
                *seen = version;
                return Ok(());
            }
            if is_closed {
                return Err(RecvError(()));
            }
            changed.await;
        }
    }
}

/// The value, which cannot change meanwhile: hold it briefly, and never over an await.
pub struct Ref<'a, T>(RwLockReadGuard<'a, T>);

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Changes the value. Clones change the same.
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// A value that nobody watches yet.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            value: RwLock::new(value),
            version: AtomicU64::new(0),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(0),
            changed: Notify::new(),
        }))
    }

    /// Changes the value, when anybody watches.
    ///
    /// # Errors
    /// When nobody does; the value stays.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.0.receivers.load(Ordering::Acquire) == 0 {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value, whether anybody watches or not; gives the one before.
    pub fn send_replace(&self, value: T) -> T {
        let mut value = value;
        self.send_if_modified(|current| {
            std::mem::swap(current, &mut value);
            true
        });
        value
    }

    /// Changes the value in place.
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place; who watches is told when `modify` gives true. Gives the same.
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        {
            let mut value = self.0.value.write();
            if !modify(&mut value) {
                return false;
            }
            self.0.version.fetch_add(1, Ordering::Release);
        }
        self.0.changed.notify_waiters();
        true
    }

    /// The value.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    /// Watches the value; it counts as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        self.0.receivers.fetch_add(1, Ordering::AcqRel);
        let seen = self.0.version.load(Ordering::Acquire);
        Receiver { shared: self.0.clone(), seen }
    }

    /// How many watch.
    pub fn receiver_count(&self) -> usize {
        self.0.receivers.load(Ordering::Acquire)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::AcqRel);
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.borrow()).finish()
    }
}

/// Watches the value.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

impl<T> Receiver<T> {
    /// Waits until there is a value that was not seen; it counts as seen then.
    ///
    /// # Errors
    /// When the newest value was seen and nobody can change it any more.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        self.shared.changed(&mut self.seen).await
    }

    /// Waits until the value is as wanted; it counts as seen then.
    ///
    /// # Errors
    /// When it is not and nobody can change it any more.
    pub async fn wait_for(
        &mut self,
        mut is_wanted: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, RecvError> {
        let Self { shared, seen } = self;
        loop {
            {
                let value = shared.borrow();
                *seen = shared.version.load(Ordering::Acquire);
                if is_wanted(&value) {
                    return Ok(value);
                }
            }
            shared.changed(seen).await?;
        }
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    /// When nobody can change it any more.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.shared.senders.load(Ordering::Acquire) == 0 {
            return Err(RecvError(()));
        }
        Ok(self.shared.version.load(Ordering::Acquire) != self.seen)
    }

    /// The value; it does not count as seen.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow()
    }

    /// The value; it counts as seen.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.borrow();
        self.seen = self.shared.version.load(Ordering::Acquire);
        value
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receivers.fetch_add(1, Ordering::AcqRel);
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.borrow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[tokio::test]
    async fn who_watches_sees_the_newest_value_once() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(*receiver.borrow_and_update(), 1);
        assert_eq!(receiver.has_changed(), Ok(false));
        sender.send(2).unwrap();
        sender.send_modify(|value| *value += 1);
        assert!(!sender.send_if_modified(|_| false));
        assert_eq!(receiver.has_changed(), Ok(true));
        receiver.changed().await.unwrap();
        assert_eq!((*receiver.borrow(), receiver.has_changed()), (3, Ok(false)));
        assert_eq!(sender.send_replace(4), 3);
        assert_eq!(*receiver.wait_for(|value| *value > 3).await.unwrap(), 4);
        sender.send(5).unwrap();
        drop(sender);
        receiver.changed().await.unwrap();
        assert_eq!(receiver.changed().await, Err(RecvError(())));
        assert!(receiver.wait_for(|value| *value == 6).await.is_err());
        assert_eq!(*receiver.wait_for(|value| *value == 5).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn nothing_is_sent_to_nobody() {
        let sender = Sender::new(1);
        assert_eq!(sender.send(2), Err(SendError(2)));
        assert_eq!((*sender.borrow(), sender.receiver_count()), (1, 0));
        let late = sender.subscribe();
        assert_eq!((sender.receiver_count(), late.has_changed()), (1, Ok(false)));
        let other = sender.clone();
        drop(sender);
        other.send(3).unwrap();
        assert_eq!((*late.borrow(), late.has_changed()), (3, Ok(true)));
    }

    #[tokio::test]
    async fn receivers_wake_in_the_order_in_which_they_waited() {
        let sender = Sender::new(0);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..50 {
            let (mut receiver, order) = (sender.subscribe(), order.clone());
            waiting.push(tokio::spawn(async move {
                receiver.changed().await.unwrap();
                order.lock().push(number);
            }));
        }
        tokio::task::yield_now().await;
        sender.send_replace(1);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock(), Vec::from_iter(0..50));
    }
}
