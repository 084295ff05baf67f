//! A file of the workspace, and which of its lines are tests.

use std::path::PathBuf;

/// A file that people wrote, with its path below the root.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Source {
    pub(super) fn extension(&self) -> &str {
        self.path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
    }

    pub(super) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// The content, or nothing when it is not text.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Whether it is the manifest of a workspace.
    pub(super) fn is_workspace(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "Cargo.toml")
            && self.text().unwrap_or("").lines().any(|line| line == "[workspace]")
    }

    /// Whether the whole file is test code: in a `tests`, `benches` or `examples` folder, or named `tests.rs`.
    pub(super) fn is_test(&self) -> bool {
        let in_folder = self.path.components().any(|component| {
            ["tests", "benches", "examples"].iter().any(|folder| component.as_os_str() == *folder)
        });
        in_folder || self.path.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing")
    }
}

/// The lines of Rust code that are not inside a `#[cfg(test)] mod ... { }`, with their numbers from 1.
///
/// Relies on rustfmt: the brace that closes an item stands alone at the indentation of the item.
pub(super) fn lines_without_tests(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let starts_tests = line.trim() == "#[cfg(test)]"
            && lines.peek().is_some_and(|(_, next)| {
                next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{')
            });
        if !starts_tests {
            kept.push((index + 1, line));
            continue;
        }
        let indentation = line.len() - line.trim_start().len();
        for (_, inner) in lines.by_ref() {
            if inner.trim_end() == format!("{}}}", " ".repeat(indentation)) {
                break;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::lines_without_tests;

    #[test]
    fn leaves_out_the_test_module_only() {
        let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {\n}\n";
        let lines: Vec<usize> =
            lines_without_tests(text).iter().map(|(number, _)| *number).collect();
        assert_eq!(lines, [1, 2, 8, 9]);
    }
}
