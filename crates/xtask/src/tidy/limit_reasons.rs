//! Limits: each constant of a `limits.rs` says its reason.

use super::Tree;

/// Letters of a documentation that can hold a reason.
const REASON_LETTERS_MIN: usize = 20;

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    for source in &tree.sources {
        if source.path.file_name().is_none_or(|name| name != "limits.rs") {
            continue;
        }
        for (line, name) in undocumented(source.text().unwrap_or("")) {
            offences.push(format!(
                "{}:{line}: {name} needs a doc comment with its unit and the reason for its size",
                source.path.display()
            ));
        }
    }
}

/// Line and name of every constant without a documentation worth the name.
fn undocumented(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut documentation = 0;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if let Some(comment) = trimmed.strip_prefix("///") {
            documentation += comment.trim().len();
            continue;
        }
        if trimmed.starts_with("#[") {
            continue;
        }
        let constant = trimmed.split_once("const ").filter(|(before, after)| {
            (before.is_empty() || before.starts_with("pub")) && !after.starts_with("fn ")
        });
        if let Some((_, rest)) = constant
            && documentation < REASON_LETTERS_MIN
        {
            found.push((index + 1, rest.split(':').next().unwrap_or(rest).to_owned()));
        }
        documentation = 0;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::undocumented;

    #[test]
    fn finds_constants_without_a_reason() {
        let text = "/// Bytes of a record: more would not fit one frame.\npub const A_BYTES: usize = 1;\n\
                    pub const B: u8 = 1;\n/// short\nconst C: u8 = 2;\npub const fn d() {}\n";
        let names: Vec<String> = undocumented(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["B", "C"]);
    }
}
