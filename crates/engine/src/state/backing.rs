//! Where state lies that is not in memory, and how it gets there.

use std::ops::ControlFlow;

/// Byte tables below the typed ones: what the last checkpoint wrote. The engine only reads it.
pub trait Backing: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// When the store cannot be read; the partition stops then.
    fn get(&self, table: u8, key: &[u8]) -> Result<Option<Vec<u8>>, BackingError>;

    /// Visits all keys in `from..to` (to the end of the table without `to`), ascending.
    ///
    /// # Errors
    /// When the store cannot be read; the partition stops then.
    #[allow(clippy::type_complexity, reason = "a visitor of key and value that may stop")]
    fn scan(
        &self,
        table: u8,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), BackingError>;

    /// The largest key of a table; lets reads of newer keys skip the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_key(&self, table: u8) -> Result<Option<Vec<u8>>, BackingError>;

    /// The bytes that came with the last checkpoint ([`Checkpoint::meta`]).
    ///
    /// # Errors
    /// When the store cannot be read.
    fn meta(&self) -> Result<Option<Vec<u8>>, BackingError>;
}

/// The backing store failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackingError(pub String);

impl std::fmt::Display for BackingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the state store failed: {}", self.0)
    }
}

impl std::error::Error for BackingError {}

/// A backing without anything in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBacking;

impl Backing for NoBacking {
    fn get(&self, _: u8, _: &[u8]) -> Result<Option<Vec<u8>>, BackingError> {
        Ok(None)
    }

    fn scan(
        &self,
        _: u8,
        _: &[u8],
        _: Option<&[u8]>,
        _: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), BackingError> {
        Ok(())
    }

    fn last_key(&self, _: u8) -> Result<Option<Vec<u8>>, BackingError> {
        Ok(None)
    }

    fn meta(&self) -> Result<Option<Vec<u8>>, BackingError> {
        Ok(None)
    }
}

/// Everything that changed since the last checkpoint, as of one position. May be encoded and
/// written on another thread while the engine goes on; the engine still reads it until
/// [`crate::Engine::end_checkpoint`].
pub struct Checkpoint {
    pub(crate) position: u64,
    pub(crate) meta: Vec<u8>,
    pub(crate) sections: Vec<Box<dyn CheckpointSection>>,
}

/// The changes of one table.
pub(crate) trait CheckpointSection: Send + Sync {
    fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>));
}

impl Checkpoint {
    /// The last position whose events are in it.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes to store with it, for [`Backing::meta`].
    #[must_use]
    pub fn meta(&self) -> &[u8] {
        &self.meta
    }

    /// Visits every change, ordered by table and key: `None` means deleted.
    pub fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>)) {
        for section in &self.sections {
            section.visit(visit);
        }
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("position", &self.position).finish_non_exhaustive()
    }
}
