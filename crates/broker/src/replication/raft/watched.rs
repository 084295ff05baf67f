//! Watched values of openraft: those of `env`, whose receivers wake in order.

use openraft::async_runtime::watch::{RecvError, SendError, Watch, WatchReceiver, WatchSender};
use openraft::{OptionalSend, OptionalSync};
use skep_env::watch;

/// See the module.
pub(crate) struct EnvWatch;

/// See [`watch::Sender`].
pub(crate) struct EnvSender<T>(watch::Sender<T>);

/// See [`watch::Receiver`].
pub(crate) struct EnvReceiver<T>(watch::Receiver<T>);

impl<T> Clone for EnvSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for EnvReceiver<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Watch for EnvWatch {
    type Sender<T: OptionalSend + OptionalSync> = EnvSender<T>;
    type Receiver<T: OptionalSend + OptionalSync> = EnvReceiver<T>;
    type Ref<'a, T: OptionalSend + 'a> = watch::Ref<'a, T>;

    fn channel<T: OptionalSend + OptionalSync>(init: T) -> (EnvSender<T>, EnvReceiver<T>) {
        let (sender, receiver) = watch::channel(init);
        (EnvSender(sender), EnvReceiver(receiver))
    }
}

impl<T: OptionalSend + OptionalSync> WatchSender<EnvWatch, T> for EnvSender<T> {
    fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value).map_err(|unsent| SendError(unsent.0))
    }

    fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        self.0.send_if_modified(modify)
    }

    fn borrow_watched(&self) -> watch::Ref<'_, T> {
        self.0.borrow()
    }

    fn subscribe(&self) -> EnvReceiver<T> {
        EnvReceiver(self.0.subscribe())
    }
}

impl<T: OptionalSend + OptionalSync> WatchReceiver<EnvWatch, T> for EnvReceiver<T> {
    async fn changed(&mut self) -> Result<(), RecvError> {
        self.0.changed().await.map_err(|_| RecvError(()))
    }

    fn borrow_watched(&self) -> watch::Ref<'_, T> {
        self.0.borrow()
    }

    fn borrow_and_update(&mut self) -> watch::Ref<'_, T> {
        self.0.borrow_and_update()
    }
}
