//! What searching costs, in steps. The automata of the `regex` crate do not count, so that this is
//! estimated from the pattern: what is looked at per byte of text, and whether a search that begins
//! where the last match ended may look at all the rest again.

/// Bytes of text that an automaton passes in about the time of a step, for each [`FREE_PATTERN_BYTES`].
const SCANNED_BYTES_A_STEP: u64 = 64;

/// Bytes of pattern that weigh as little as one: common ones become tables, whatever they say.
const FREE_PATTERN_BYTES: u64 = 16;

/// Most matches end soon after they begin; a search for the next one counts this part of the rest.
const SEARCHED_AGAIN: u64 = 16;

/// Steps that compiling counts for each byte of a pattern.
const COMPILED_STEPS_A_BYTE: u64 = 100;

/// The same for bytes that counted repetitions copy.
const COPIED_STEPS_A_BYTE: u64 = 10;

/// Steps that compiling counts at most for copies: then it reaches the limit of memory.
const COPIED_STEPS_MAX: u64 = 200_000;

/// The cost of compiling a pattern and of searching for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    length: u64,
    /// The length with everything as often as it is counted.
    size: u64,
    /// Whether matches have a longest length, so that all of them are found in one pass.
    is_bounded: bool,
}

impl Cost {
    /// Estimates it: bytes times the counts of counted repetitions.
    pub(super) fn of(pattern: &str) -> Cost {
        let mut size = pattern.len() as u64;
        let mut is_bounded = !pattern.contains(['*', '+']);
        for braces in pattern.split('{').skip(1) {
            let Some((counts, _)) = braces.split_once('}') else { continue };
            let last = counts.rsplit(',').next().unwrap_or("");
            is_bounded &= !last.trim().is_empty();
            let count: u64 =
                counts.split(',').filter_map(|count| count.trim().parse().ok()).max().unwrap_or(1);
            size = size.saturating_mul(count.max(1));
        }
        Cost { length: pattern.len() as u64, size, is_bounded }
    }

    /// Steps of compiling the pattern.
    pub(super) fn compile(self) -> u64 {
        let copied = self.size.saturating_mul(COPIED_STEPS_A_BYTE).min(COPIED_STEPS_MAX);
        copied.max(self.length.saturating_mul(COMPILED_STEPS_A_BYTE))
    }

    /// Steps of one pass over so many bytes.
    pub(super) fn pass(self, bytes: usize) -> u64 {
        let weight = (self.size / FREE_PATTERN_BYTES).max(1);
        (bytes as u64).saturating_mul(weight) / SCANNED_BYTES_A_STEP
    }

    /// Steps of a further search, with so many bytes left.
    pub(super) fn again(self, bytes: usize) -> u64 {
        if self.is_bounded { 1 } else { 1 + self.pass(bytes) / SEARCHED_AGAIN }
    }
}

#[cfg(test)]
mod tests {
    use super::Cost;

    #[test]
    fn plain_patterns_are_searched_in_one_pass() {
        let cost = Cost::of("[,;] ?");
        assert_eq!((cost.pass(64_000), cost.again(64_000)), (1_000, 1));
        assert_eq!(cost.compile(), 600);
    }

    #[test]
    fn repetitions_weigh_more() {
        let cost = Cost::of(".*[^A-Z]|[A-Z]");
        assert_eq!((cost.pass(64_000), cost.again(64_000)), (1_000, 63));
        assert_eq!(Cost::of("(a{1,50}b{2}){3,}").pass(64), 17 * 50 * 2 * 3 / 16);
        assert_eq!(Cost::of(r"\p{L}{999}").compile(), 10 * 999 * 10);
        assert!(Cost::of(&"(a{1000}){1000}".repeat(100)).pass(usize::MAX) > 0);
    }
}
