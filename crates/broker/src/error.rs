//! What can go wrong between a caller and the engine.

/// Why a command got no answer from the engine. Each kind says what the caller should do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Exhausted: too much is under way, or the disk is full. The command was not taken; send it
    /// again later.
    #[error("{reason}")]
    Exhausted {
        /// Why, for people.
        reason: String,
    },
    /// Unavailable: this node does not lead the partition, or it is starting or stopping.
    #[error("{reason}")]
    Unavailable {
        /// Why, for people.
        reason: String,
        /// The command was certainly not taken: it may go to another partition.
        not_accepted: bool,
    },
    /// The answer did not come in time. The command may still take effect.
    #[error("no answer within {timeout_ms} ms; the command may still take effect")]
    Timeout {
        /// How long the caller waited.
        timeout_ms: u64,
    },
    /// Internal: the partition has failed; its health says why.
    #[error("{reason}")]
    Internal {
        /// Why, for people.
        reason: String,
    },
}

impl BrokerError {
    /// The command was certainly not taken, so that sending it again cannot do it twice.
    #[must_use]
    pub fn not_accepted(&self) -> bool {
        match self {
            Self::Exhausted { .. } => true,
            Self::Unavailable { not_accepted, .. } => *not_accepted,
            Self::Timeout { .. } | Self::Internal { .. } => false,
        }
    }

    pub(crate) fn exhausted(reason: impl Into<String>) -> Self {
        Self::Exhausted { reason: reason.into() }
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), not_accepted: true }
    }

    pub(crate) fn interrupted(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), not_accepted: false }
    }

    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Self::Internal { reason: reason.into() }
    }
}
