//! Keys of tables: typed in memory, ordered bytes below.

/// A key whose byte form sorts as the typed form does.
pub(crate) trait TableKey: Ord + Clone + Send + Sync + 'static {
    /// Appends the bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a key from the front of `bytes` and moves past it; `None` when the bytes are not one.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;

    /// The smallest key.
    fn smallest() -> Self;

    /// The bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        self.encode(&mut out);
        out
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = bytes.split_at_checked(count)?;
    *bytes = tail;
    Some(head)
}

impl TableKey for u64 {
    fn smallest() -> Self {
        0
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(take(bytes, 8)?.try_into().ok()?))
    }
}

impl TableKey for u32 {
    fn smallest() -> Self {
        0
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(take(bytes, 4)?.try_into().ok()?))
    }
}

impl TableKey for u8 {
    fn smallest() -> Self {
        0
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes, 1)?.first().copied()
    }
}

impl TableKey for i64 {
    fn smallest() -> Self {
        Self::MIN
    }

    fn encode(&self, out: &mut Vec<u8>) {
        // The flipped sign bit makes negative times sort before positive ones.
        out.extend_from_slice(&(self.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some((u64::decode(bytes)? ^ (1 << 63)).cast_signed())
    }
}

impl TableKey for String {
    fn smallest() -> Self {
        Self::new()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        // 0 ends the text and sorts first; a 0 inside becomes 0 255.
        for byte in self.as_bytes() {
            out.push(*byte);
            if *byte == 0 {
                out.push(255);
            }
        }
        out.extend_from_slice(&[0, 0]);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            match (take(bytes, 1)?.first()?, bytes.first()) {
                (0, Some(0)) => {
                    take(bytes, 1)?;
                    return Self::from_utf8(text).ok();
                }
                (0, Some(255)) => {
                    take(bytes, 1)?;
                    text.push(0);
                }
                (0, _) => return None,
                (byte, _) => text.push(*byte),
            }
        }
    }
}

macro_rules! tuple_key {
    ($($name:ident $index:tt),*) => {
        impl<$($name: TableKey),*> TableKey for ($($name,)*) {
            fn smallest() -> Self {
                ($($name::smallest(),)*)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$index.encode(out);)*
            }

            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::decode(bytes)?,)*))
            }
        }
    };
}

tuple_key!(A 0, B 1);
tuple_key!(A 0, B 1, C 2);
tuple_key!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<K: TableKey + std::fmt::Debug>(keys: &[K]) {
        for pair in keys.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(pair[0].bytes() < pair[1].bytes(), "{pair:?}");
        }
        for key in keys {
            assert_eq!(K::decode(&mut key.bytes().as_slice()).as_ref(), Some(key));
        }
    }

    #[test]
    fn bytes_sort_as_the_keys_do() {
        check(&[0u64, 1, 255, 256, u64::MAX]);
        check(&[i64::MIN, -5, 0, 5, i64::MAX]);
        check(&["", "\0", "\0a", "a", "a\0", "a\0b", "ab", "b"].map(str::to_owned));
        check(&[
            ("a".to_owned(), 2u64),
            ("a\0".to_owned(), 1),
            ("aa".to_owned(), 1),
            ("aa".to_owned(), 2),
        ]);
    }
}
