//! What operators ask about backups, in the form that travels between nodes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backup::{BackupError, BackupId, Backups};
use crate::metadata::{Managed, Refusal};

/// A request about backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupCall {
    /// Begin one; the answer is null.
    Take {
        /// Its number.
        id: BackupId,
    },
    /// All of them: a list of [`super::BackupStatus`].
    List,
    /// One of them: a [`super::BackupStatus`].
    Get {
        /// Its number.
        id: BackupId,
    },
    /// Remove one; the answer is null.
    Delete {
        /// Its number.
        id: BackupId,
    },
}

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        let reason = error.to_string();
        match error {
            BackupError::NotFound { .. } => Self::not_found(reason),
            BackupError::Conflict { .. } => Self::conflict(reason),
            BackupError::Unavailable { .. } | BackupError::Store { .. } => {
                Self::unavailable(reason)
            }
            BackupError::NotConfigured => Self::unsupported(reason),
            BackupError::Unusable { .. } | BackupError::Target { .. } => Self::invalid(reason),
        }
    }
}

impl Backups {
    /// Answers a request.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn manage(&self, call: BackupCall) -> Managed {
        let json = match call {
            BackupCall::Take { id } => self.take(id).await.map(|()| Ok(Value::Null))?,
            BackupCall::List => serde_json::to_value(self.list().await?),
            BackupCall::Get { id } => serde_json::to_value(self.get(id).await?),
            BackupCall::Delete { id } => self.delete(id).await.map(|()| Ok(Value::Null))?,
        };
        json.map_err(|error| Refusal::unavailable(error.to_string()))
    }
}
