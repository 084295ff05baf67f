//! What others hold of the backups of a node.

use tokio::sync::{mpsc, oneshot};

use crate::backup::{BackupError, BackupId, BackupStatus};
use crate::limits;

type Reply<T> = oneshot::Sender<Result<T, BackupError>>;

/// What the driver is asked.
pub(crate) enum Ask {
    Take(BackupId, Reply<()>),
    List(Reply<Vec<BackupStatus>>),
    Get(BackupId, Reply<BackupStatus>),
    Delete(BackupId, Reply<()>),
}

/// The backups in the store of a node.
#[derive(Clone, Debug)]
pub struct Backups {
    asks: mpsc::Sender<Ask>,
}

impl Backups {
    /// The handle, and what comes through it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, receiver) = mpsc::channel(limits::BACKUP_ASKS_MAX);
        (Self { asks }, receiver)
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, BackupError> {
        let (reply, answer) = oneshot::channel();
        let stopping = || BackupError::Unavailable { reason: "the broker is stopping".to_owned() };
        self.asks.send(ask(reply)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Begins a backup. Returns when the first partition has made its checkpoint;
    /// [`Backups::get`] tells when it is complete. What was acknowledged before this call is in it.
    ///
    /// # Errors
    /// Conflict when the number is not higher than every earlier one, or another backup is being
    /// taken; unavailable when partition 1 does not answer.
    pub async fn take(&self, id: BackupId) -> Result<(), BackupError> {
        self.ask(|reply| Ask::Take(id, reply)).await
    }

    /// All backups in the store, ascending.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<BackupStatus>, BackupError> {
        self.ask(Ask::List).await
    }

    /// How a backup is.
    ///
    /// # Errors
    /// Not found; or the store cannot be read.
    pub async fn get(&self, id: BackupId) -> Result<BackupStatus, BackupError> {
        self.ask(|reply| Ask::Get(id, reply)).await
    }

    /// Removes a backup, whatever its state, unless it is being taken.
    ///
    /// # Errors
    /// Not found; conflict while it is being taken; or the store cannot be written.
    pub async fn delete(&self, id: BackupId) -> Result<(), BackupError> {
        self.ask(|reply| Ask::Delete(id, reply)).await
    }
}
