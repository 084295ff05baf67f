//! Leftovers: work that was put off stands in an issue, not in the code.

use super::Tree;

/// Written in parts, so that this file does not offend itself.
const WORDS: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
];

/// Files that are made by tools, or that quote others.
const EXEMPT: [&str; 4] = ["Cargo.lock", "package-lock.json", "go.sum", "LICENSE"];

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    for source in &tree.sources {
        if source.path.file_name().is_some_and(|name| EXEMPT.iter().any(|exempt| name == *exempt)) {
            continue;
        }
        for (index, line) in source.text().unwrap_or("").lines().enumerate() {
            if let Some(word) = offence(line) {
                offences.push(format!(
                    "{}:{}: `{word}` without an issue. Do it, or open an issue and write `{word}(#NUMBER)`",
                    source.path.display(),
                    index + 1
                ));
            }
        }
    }
}

/// The banned word in this line, unless an issue follows it.
fn offence(line: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|word| {
        line.match_indices(word).any(|(at, _)| {
            let part_of_a_word = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            !part_of_a_word && !line[at + word.len()..].starts_with("(#")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{WORDS, offence};

    #[test]
    fn an_issue_makes_it_right() {
        let word = WORDS[0];
        assert!(offence(&format!("// {word}: later")).is_some());
        assert!(offence(&format!("// {word}(#12): later")).is_none());
        assert!(offence(&format!("let MAS{word} = 1;")).is_none());
    }
}
