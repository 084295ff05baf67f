//! Files: small ones, text only.

use super::Tree;
use super::source::lines_without_tests;

/// Lines of code that a Rust file may have, its tests not counted: beyond this nobody reads it as a whole.
const FILE_LINES_MAX: usize = 1_000;

/// Bytes of any file in the repository: larger ones are data, and data is fetched or generated.
const FILE_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    for source in &tree.sources {
        let path = source.path.display();
        if source.bytes.contains(&0) {
            offences.push(format!(
                "{path}: is binary. Generate it, fetch it, or write it as text (hexadecimal, base64)"
            ));
        }
        if source.bytes.len() > FILE_BYTES_MAX {
            offences.push(format!(
                "{path}: {} bytes, limit {FILE_BYTES_MAX}. Generate or fetch it",
                source.bytes.len()
            ));
        }
        if !source.is_rust() || source.is_test() {
            continue;
        }
        let lines = lines_without_tests(source.text().unwrap_or("")).len();
        if lines > FILE_LINES_MAX {
            offences.push(format!(
                "{path}: {lines} lines without tests, limit {FILE_LINES_MAX}. Split it: one concept a file, aim below 300"
            ));
        }
    }
}
