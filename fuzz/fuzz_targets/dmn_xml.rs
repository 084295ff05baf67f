//! Files hold every check of `crates/dmn/tests/random/checks.rs`, in both dialects.
//!
//! An input that begins with `<` is a file, up to a byte 0; behind it stand the bytes that make the
//! variables. In any other input the bytes make the file, one that it imports, and the variables.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::dmn::checks::{self, Counts};
use skep_fuzz::feel::checks::DIALECTS;
use skep_fuzz::feel::choices::Choices;

fuzz_target!(|data: &[u8]| {
    let mut counts = Counts::default();
    if data.first() == Some(&b'<') {
        let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
        let (xml, rest) = data.split_at(end);
        let xml = String::from_utf8_lossy(xml);
        let mut choices = Choices::new(rest);
        let _ = choices.byte();
        let thorough = choices.once_in(8);
        for dialect in DIALECTS {
            checks::file(&xml, dialect, Vec::new(), thorough, &mut choices.clone(), &mut counts);
        }
    } else {
        checks::generated_files(&mut Choices::new(data), &mut counts);
    }
});
