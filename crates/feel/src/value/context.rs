//! Contexts: shared, in the order of insertion, and read from MessagePack key by key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::extent::Extent;
use super::list::SCANS_MAX;
use super::{Value, msgpack};

/// A shared context. Cloning copies a pointer. Keys are unique.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

pub(super) type Entry = (Arc<str>, Value);

enum Inner {
    Entries {
        entries: Entries,
        extent: Extent,
    },
    Packed {
        bytes: Bytes,
        count: usize,
        depth: u16,
        entries: OnceLock<Entries>,
        /// How often a key was looked for; often enough, and all entries are read.
        scans: AtomicU32,
    },
}

struct Entries {
    list: Vec<Entry>,
    /// Indexes of the entries sorted by key; built at the first look-up in a large context.
    sorted: OnceLock<Box<[u32]>>,
}

impl Entries {
    fn new(list: Vec<Entry>) -> Entries {
        Entries { list, sorted: OnceLock::new() }
    }

    #[inline]
    fn get(&self, key: &str) -> Option<&Value> {
        if self.list.len() <= LINEAR_ENTRIES_MAX {
            return self.list.iter().find(|(existing, _)| &**existing == key).map(|entry| &entry.1);
        }
        self.search(key)
    }

    #[inline(never)]
    fn search(&self, key: &str) -> Option<&Value> {
        let sorted = self.sorted.get_or_init(|| sort(&self.list));
        let key_at = |index: u32| self.list.get(index as usize).map_or("", |(key, _)| key);
        let at = sorted.binary_search_by(|index| key_at(*index).cmp(key)).ok()?;
        self.list.get(*sorted.get(at)? as usize).map(|entry| &entry.1)
    }
}

/// Bytes up to which searching unread entries is nearly free.
const SCAN_SHORT_BYTES: usize = 512;

/// Entries up to which a look-up simply compares all keys.
const LINEAR_ENTRIES_MAX: usize = 16;

impl Context {
    /// The context without entries.
    pub fn empty() -> Context {
        Context::from_unique(Vec::new())
    }

    /// The context of MessagePack keys and values in `bytes`, nesting at most `depth` levels.
    pub(super) fn packed(bytes: Bytes, count: usize, depth: u16) -> Context {
        let (entries, scans) = (OnceLock::new(), AtomicU32::new(0));
        Context(Arc::new(Inner::Packed { bytes, count, depth, entries, scans }))
    }

    fn from_unique(entries: Vec<Entry>) -> Context {
        let extent = Extent::of(entries.iter().map(|(_, value)| value));
        Context(Arc::new(Inner::Entries { entries: Entries::new(entries), extent }))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &*self.0 {
            Inner::Entries { entries, .. } => entries.list.len(),
            Inner::Packed { .. } => self.entries().len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        match &*self.0 {
            Inner::Entries { entries, .. } => entries.list.is_empty(),
            Inner::Packed { count, .. } => *count == 0,
        }
    }

    /// The value of this key.
    pub fn get(&self, key: &str) -> Option<Value> {
        match &*self.0 {
            Inner::Entries { entries, .. } => entries.get(key).cloned(),
            Inner::Packed { bytes, count, depth, entries, scans } => {
                if let Some(entries) = entries.get() {
                    return entries.get(key).cloned();
                }
                if bytes.len() <= SCAN_SHORT_BYTES
                    || scans.fetch_add(1, Ordering::Relaxed) < SCANS_MAX
                {
                    return msgpack::entry(bytes, *count, key, *depth);
                }
                read(bytes, *count, *depth, entries).get(key).cloned()
            }
        }
    }

    /// Shows the value of this key, without cloning it if it is in memory.
    #[inline]
    pub(crate) fn with_entry<R>(&self, key: &str, show: impl FnOnce(Option<&Value>) -> R) -> R {
        match &*self.0 {
            Inner::Entries { entries, .. } => show(entries.get(key)),
            Inner::Packed { .. } => show(self.get(key).as_ref()),
        }
    }

    /// Whether there is an entry with this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// All entries in order; reads them if that has not been done.
    pub fn entries(&self) -> &[(Arc<str>, Value)] {
        match &*self.0 {
            Inner::Entries { entries, .. } => &entries.list,
            Inner::Packed { bytes, count, depth, entries, .. } => {
                &read(bytes, *count, *depth, entries).list
            }
        }
    }

    /// Bytes to be read before an entry is found; 0 if they are in memory.
    pub(super) fn unread_bytes(&self) -> usize {
        match &*self.0 {
            Inner::Packed { bytes, entries, .. } if entries.get().is_none() => bytes.len(),
            _ => 0,
        }
    }

    /// The context with this entry: replaced in place, or added at the end.
    #[must_use]
    pub fn with(&self, key: &str, value: Value) -> Context {
        let mut entries = self.entries().to_vec();
        match entries.iter_mut().find(|(existing, _)| &**existing == key) {
            Some(entry) => entry.1 = value,
            None => entries.push((key.into(), value)),
        }
        Context::from_unique(entries)
    }

    /// The MessagePack bytes of the entries, if the context was read from there.
    pub(super) fn packed_bytes(&self) -> Option<(&Bytes, usize)> {
        match &*self.0 {
            Inner::Packed { bytes, count, .. } => Some((bytes, *count)),
            Inner::Entries { .. } => None,
        }
    }

    pub(super) fn extent(&self) -> Extent {
        match &*self.0 {
            Inner::Entries { extent, .. } => *extent,
            Inner::Packed { bytes, depth, .. } => Extent::of_packed(bytes.len(), *depth),
        }
    }
}

fn read<'a>(
    bytes: &Bytes,
    count: usize,
    depth: u16,
    entries: &'a OnceLock<Entries>,
) -> &'a Entries {
    entries.get_or_init(|| Entries::new(unique_first(msgpack::entries(bytes, count, depth))))
}

fn sort(entries: &[Entry]) -> Box<[u32]> {
    let mut indexes: Vec<(&str, u32)> =
        entries.iter().zip(0u32..).map(|((key, _), index)| (&**key, index)).collect();
    indexes.sort_unstable();
    indexes.into_iter().map(|(_, index)| index).collect()
}

/// Keeps the first of several entries with one key, which is what a look-up finds too.
fn unique_first(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = std::collections::BTreeSet::new();
    entries.into_iter().filter(|(key, _)| seen.insert(Arc::clone(key))).collect()
}

/// Later entries replace the values of earlier ones with the same key.
impl From<Vec<(Arc<str>, Value)>> for Context {
    fn from(entries: Vec<Entry>) -> Context {
        let mut unique: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut positions: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let indexed = entries.len() > LINEAR_ENTRIES_MAX;
        for (key, value) in entries {
            let existing = if indexed {
                positions.get(&key).copied()
            } else {
                unique.iter().position(|(existing, _)| *existing == key)
            };
            match existing.and_then(|position| unique.get_mut(position)) {
                Some(entry) => entry.1 = value,
                None => {
                    if indexed {
                        positions.insert(Arc::clone(&key), unique.len());
                    }
                    unique.push((key, value));
                }
            }
        }
        Context::from_unique(unique)
    }
}

impl FromIterator<(Arc<str>, Value)> for Context {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(entries: I) -> Context {
        Context::from(entries.into_iter().collect::<Vec<_>>())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries().iter().map(|(key, value)| (key, value));
        formatter.debug_map().entries(entries).finish()
    }
}
