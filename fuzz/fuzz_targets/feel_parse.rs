//! Any text, in both dialects, as an expression and as unary tests: parsed or refused with a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::feel::checks::{self, Counts};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    checks::text_is_parsed_or_refused(&text, &mut Counts::default());
});
