//! Golden scripts: each stands in COMPAT.md, beside the behaviour that it proves.

use super::Tree;
use std::path::Path;

/// Where the golden scripts of the engine are.
const SCRIPTS: &str = "crates/engine/tests/scripts";

/// Between these lines of COMPAT.md stands the index of all scripts, written by `cargo xtask tidy --fix`.
const INDEX_START: &str = "<!-- scripts: written by cargo xtask tidy --fix -->";
const INDEX_END: &str = "<!-- end of scripts -->";

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    let compat = tree.source("COMPAT.md").and_then(|source| source.text()).unwrap_or("");
    for source in &tree.sources {
        let Ok(script) = source.path.strip_prefix(SCRIPTS) else { continue };
        if source.is_rust() || !is_referenced(compat, script) {
            offences.push(format!(
                "{}: not in COMPAT.md. Name `{}` in the row of what it proves, or let `cargo xtask tidy --fix` put it into the index",
                source.path.display(),
                script.with_extension("").display()
            ));
        }
    }
}

/// Writes the index of all scripts into COMPAT.md: replaces the one that is there, or adds it at the end.
pub(super) fn fix(tree: &Tree) -> Result<(), String> {
    let path = tree.root.join("COMPAT.md");
    let compat = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read COMPAT.md: {error}"))?;
    let scripts = tree.sources.iter().filter_map(|source| source.path.strip_prefix(SCRIPTS).ok());
    let scripts: Vec<String> =
        scripts.map(|script| script.with_extension("").display().to_string()).collect();
    std::fs::write(&path, with_index(&compat, &scripts))
        .map_err(|error| format!("cannot write COMPAT.md: {error}"))
}

fn with_index(compat: &str, scripts: &[String]) -> String {
    let mut index = format!("{INDEX_START}\n");
    let mut area = "";
    for script in scripts {
        let (folder, claim) = script.split_once('/').unwrap_or(("other", script));
        if folder != area {
            index.push_str(&format!("\n### {folder}\n\n"));
            area = folder;
        }
        index.push_str(&format!("- {}: `{script}`\n", claim.replace('_', " ")));
    }
    index.push_str(&format!("\n{INDEX_END}"));
    match (compat.split_once(INDEX_START), compat.split_once(INDEX_END)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{index}{after}"),
        _ => format!("{}\n\n## Scripts\n\n{index}\n", compat.trim_end()),
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
    use super::{is_referenced, with_index};
    use std::path::Path;

    #[test]
    fn the_index_is_replaced_and_nothing_else() {
        let one = with_index("# Compat\n", &["timers/a_b".to_owned()]);
        assert!(one.starts_with("# Compat\n\n## Scripts\n"), "{one}");
        assert!(one.contains("### timers\n\n- a b: `timers/a_b`\n"), "{one}");
        let two = with_index(&format!("{one}after\n"), &["jobs/c".to_owned()]);
        assert!(two.contains("`jobs/c`") && !two.contains("timers"), "{two}");
        assert!(two.ends_with("-->\nafter\n"), "{two}");
    }

    #[test]
    fn a_longer_name_is_another_script() {
        let compat = "| timer | `timer/date_in_the_past`, `message/ttl.txt` |";
        assert!(is_referenced(compat, Path::new("timer/date_in_the_past.txt")));
        assert!(is_referenced(compat, Path::new("message/ttl.txt")));
        assert!(!is_referenced(compat, Path::new("timer/date.txt")));
    }
}
