//! A typed ordered table: what changed since the last checkpoint in memory, the rest in the backing.
//!
//! Three layers, newest first: `recent` (changes since the last checkpoint began), `frozen` (changes
//! that a checkpoint is writing right now, shared with the thread that writes them) and the backing.
//! An entry that is born and dies between two checkpoints leaves nothing behind: `fresh` slots are
//! known not to exist below, so their removal needs no tombstone. That is what keeps short-lived
//! instances from ever touching the store.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use prost::Message;

use super::backing::{Backing, BackingError, CheckpointSection};
use super::key::TableKey;

/// A value of a table.
pub(crate) trait TableValue:
    Message + Default + Clone + PartialEq + Send + Sync + 'static
{
}

impl<T: Message + Default + Clone + PartialEq + Send + Sync + 'static> TableValue for T {}

#[derive(Clone, Debug)]
struct Slot<V> {
    value: Option<V>,
    /// Neither frozen nor in the backing.
    fresh: bool,
}

type Layer<K, V> = BTreeMap<K, Slot<V>>;

/// A typed ordered table.
pub(crate) struct Table<K, V> {
    id: u8,
    recent: Layer<K, V>,
    frozen: Option<Arc<Layer<K, V>>>,
    backing: Arc<dyn Backing>,
    /// Largest key that the backing ever held; keys above it need no look-up there.
    backing_last: Option<Vec<u8>>,
    undo: Vec<(K, Option<Slot<V>>)>,
    /// No live key is smaller. Queues (due dates, deadlines) are read from the front again and
    /// again; without it each read would step over everything that was taken before.
    head: K,
    /// Estimated bytes in `recent`.
    recent_bytes: usize,
    /// First failure of the backing, until somebody takes it.
    failure: std::cell::RefCell<Option<BackingError>>,
}

impl<K: TableKey, V: TableValue> Table<K, V> {
    /// A table over what `backing` holds under `id`.
    pub(crate) fn new(id: u8, backing: &Arc<dyn Backing>) -> Result<Self, BackingError> {
        Ok(Self {
            id,
            recent: BTreeMap::new(),
            frozen: None,
            backing: Arc::clone(backing),
            backing_last: backing.last_key(id)?,
            undo: Vec::new(),
            head: K::smallest(),
            recent_bytes: 0,
            failure: std::cell::RefCell::new(None),
        })
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        match self.slot(key) {
            Some(slot) => slot.value.clone(),
            None => self.stored(key),
        }
    }

    /// Looks at the value of a key where it is; only one that the backing holds is copied.
    pub(crate) fn read<R>(&self, key: &K, look: impl FnOnce(&V) -> R) -> Option<R> {
        match self.slot(key) {
            Some(slot) => slot.value.as_ref().map(look),
            None => self.stored(key).as_ref().map(look),
        }
    }

