//! Expressions over variables of all kinds hold every check of `crates/feel/tests/random/checks.rs`.
//!
//! An input that begins with `=` or `?` is the text of an expression or of unary tests up to a byte 0,
//! and behind it the bytes that make the variables. In any other input the bytes make both.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::feel::checks::{self, Counts};
use skep_fuzz::feel::choices::Choices;

fuzz_target!(|data: &[u8]| {
    let mut counts = Counts::default();
    match data.split_first() {
        Some((first @ (b'=' | b'?'), rest)) => {
            let (text, rest) = match rest.iter().position(|byte| *byte == 0) {
                Some(end) => rest.split_at(end),
                None => (rest, &[][..]),
            };
            let mut choices = Choices::new(rest);
            let dialect = checks::DIALECTS[choices.below(2)];
            let text = String::from_utf8_lossy(text);
            let thorough = choices.once_in(8);
            checks::evaluation(&text, dialect, *first == b'?', thorough, &mut choices, &mut counts);
        }
        _ => checks::generated_expression(&mut Choices::new(data), &mut counts),
    }
    checks::packed_bytes(data);
});
