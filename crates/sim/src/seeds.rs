//! One seed decides everything: each part of a simulation draws from a stream of its own, named by
//! its purpose, so that a change in one part does not shift what another part draws.

use std::sync::Arc;

use skep_env::SeededRandom;

/// A node of the tree of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds(u64);

impl Seeds {
    /// The root.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The part of this name.
    #[must_use]
    pub fn part(self, name: &str) -> Self {
        let mut seed = self.0;
        for byte in name.bytes() {
            seed = mix(seed ^ u64::from(byte));
        }
        Self(seed)
    }

    /// The part of this number.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number)))
    }

    /// The seed itself.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }

    /// The random numbers of this part.
    #[must_use]
    pub fn random(self) -> Arc<SeededRandom> {
        Arc::new(SeededRandom::new(self.0))
    }
}

/// The finalizer of splitmix64: every bit of the input changes half of the output.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_differ_from_each_other_and_repeat() {
        let root = Seeds::new(7);
        assert_eq!(root.part("net").number(3), Seeds::new(7).part("net").number(3));
        let all = [
            root,
            root.part("net"),
            root.part("disk"),
            root.part("net").number(1),
            root.part("net").number(2),
            Seeds::new(8),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
    }
}
