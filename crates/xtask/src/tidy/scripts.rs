//! Golden scripts: each stands in COMPAT.md, beside the behaviour that it proves.

use super::Tree;
use std::path::Path;

/// Where the golden scripts of the engine are.
const SCRIPTS: &str = "crates/engine/tests/scripts";

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    let compat = tree.source("COMPAT.md").and_then(|source| source.text()).unwrap_or("");
    for source in &tree.sources {
        let Ok(script) = source.path.strip_prefix(SCRIPTS) else { continue };
        if source.is_rust() || !is_referenced(compat, script) {
            offences.push(format!(
                "{}: not in COMPAT.md. Name `{}` there, in the row of what it proves",
                source.path.display(),
                script.with_extension("").display()
            ));
        }
    }
}

/// Whether the text names the script, with or without its extension, as a whole word.
fn is_referenced(compat: &str, script: &Path) -> bool {
    let name = script.with_extension("").display().to_string();
    compat.match_indices(&name).any(|(at, _)| {
        let after = &compat[at + name.len()..];
        !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::is_referenced;
    use std::path::Path;

    #[test]
    fn a_longer_name_is_another_script() {
        let compat = "| timer | `timer/date_in_the_past`, `message/ttl.txt` |";
        assert!(is_referenced(compat, Path::new("timer/date_in_the_past.txt")));
        assert!(is_referenced(compat, Path::new("message/ttl.txt")));
        assert!(!is_referenced(compat, Path::new("timer/date.txt")));
    }
}
