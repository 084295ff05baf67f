//! Thousands of random expressions over random variables, from fixed seeds: whatever comes out, it
//! comes out again, survives being stored, and ends within its budget. The fuzz targets in `fuzz/`
//! do the same with more time.
#![allow(clippy::unwrap_used, reason = "a test")]

mod random;

use random::checks::{self, Counts};
use random::choices::{Choices, Random};
use random::{expressions, mutation};

fn rounds(seed: u64, count: u32, mut round: impl FnMut(&mut Choices<'_>)) {
    let mut random = Random(seed);
    for _ in 0..count {
        let length = 16 + random.next() as usize % 200;
        round(&mut Choices::new(&random.bytes(length)));
    }
}

#[test]
fn generated_expressions_hold_every_check() {
    let mut counts = Counts::default();
    rounds(1, 6_000, |choices| checks::generated_expression(choices, &mut counts));
    assert!(counts.parsed > 4_500, "{counts:?}");
    assert!(counts.with_value > 4_000 && counts.without_null > 1_500, "{counts:?}");
    assert!(counts.stopped > 0, "{counts:?}");
}

#[test]
fn generated_and_broken_texts_are_parsed_or_refused() {
    let mut counts = Counts::default();
    rounds(2, 4_000, |choices| {
        let text = if choices.once_in(3) {
            expressions::unary_tests(choices)
        } else {
            expressions::expression(choices)
        };
        checks::text_is_parsed_or_refused(&mutation::mutated(&text, choices), &mut counts);
    });
    assert!(counts.parsed > 2_000 && counts.texts - counts.parsed > 2_000, "{counts:?}");
}

#[test]
fn any_bytes_are_a_value_or_refused() {
    rounds(3, 20_000, |choices| {
        let bytes = choices.take(usize::MAX);
        // Half of them small, so that they nest.
        let small: Vec<u8> = bytes.iter().map(|byte| byte % 0xa4).collect();
        checks::packed_bytes(bytes);
        checks::packed_bytes(&small);
    });
}
