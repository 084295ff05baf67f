//! Why something that an operator asked for is not done.

use serde::{Deserialize, Serialize};

/// What the asker should do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// Ask for something else.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// Something else is under way: wait for its end, then ask again.
    Conflict,
    /// Nobody can do it at the moment: ask again later.
    Unavailable,
    /// Skep does not do this, on purpose.
    Unsupported,
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// What the asker should do.
    pub kind: RefusalKind,
    /// Why, for people.
    pub reason: String,
}

impl Refusal {
    fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, reason)
    }

    pub(crate) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::NotFound, reason)
    }

    pub(crate) fn conflict(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Conflict, reason)
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unavailable, reason)
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unsupported, reason)
    }
}
