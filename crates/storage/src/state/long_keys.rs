//! Keys of any length in a store whose keys have at most 511 bytes.
//!
//! A key of up to [`PLAIN_BYTES_MAX`] bytes is stored as it is, after its table. A longer one is
//! stored under its first [`PLAIN_BYTES_MAX`] bytes and a hash of the whole, and its value holds
//! all pairs of key and value with that hash. So the stored keys sort as the keys do, except that
//! long keys with the same beginning are next to each other in the order of their hashes: a scan
//! puts such a run in order before it visits it.

/// Longest key that is stored as it is, in bytes.
pub(super) const PLAIN_BYTES_MAX: usize = 480;

const HASH_BYTES: usize = 8;
const LONG_BYTES: usize = 1 + PLAIN_BYTES_MAX + HASH_BYTES;

/// FNV-1a, 64 bits. A collision costs time, not correctness.
fn hash(key: &[u8]) -> u64 {
    key.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Writes the stored form of a key into `buffer`.
pub(super) fn stored_key(buffer: &mut Vec<u8>, table: u8, key: &[u8]) {
    buffer.clear();
    buffer.push(table);
    if key.len() <= PLAIN_BYTES_MAX {
        buffer.extend_from_slice(key);
    } else {
        buffer.extend_from_slice(&key[..PLAIN_BYTES_MAX]);
        buffer.extend_from_slice(&hash(key).to_be_bytes());
    }
}

/// Whether a key is stored under its hash.
pub(super) fn is_long(key: &[u8]) -> bool {
    key.len() > PLAIN_BYTES_MAX
}

/// Whether a stored key holds long keys.
pub(super) fn is_stored_long(stored: &[u8]) -> bool {
    stored.len() == LONG_BYTES
}

/// What two stored keys of long keys share if the keys begin alike: table and beginning.
pub(super) fn run_of(stored: &[u8]) -> &[u8] {
    &stored[..1 + PLAIN_BYTES_MAX]
}

/// The lowest stored key that a key from `from` on can have.
pub(super) fn lower_bound(table: u8, from: &[u8]) -> Vec<u8> {
    let mut bound = vec![table];
    bound.extend_from_slice(&from[..from.len().min(PLAIN_BYTES_MAX)]);
    bound
}

/// A stored key above all that keys below `to` can have; None when there is none above.
pub(super) fn upper_bound(table: u8, to: Option<&[u8]>) -> Option<Vec<u8>> {
    match to {
        None if table == u8::MAX => None,
        None => Some(vec![table + 1]),
        Some(to) if is_long(to) => {
            let mut bound = lower_bound(table, to);
            bound.extend_from_slice(&[0xff; HASH_BYTES + 1]);
            Some(bound)
        }
        Some(to) => Some(lower_bound(table, to)),
    }
}

/// The pairs in the value of a stored key of long keys; None when it is damaged.
pub(super) fn pairs(mut value: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    while !value.is_empty() {
        let (key, rest) = take(value)?;
        let (content, rest) = take(rest)?;
        pairs.push((key, content));
        value = rest;
    }
    Some(pairs)
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}

/// The value of a stored key after one of its long keys was put or deleted; None when nothing is
/// left.
pub(super) fn with_change(
    pairs: &[(&[u8], &[u8])],
    key: &[u8],
    value: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let others = pairs.iter().copied().filter(|(other, _)| *other != key);
    let mut bytes = Vec::new();
    for (key, value) in others.chain(value.map(|value| (key, value))) {
        for part in [key, value] {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_with_the_same_hash_live_together() {
        let one = with_change(&[], b"k1", Some(b"v1")).expect("a value");
        let both = with_change(&pairs(&one).expect("intact"), b"k2", Some(b"")).expect("a value");
        let found = pairs(&both).expect("intact");
        assert_eq!(found, [(&b"k1"[..], &b"v1"[..]), (b"k2", b"")]);
        let changed = with_change(&found, b"k1", Some(b"new")).expect("a value");
        let changed = pairs(&changed).expect("intact");
        assert_eq!(changed, [(&b"k2"[..], &b""[..]), (b"k1", b"new")]);
        let less = with_change(&changed, b"k2", None).expect("a value");
        assert_eq!(with_change(&pairs(&less).expect("intact"), b"k1", None), None);
        assert_eq!(pairs(&both[..both.len() - 1]), None, "damaged");
    }

    #[test]
    fn stored_keys_sort_as_keys_do() {
        let plain = vec![5; PLAIN_BYTES_MAX];
        let long = [plain.clone(), vec![0]].concat();
        let after = [&plain[..PLAIN_BYTES_MAX - 1], &[6]].concat();
        let stored = |key: &[u8]| {
            let mut buffer = Vec::new();
            stored_key(&mut buffer, 1, key);
            buffer
        };
        assert!(stored(&plain) < stored(&long));
        assert!(stored(&long) < stored(&after));
        assert!(is_stored_long(&stored(&long)) && !is_stored_long(&stored(&plain)));
        assert!(stored(&long).len() <= 511);
    }
}
