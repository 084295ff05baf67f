//! Thousands of random files from fixed seeds: whatever is wrong with one, it is refused with places;
//! else its decisions are evaluated over random variables, and the traces are whole. The fuzz target
//! `dmn_xml` in `fuzz/` does the same with more time.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../feel/tests/random/mod.rs"]
mod feel;
mod random;

use feel::choices::{Choices, Random};
use random::checks::{self, Counts};

#[test]
fn generated_files_hold_every_check() {
    let mut counts = Counts::default();
    let mut random = Random(1);
    for _ in 0..900 {
        let length = 100 + random.next() as usize % 1_200;
        let bytes = random.bytes(length);
        checks::generated_files(&mut Choices::new(&bytes), &mut counts);
    }
    assert!(counts.read > counts.files / 4, "{counts:?}");
    assert!(counts.files - counts.read > counts.files / 8, "{counts:?}");
    assert!(counts.evaluations > 800 && counts.without_null > 400, "{counts:?}");
    assert!(counts.with_rules > 20 && counts.with_several > 200, "{counts:?}");
    assert!(counts.failed > 60, "{counts:?}");
}
