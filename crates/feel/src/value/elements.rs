//! The elements of a list that is still in MessagePack, one after the other.

use bytes::Bytes;

use super::msgpack::{Head, end_of_text, head, read, skip, skip_values};
use super::{Context, Value};

/// Iterates over the elements of an array still in MessagePack.
#[derive(Debug)]
pub struct Elements<'a> {
    bytes: &'a Bytes,
    at: usize,
    left: usize,
    depth: u16,
}

impl<'a> Elements<'a> {
    pub(super) fn new(bytes: &'a Bytes, count: usize, depth: u16) -> Elements<'a> {
        Elements { bytes, at: 0, left: count, depth: depth.saturating_sub(1) }
    }

    /// Decides about the next element by its entry with this key, reading nothing else of it: the
    /// element if it is kept, none inside if it is passed over. None, and nothing done, if it is no
    /// context with such an entry, or `keeps` cannot decide.
    pub(super) fn next_if(
        &mut self,
        key: &str,
        keeps: impl FnOnce(&Value) -> Option<bool>,
    ) -> Option<Option<Value>> {
        let depth = self.depth.checked_sub(1)?;
        let (Head::Map(count), start) = head(self.bytes, self.at).ok()? else { return None };
        let mut at = start;
        for index in 0..count {
            let (Head::Text(length), next) = head(self.bytes, at).ok()? else { return None };
            let end = end_of_text(self.bytes, next, length).ok()?;
            if self.bytes.get(next..end) != Some(key.as_bytes()) {
                at = skip(self.bytes, end).ok()?;
                continue;
            }
            let (value, next) = read(self.bytes, end, depth).ok()?;
            let kept = keeps(&value)?;
            let end = skip_values(self.bytes, next, (count - index - 1).checked_mul(2)?).ok()?;
            self.at = end;
            self.left = self.left.saturating_sub(1);
            return Some(kept.then(|| {
                let entries = self.bytes.slice(start..end);
                Value::Context(Context::packed(entries, count, self.depth))
            }));
        }
        None
    }
}

impl Iterator for Elements<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        match read(self.bytes, self.at, self.depth) {
            Ok((value, next)) => {
                self.at = next;
                Some(value)
            }
            Err(_) => {
                // Malformed bytes, which were trusted: they hold nothing more.
                self.left = 0;
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Elements<'_> {}
