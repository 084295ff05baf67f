//! Functions fit a screen. Those that were too long when the rule came are listed in `crates/xtask/ratchet.txt`
//! with their length, which may only shrink.

use super::Tree;
use super::source::lines_without_tests;
use std::collections::BTreeMap;

/// Lines of a function, its signature and closing brace included.
const FUNCTION_LINES_MAX: usize = 120;

/// One line for each function that is longer: `path function lines`.
const RATCHET: &str = "crates/xtask/ratchet.txt";

/// A function that is too long: its file and name, with the line that it starts at and its length.
type Long = BTreeMap<(String, String), (usize, usize)>;

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) -> Result<(), String> {
    let mut long = Long::new();
    for source in tree.sources.iter().filter(|source| source.is_rust() && !source.is_test()) {
        for (name, start, length) in functions(source.text().unwrap_or("")) {
            if length > FUNCTION_LINES_MAX {
                long.insert((source.path.display().to_string(), name), (start, length));
            }
        }
    }
    let ratchet = tree.source(RATCHET).and_then(|source| source.text()).unwrap_or("");
    let listed = listed(ratchet)?;
    compare(&long, &listed, offences);
    Ok(())
}

fn compare(long: &Long, listed: &BTreeMap<(String, String), usize>, offences: &mut Vec<String>) {
    for (key @ (path, name), (start, length)) in long {
        match listed.get(key) {
            None => offences.push(format!(
                "{path}:{start}: function {name} has {length} lines, limit {FUNCTION_LINES_MAX}. Split it by what it \
                 decides, so that each part fits a screen"
            )),
            Some(before) if length > before => offences.push(format!(
                "{path}:{start}: function {name} grew from {before} to {length} lines; the ratchet only shrinks"
            )),
            Some(before) if length < before => offences.push(format!(
                "{RATCHET}: function {name} of {path} shrank from {before} to {length} lines: write that down"
            )),
            Some(_) => {}
        }
    }
    for (path, name) in listed.keys().filter(|key| !long.contains_key(*key)) {
        offences.push(format!(
            "{RATCHET}: function {name} of {path} is not too long any more: remove its line"
        ));
    }
}

fn listed(ratchet: &str) -> Result<BTreeMap<(String, String), usize>, String> {
    let mut listed = BTreeMap::new();
    for line in ratchet.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [path, name, lines] = words[..] else {
            return Err(format!("{RATCHET}: expected `path function lines`, found `{line}`"));
        };
        let lines = lines.parse().map_err(|_| format!("{RATCHET}: `{lines}` is not a number"))?;
        listed.insert((path.to_owned(), name.to_owned()), lines);
    }
    Ok(listed)
}

/// Name, first line and length of every function outside of test modules.
///
/// Relies on rustfmt: the brace that closes a function stands alone at the indentation of its signature.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines = lines_without_tests(text);
    let mut found = Vec::new();
    for (index, (start, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indentation}}}");
        let end =
            lines[index..].iter().find(|(_, line)| **line == closing || line.ends_with(" {}"));
        if let Some((end, _)) = end {
            found.push((name.to_owned(), *start, end - start + 1));
        }
    }
    found
}

/// The name, when a function starts at this line.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    loop {
        let word = words.next()?;
        if word == "fn" {
            let name = words.next()?;
            return name.split(['(', '<']).next();
        }
        let qualifier = word.starts_with("pub")
            || word.starts_with('"')
            || ["async", "const", "unsafe", "extern", "default", "super)", "self)", "in"]
                .contains(&word);
        if !qualifier {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, functions, listed};
    use std::collections::BTreeMap;

    #[test]
    fn measures_functions_and_methods() {
        let text = "pub(crate) fn a(x: u8) {\n    x;\n}\n\nimpl B {\n    async fn c<T>(\n    ) {\n        1;\n    }\n}\n";
        assert_eq!(functions(text), [("a".to_owned(), 1, 3), ("c".to_owned(), 6, 4)]);
    }

    #[test]
    fn ratchet_only_shrinks() {
        let key = ("a.rs".to_owned(), "f".to_owned());
        let long = BTreeMap::from([(key, (7, 200))]);
        let check = |ratchet: &str| {
            let mut offences = Vec::new();
            compare(&long, &listed(ratchet).expect("well-formed"), &mut offences);
            offences.len()
        };
        assert_eq!(check("a.rs f 200\n"), 0, "as listed");
        assert_eq!(check("a.rs f 199\n"), 1, "grown");
        assert_eq!(check("a.rs f 201\n"), 1, "shrunk, not written down");
        assert_eq!(check("a.rs f 200\nb.rs g 150\n"), 1, "an entry that is not needed");
        assert_eq!(check(""), 1, "not listed");
    }
}
