//! Signals to a run. The caller listens to those of the process and hands them in.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use crate::limits::SIGNALS_MAX;

/// A wish to end the run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGUSR1: leave, rollbacks as the strategy says.
    Leave,
    /// SIGUSR2: leave at once, without rollbacks and without waiting for what runs in the background.
    LeaveNow,
}

/// The end that the caller holds.
#[derive(Debug, Clone)]
pub struct SignalSender(mpsc::Sender<Signal>);

impl SignalSender {
    /// Hands a signal to the run. `false` when it is lost: the run is over, or has many to see to.
    #[must_use]
    pub fn send(&self, signal: Signal) -> bool {
        self.0.try_send(signal).is_ok()
    }
}

/// The end that the run listens to.
#[derive(Debug, Clone)]
pub struct Signals(Arc<Mutex<mpsc::Receiver<Signal>>>);

impl Signals {
    /// Both ends.
    #[must_use]
    pub fn channel() -> (SignalSender, Self) {
        let (sender, receiver) = mpsc::channel(SIGNALS_MAX);
        (SignalSender(sender), Self(Arc::new(Mutex::new(receiver))))
    }

    /// There are never any.
    #[must_use]
    pub fn none() -> Self {
        Self::channel().1
    }

    /// Waits for the next one; for ever when there is nobody left who could send any.
    pub(crate) async fn next(&self) -> Signal {
        match self.0.lock().await.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}