    /// Whether a key is there.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.read(key, |_| ()).is_some()
    }

    /// What memory knows of a key, be it that it was removed.
    fn slot(&self, key: &K) -> Option<&Slot<V>> {
        self.recent.get(key).or_else(|| self.frozen.as_ref()?.get(key))
    }

    /// The value that the backing holds.
    fn stored(&self, key: &K) -> Option<V> {
        let last = self.backing_last.as_ref()?;
        let bytes = key.bytes();
        if bytes > *last {
            return None;
        }
        match self.backing.get(self.id, &bytes) {
            Ok(value) => self.decode(&value?),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> Option<V> {
        match V::decode(bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(BackingError(format!(
                    "table {} holds bytes that are no value: {error}",
                    self.id
                )));
                None
            }
        }
    }

    fn fail(&self, error: BackingError) {
        self.failure.borrow_mut().get_or_insert(error);
    }

    /// The first failure of the backing since the last call. A read that failed answered "not there".
    pub(crate) fn take_failure(&self) -> Option<BackingError> {
        self.failure.borrow_mut().take()
    }

    /// Writes a value whose key is new everywhere (a generated key): no look-up below, ever.
    pub(crate) fn insert_new(&mut self, key: K, value: V) {
        self.put(key, Slot { value: Some(value), fresh: true });
    }

    /// Writes a value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let fresh = self.is_fresh(&key);
        self.put(key, Slot { value: Some(value), fresh });
    }

    /// Removes a key; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, key: &K) {
        if self.is_fresh(key) {
            if let Some(old) = self.recent.remove(key) {
                self.recent_bytes = self.recent_bytes.saturating_sub(Self::weight(&old));
                self.undo.push((key.clone(), Some(old)));
            }
        } else {
            self.put(key.clone(), Slot { value: None, fresh: false });
        }
    }

    /// Changes a value in place; nothing happens when it is not there.
    pub(crate) fn update(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(mut value) = self.get(key) {
            change(&mut value);
            self.insert(key.clone(), value);
        }
    }

    /// Whether a key certainly does not exist below `recent`.
    fn is_fresh(&self, key: &K) -> bool {
        if let Some(slot) = self.recent.get(key) {
            return slot.fresh;
        }
        if self.frozen.as_ref().is_some_and(|frozen| frozen.contains_key(key)) {
            return false;
        }
        match &self.backing_last {
            None => true,
            Some(last) => key.bytes() > *last,
        }
    }

    fn put(&mut self, key: K, slot: Slot<V>) {
        self.recent_bytes += Self::weight(&slot);
        if key < self.head && slot.value.is_some() {
            self.head = key.clone();
        }
        let old = self.recent.insert(key.clone(), slot);
        if let Some(old) = &old {
            self.recent_bytes = self.recent_bytes.saturating_sub(Self::weight(old));
        }
        self.undo.push((key, old));
    }

    fn weight(slot: &Slot<V>) -> usize {
        // Node overhead of the map and the small allocations of a value, measured on element instances.
        96 + size_of::<K>()
            + slot.value.as_ref().map_or(0, |value| size_of::<V>() + value.encoded_len())
    }

    /// Visits the entries in `from..to` (to the end without `to`), ascending.
    pub(crate) fn scan(
        &self,
        from: &K,
        to: Option<&K>,
        visit: &mut dyn FnMut(&K, &V) -> ControlFlow<()>,
    ) {
        let upper = to.map_or(Bound::Unbounded, Bound::Excluded);
        let mut lower = Bound::Included(from.clone());
        let mut rows_max = Self::PAGE_ROWS_MIN;
        loop {
            if is_empty_range(lower.as_ref(), upper) {
                return;
            }
            let page = self.rows_below(lower.as_ref(), to, rows_max);
            let page_upper = page.next.as_ref().map_or(upper, Bound::Included);
            let above = self.recent.range((lower.as_ref(), page_upper));
            if merge(above, &page.rows, visit).is_break() {
                return;
            }
            match page.next {
                Some(last) => lower = Bound::Excluded(last),
                None => return,
            }
            rows_max = (rows_max * 4).min(Self::PAGE_ROWS_MAX);
        }
    }

    /// The smallest key with its value.
    pub(crate) fn first(&mut self) -> Option<(K, V)> {
        let mut first = None;
        self.scan(&self.head.clone(), None, &mut |key, value| {
            first = Some((key.clone(), value.clone()));
            ControlFlow::Break(())
        });
        if let Some((key, _)) = &first {
            self.head = key.clone();
        }
        first
    }

    /// Rows that a scan reads from below at first, and at most, before it looks at them: most scans
    /// stop early or find little.
    const PAGE_ROWS_MIN: usize = 16;
    const PAGE_ROWS_MAX: usize = 4096;

    /// Live rows of the frozen layer and the backing, merged. Empty at no cost for ranges above
    /// everything that was ever checkpointed.
    fn rows_below(&self, lower: Bound<&K>, to: Option<&K>, rows_max: usize) -> Page<K, V> {
        let upper = to.map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = self.rows_of_backing(lower, to, rows_max);
        let Some(frozen) = &self.frozen else { return page };
        let upper = page.next.as_ref().map_or(upper, Bound::Included);
        let mut frozen = frozen.range((lower, upper)).peekable();
        if frozen.peek().is_none() {
            return page;
        }
        let mut merged: BTreeMap<K, V> = page.rows.into_iter().collect();
        for (key, slot) in frozen {
            match &slot.value {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        page.rows = merged.into_iter().collect();
        page
    }

    fn rows_of_backing(&self, lower: Bound<&K>, to: Option<&K>, rows_max: usize) -> Page<K, V> {
        let mut page = Page { rows: Vec::new(), next: None };
        let Some(last) = &self.backing_last else { return page };
        let from = match lower {
            Bound::Included(key) => key.bytes(),
            Bound::Excluded(key) => {
                let mut bytes = key.bytes();
                bytes.push(0);
                bytes
            }
            Bound::Unbounded => Vec::new(),
        };
        if from > *last {
            return page;
        }
        let to_bytes = to.map(TableKey::bytes);
        let mut seen = 0;
        let result = self.backing.scan(self.id, &from, to_bytes.as_deref(), &mut |key, value| {
            let mut rest = key;
            let Some(key) = K::decode(&mut rest) else {
                self.fail(BackingError(format!("table {} holds a key that is none", self.id)));
                return ControlFlow::Break(());
            };
            seen += 1;
            let stop = seen >= rows_max;
            if stop {
                page.next = Some(key.clone());
            }
            if let Some(value) = self.decode(value) {
                page.rows.push((key, value));
            }
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Err(error) = result {
            self.fail(error);
        }
        page
    }

    /// Forgets how to undo: the command is done.
    pub(crate) fn commit(&mut self) {
        self.undo.clear();
    }

    /// Undoes everything since the last [`Table::commit`].
    pub(crate) fn rollback(&mut self) {
        while let Some((key, old)) = self.undo.pop() {
            let current = match old {
                Some(slot) => {
                    self.recent_bytes += Self::weight(&slot);
                    if key < self.head {
                        self.head = key.clone();
                    }
                    self.recent.insert(key, slot)
                }
                None => self.recent.remove(&key),
            };
            if let Some(slot) = current {
                self.recent_bytes = self.recent_bytes.saturating_sub(Self::weight(&slot));
            }
        }
    }

    /// Estimated bytes of changes since the last checkpoint.
    pub(crate) fn recent_bytes(&self) -> usize {
        self.recent_bytes
    }

    /// Moves the recent changes into the frozen layer and hands it out for writing.
    pub(crate) fn freeze(&mut self) -> Option<Box<dyn CheckpointSection>> {
        if self.recent.is_empty() {
            return None;
        }
        let frozen = Arc::new(std::mem::take(&mut self.recent));
        self.recent_bytes = 0;
        self.frozen = Some(Arc::clone(&frozen));
        Some(Box::new(Section { id: self.id, layer: frozen, marker: PhantomData }))
    }

    /// The frozen layer is in the backing now.
    pub(crate) fn thaw(&mut self) -> Result<(), BackingError> {
        if self.frozen.take().is_some() {
            self.backing_last = self.backing.last_key(self.id)?.max(self.backing_last.take());
        }
        Ok(())
    }

    /// Appends every live row as bytes, for comparing states.
    pub(crate) fn dump(&self, out: &mut Vec<(u8, Vec<u8>, Vec<u8>)>) {
        self.scan(&K::smallest(), None, &mut |key, value| {
            out.push((self.id, key.bytes(), value.encode_to_vec()));
            ControlFlow::Continue(())
        });
    }
}

/// Rows from below, up to and including `next` when there may be more.
struct Page<K, V> {
    rows: Vec<(K, V)>,
    next: Option<K>,
}

fn is_empty_range<K: Ord>(lower: Bound<&K>, upper: Bound<&K>) -> bool {
    match (lower, upper) {
        (Bound::Included(lower), Bound::Excluded(upper)) => lower >= upper,
        (Bound::Excluded(lower), Bound::Excluded(upper)) => lower >= upper,
        _ => false,
    }
}

/// Visits two sorted sequences as one; `above` wins, and its empty slots hide rows below.
fn merge<'a, K: Ord + 'a, V: 'a>(
    above: impl Iterator<Item = (&'a K, &'a Slot<V>)>,
    below: &[(K, V)],
    visit: &mut dyn FnMut(&K, &V) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut above = above.peekable();
    let mut below = below.iter().peekable();
    loop {
        let take_above = match (above.peek(), below.peek()) {
            (None, None) => return ControlFlow::Continue(()),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some((key, _)), Some((other, _))) => {
                if *key == other {
                    below.next();
                    true
                } else {
                    *key < other
                }
            }
        };
        if take_above {
            if let Some((key, Slot { value: Some(value), .. })) = above.next() {
                visit(key, value)?;
            }
        } else if let Some((key, value)) = below.next() {
            visit(key, value)?;
        }
    }
}

struct Section<K, V> {
    id: u8,
    layer: Arc<Layer<K, V>>,
    marker: PhantomData<V>,
}

impl<K: TableKey, V: TableValue> CheckpointSection for Section<K, V> {
    fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>)) {
        for (key, slot) in self.layer.iter() {
            visit(self.id, key.bytes(), slot.value.as_ref().map(Message::encode_to_vec));
        }
    }
}
