//! Lists: shared, and read from MessagePack when their elements are asked for.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::elements::Elements;
use super::extent::Extent;
use super::{Value, msgpack};

/// A shared list. Cloning copies a pointer.
#[derive(Clone)]
pub struct List(Arc<Inner>);

enum Inner {
    Values {
        values: Vec<Value>,
        extent: Extent,
    },
    Packed {
        bytes: Bytes,
        count: usize,
        depth: u16,
        values: OnceLock<Vec<Value>>,
        /// How often an element was looked for; often enough, and all are read.
        scans: AtomicU32,
    },
}

/// Elements from the start up to which finding one is nearly free.
const SCAN_SHORT: usize = 16;
/// Searches for an element after which it is cheaper to read all of them once.
pub(super) const SCANS_MAX: u32 = 4;

impl List {
    /// The list of MessagePack elements in `bytes`, nesting at most `depth` levels.
    pub(super) fn packed(bytes: Bytes, count: usize, depth: u16) -> List {
        let (values, scans) = (OnceLock::new(), AtomicU32::new(0));
        List(Arc::new(Inner::Packed { bytes, count, depth, values, scans }))
    }

    /// How many elements the list has.
    pub fn len(&self) -> usize {
        match &*self.0 {
            Inner::Values { values, .. } => values.len(),
            Inner::Packed { count, .. } => *count,
        }
    }

    /// Whether the list has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at this index, from 0.
    pub fn get(&self, index: usize) -> Option<Value> {
        match &*self.0 {
            Inner::Values { values, .. } => values.get(index).cloned(),
            Inner::Packed { bytes, count, depth, values, scans } => {
                if index >= *count {
                    return None;
                }
                if values.get().is_none()
                    && (index < SCAN_SHORT || scans.fetch_add(1, Ordering::Relaxed) < SCANS_MAX)
                {
                    return Some(msgpack::element(bytes, index, *depth));
                }
                self.as_slice().get(index).cloned()
            }
        }
    }

    /// All elements; reads them if that has not been done.
    pub fn as_slice(&self) -> &[Value] {
        match &*self.0 {
            Inner::Values { values, .. } => values,
            Inner::Packed { bytes, count, depth, values, .. } => {
                values.get_or_init(|| msgpack::elements(bytes, *count, *depth))
            }
        }
    }

    /// The elements one after the other, without keeping what is read on the way.
    pub fn iter(&self) -> ListIter<'_> {
        match &*self.0 {
            Inner::Packed { bytes, count, depth, values, .. } if values.get().is_none() => {
                ListIter::Packed(Elements::new(bytes, *count, *depth))
            }
            _ => ListIter::Slice(self.as_slice().iter()),
        }
    }

    /// Bytes to be read before an element is found or all are seen; 0 if they are in memory.
    pub(super) fn unread_bytes(&self) -> usize {
        match &*self.0 {
            Inner::Packed { bytes, values, .. } if values.get().is_none() => bytes.len(),
            _ => 0,
        }
    }

    /// The MessagePack bytes of the elements, if the list was read from there.
    pub(super) fn packed_bytes(&self) -> Option<&Bytes> {
        match &*self.0 {
            Inner::Packed { bytes, .. } => Some(bytes),
            Inner::Values { .. } => None,
        }
    }

    pub(super) fn extent(&self) -> Extent {
        match &*self.0 {
            Inner::Values { extent, .. } => *extent,
            Inner::Packed { bytes, depth, .. } => Extent::of_packed(bytes.len(), *depth),
        }
    }

    /// Adds an element; in place if nobody else has the list.
    pub(crate) fn push(&mut self, value: Value) {
        if let Some(Inner::Values { values, extent }) = Arc::get_mut(&mut self.0) {
            extent.add(&value);
            values.push(value);
            return;
        }
        let mut values = Vec::with_capacity(self.len() + 1);
        values.extend(self.iter());
        values.push(value);
        *self = List::from(values);
    }
}

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> List {
        let extent = Extent::of(&values);
        List(Arc::new(Inner::Values { values, extent }))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> List {
        List::from(values.into_iter().collect::<Vec<_>>())
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = Value;
    type IntoIter = ListIter<'a>;

    fn into_iter(self) -> ListIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for List {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Iterates over a list.
pub enum ListIter<'a> {
    /// Over elements in memory.
    #[doc(hidden)]
    Slice(std::slice::Iter<'a, Value>),
    /// Over elements still in MessagePack.
    #[doc(hidden)]
    Packed(Elements<'a>),
}

impl ListIter<'_> {
    /// Decides about the next element by its entry with this key: the element if it is kept, none
    /// inside if it is passed over. None, and nothing done, if it is no context with such an entry,
    /// or `keeps` cannot decide.
    #[inline]
    pub(crate) fn next_if(
        &mut self,
        key: &str,
        keeps: impl FnOnce(&Value) -> Option<bool>,
    ) -> Option<Option<Value>> {
        match self {
            ListIter::Slice(values) => {
                let element = values.as_slice().first()?;
                let kept = element.as_context()?.with_entry(key, |entry| keeps(entry?))?;
                values.next();
                Some(kept.then(|| element.clone()))
            }
            ListIter::Packed(values) => values.next_if(key, keeps),
        }
    }

    /// Steps that looking into the next element costs; none where that was counted with the list.
    #[inline]
    pub(crate) fn scan_steps(&self) -> u64 {
        match self {
            ListIter::Slice(values) => values.as_slice().first().map_or(0, Value::scan_steps),
            ListIter::Packed(_) => 0,
        }
    }
}

impl Iterator for ListIter<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        match self {
            ListIter::Slice(values) => values.next().cloned(),
            ListIter::Packed(values) => values.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            ListIter::Slice(values) => values.size_hint(),
            ListIter::Packed(values) => values.size_hint(),
        }
    }
}

impl ExactSizeIterator for ListIter<'_> {}
