//! Randomness as an input: from a seed where a run must be repeatable, from the system elsewhere.

use std::fmt;

use parking_lot::Mutex;
use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng, TryRngCore};

/// A source of random numbers that many threads may share.
pub trait Random: Send + Sync + fmt::Debug {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;

    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A number below `bound`. A `bound` of 0 counts as 1.
    fn below(&self, bound: u64) -> u64 {
        // Multiply and shift: the bias is below 2^-32 for every bound that Skep uses.
        let wide = u128::from(self.next_u64()) * u128::from(bound.max(1));
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

/// The same numbers for the same seed, for ever (StdRng is pinned by Cargo.lock).
pub struct SeededRandom {
    seed: u64,
    generator: Mutex<StdRng>,
}

impl SeededRandom {
    /// A source that is a function of `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed, generator: Mutex::new(StdRng::seed_from_u64(seed)) }
    }
}

impl fmt::Debug for SeededRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededRandom").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        self.generator.lock().next_u64()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.generator.lock().fill_bytes(buffer);
    }
}

/// The random numbers of the operating system: unpredictable, fit for secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn next_u64(&self) -> u64 {
        OsRng.unwrap_err().next_u64()
    }

    fn fill(&self, buffer: &mut [u8]) {
        OsRng.unwrap_err().fill_bytes(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_seed_differs() {
        let numbers = |seed| {
            let random = SeededRandom::new(seed);
            (0..8).map(|_| random.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn below_stays_below() {
        let random = SeededRandom::new(3);
        assert!((0..1_000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn os_random_fills() {
        let mut buffer = [0; 32];
        OsRandom.fill(&mut buffer);
        assert_ne!(buffer, [0; 32]);
        assert_ne!(OsRandom.next_u64(), OsRandom.next_u64());
    }
}
