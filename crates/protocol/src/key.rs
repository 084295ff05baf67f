//! Keys: the partition in the upper 13 bits, a counter in the lower 51 (`spec/engine.md` 4.1).

/// Identifies an entity on the whole cluster.
pub type Key = u64;

/// Number of a partition, from 1.
pub type PartitionId = u32;

/// "No entity"; shown to clients as -1.
pub const NO_KEY: Key = 0;

const COUNTER_BITS: u32 = 51;

/// Builds a key. `counter` starts at 1, so the first key of partition 1 is 2251799813685249.
#[must_use]
pub fn compose(partition: PartitionId, counter: u64) -> Key {
    (u64::from(partition) << COUNTER_BITS) | counter
}

/// The partition that a key belongs to; 0 for keys that no partition made.
#[must_use]
pub fn partition_of(key: Key) -> PartitionId {
    u32::try_from(key >> COUNTER_BITS).unwrap_or(0)
}

/// The counter part of a key.
#[must_use]
pub fn counter_of(key: Key) -> u64 {
    key & ((1 << COUNTER_BITS) - 1)
}

/// The partition that holds the subscriptions of a correlation key: Java-style `31 * h + b` over
/// the signed UTF-8 bytes in 32-bit arithmetic, absolute remainder, plus one (`spec/engine.md` 4.8).
#[must_use]
pub fn partition_of_correlation_key(correlation_key: &str, partitions: u32) -> PartitionId {
    let hash = correlation_key
        .bytes()
        .fold(0i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte as i8)));
    let partitions = i64::from(partitions.max(1));
    u32::try_from((i64::from(hash) % partitions).abs() + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_keys_are_the_documented_ones() {
        assert_eq!(compose(1, 1), 2_251_799_813_685_249);
        assert_eq!(compose(2, 1), 4_503_599_627_370_497);
        assert_eq!(partition_of(compose(3, 77)), 3);
        assert_eq!(counter_of(compose(3, 77)), 77);
    }

    #[test]
    fn correlation_keys_hash_like_java_strings() {
        // "hello".hashCode() is 99162322.
        assert_eq!(partition_of_correlation_key("hello", 3), 99_162_322 % 3 + 1);
        assert_eq!(partition_of_correlation_key("", 3), 1);
        for partitions in 1..9 {
            let partition = partition_of_correlation_key("schlüssel-ß-€", partitions);
            assert!((1..=partitions).contains(&partition));
        }
    }
}
