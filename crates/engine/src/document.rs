//! Variable documents: MessagePack maps as raw bytes, taken apart without decoding their values.

use bytes::Bytes;

/// Deepest nesting of a value. The gateway and FEEL have the same limit.
const DEPTH_MAX: usize = 200;

/// Name and value of each entry, in order; `None` when the bytes are not one map with text keys.
pub(crate) fn entries(document: &Bytes) -> Option<Vec<(String, Bytes)>> {
    if document.is_empty() {
        return Some(Vec::new());
    }
    let mut reader = Reader { bytes: document, at: 0 };
    let count = reader.map_length()?;
    let mut entries = Vec::with_capacity(count.min(1024));
    for _ in 0..count {
        let name = reader.text()?;
        let start = reader.at;
        reader.skip()?;
        entries.push((name, document.slice(start..reader.at)));
    }
    (reader.at == document.len()).then_some(entries)
}

/// Builds a document from names and encoded values.
pub(crate) fn build<'a>(entries: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>) -> Bytes {
    let mut out = Vec::with_capacity(64);
    write_map_length(&mut out, entries.len());
    for (name, value) in entries {
        write_text(&mut out, name);
        out.extend_from_slice(value);
    }
    out.into()
}

/// Appends the header of a map.
pub(crate) fn write_map_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..16 => out.push(0x80 | length as u8),
        16..0x1_0000 => {
            out.push(0xde);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(0xdf);
            out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

/// Appends a text.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..32 => out.push(0xa0 | length as u8),
        length @ 32..0x100 => out.extend_from_slice(&[0xd9, length as u8]),
        length @ 0x100..0x1_0000 => {
            out.push(0xda);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0xdb);
            out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn map_length(&mut self) -> Option<usize> {
        match self.byte()? {
            marker @ 0x80..=0x8f => Some(usize::from(marker & 0x0f)),
            0xde => self.number(2),
            0xdf => self.number(4),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        let length = match self.byte()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            0xd9 => self.number(1)?,
            0xda => self.number(2)?,
            0xdb => self.number(4)?,
            _ => return None,
        };
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }

    /// Moves past one value. Iterative: `open` counts the values left at each depth.
    fn skip(&mut self) -> Option<()> {
        let mut open = vec![1usize];
        while let Some(left) = open.last_mut() {
            if *left == 0 {
                open.pop();
                continue;
            }
            *left -= 1;
            let inner = self.skip_one()?;
            if inner > 0 {
                if open.len() >= DEPTH_MAX {
                    return None;
                }
                open.push(inner);
            }
        }
        Some(())
    }

    /// Moves past a value's own bytes; gives the number of values inside it.
    fn skip_one(&mut self) -> Option<usize> {
        let marker = self.byte()?;
        let length = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
            0x80..=0x8f => return Some(usize::from(marker & 0x0f) * 2),
            0x90..=0x9f => return Some(usize::from(marker & 0x0f)),
            0xa0..=0xbf => usize::from(marker & 0x1f),
            0xc4 | 0xd9 => self.number(1)?,
            0xc5 | 0xda => self.number(2)?,
            0xc6 | 0xdb => self.number(4)?,
            0xc7 => self.number(1)? + 1,
            0xc8 => self.number(2)? + 1,
            0xc9 => self.number(4)? + 1,
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xce | 0xd2 | 0xca => 4,
            0xcf | 0xd3 | 0xcb => 8,
            0xd4 => 2,
            0xd5 => 3,
            0xd6 => 5,
            0xd7 => 9,
            0xd8 => 17,
            0xdc => return self.number(2),
            0xdd => return self.number(4),
            0xde => return self.number(2).map(|count| count * 2),
            0xdf => return self.number(4)?.checked_mul(2),
            0xc1 => return None,
        };
        self.take(length)?;
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_apart_and_together() {
        let values: Vec<(&str, &[u8])> = vec![
            ("a", &[0x01]),
            ("b", &[0x92, 0xc0, 0x81, 0xa1, b'x', 0xcb, 0, 0, 0, 0, 0, 0, 0, 0]),
        ];
        let document = build(values.iter().copied());
        let entries = entries(&document).unwrap();
        assert_eq!(entries.len(), 2);
        for ((name, value), (expected_name, expected)) in entries.iter().zip(values) {
            assert_eq!((name.as_str(), value.as_ref()), (expected_name, expected));
        }
    }

    #[test]
    fn damaged_documents_are_refused() {
        for bytes in
            [&[0x81][..], &[0x81, 0xa1], &[0x92, 0xc0], &[0x81, 0xa1, b'a', 0xc1], &[0x80, 0x80]]
        {
            assert_eq!(entries(&Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
        let mut deep = vec![0x81, 0xa1, b'a'];
        deep.extend(std::iter::repeat_n(0x91, 100_000));
        assert_eq!(entries(&Bytes::from(deep)), None);
    }
}
