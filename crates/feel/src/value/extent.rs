//! How deep and how large values are, kept with every container so that nothing has to walk a value
//! to find out. A value can be far larger written out than in memory, where parts are shared.

use super::Value;

/// Bytes counted for an element besides its contents.
const ELEMENT_BYTES: u64 = 24;

/// The extent of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Levels of containers inside one another.
    pub(crate) depth: u16,
    /// Bytes of the value written out, roughly.
    pub(crate) bytes: u64,
}

impl Extent {
    /// The extent of a container of these values.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Extent {
        let mut extent = Extent { depth: 1, bytes: ELEMENT_BYTES };
        for value in values {
            extent.add(value);
        }
        extent
    }

    pub(super) fn of_text(text: &str) -> Extent {
        Extent { depth: 0, bytes: text.len() as u64 }
    }

    pub(super) fn of_packed(bytes: usize, depth: u16) -> Extent {
        Extent { depth, bytes: bytes as u64 }
    }

    /// Counts one more element of the container.
    pub(super) fn add(&mut self, value: &Value) {
        let inner = value.extent();
        self.depth = self.depth.max(inner.depth.saturating_add(1));
        self.bytes = self.bytes.saturating_add(inner.bytes).saturating_add(ELEMENT_BYTES);
    }
}
