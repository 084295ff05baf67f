//! Every random decision of a model or a path comes from one seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(crate) struct Chance {
    rng: StdRng,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    /// True that often.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of the keys of a set, if it has any.
    pub(crate) fn pick_any<T>(&mut self, from: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let count = from.len();
        if count == 0 {
            return None;
        }
        let at = self.below(count);
        let mut from = from;
        from.nth(at)
    }
}
