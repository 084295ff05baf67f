//! Regular expressions as Python's `re` reads them, as near as the engine here gets.

use fancy_regex::Regex;

/// A pattern, ready for searching.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translated(pattern)).map_err(|error| error.to_string())
}

/// Whether the pattern is found anywhere in the text.
pub(crate) fn search(pattern: &str, text: &str) -> Result<bool, String> {
    compile(pattern)?.is_match(text).map_err(|error| error.to_string())
}

/// What Python writes differently: its `$` also matches before a line end that ends the text, and its `\Z` is the very end.
fn translated(pattern: &str) -> String {
    let multiline = has_flag(pattern, 'm');
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_begins = false;
    while let Some(character) = characters.next() {
        let begins = std::mem::take(&mut class_begins);
        match character {
            '\\' => match characters.next() {
                Some('Z') if !in_class => translated.push_str("\\z"),
                Some(other) => {
                    translated.push('\\');
                    translated.push(other);
                }
                None => translated.push('\\'),
            },
            '$' if !in_class && !multiline => translated.push_str("(?=\\n?\\z)"),
            '[' if in_class => translated.push_str("\\["),
            '[' => {
                in_class = true;
                translated.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    translated.push('^');
                }
                class_begins = true;
            }
            // A bracket right at the beginning of a class is a member of it.
            ']' if begins => translated.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                translated.push(']');
            }
            '&' | '~' if in_class => {
                translated.push('\\');
                translated.push(character);
            }
            other => translated.push(other),
        }
    }
    translated
}

/// Whether the pattern begins with flags, and this is one of them.
fn has_flag(pattern: &str, flag: char) -> bool {
    pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).is_some_and(|(flags, _)| {
        flags.chars().all(|c| c.is_ascii_alphabetic()) && flags.contains(flag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row was checked with Python's `re.search`.
    #[test]
    fn searches_as_python_does() {
        for (pattern, text, found) in [
            ("ready", "all ready now", true),
            ("^ready$", "ready\n", true),
            ("^ready$", "ready\n\n", false),
            ("^ready\\Z", "ready\n", false),
            ("^b$", "a\nb\nc", false),
            ("(?m)^b$", "a\nb\nc", true),
            ("(?i)READY", "ready", true),
            ("a.c", "a\nc", false),
            ("(?s)a.c", "a\nc", true),
            ("(?P<x>a+)b(?P=x)", "aabaa", true),
            ("(a)(?=b)", "ab", true),
            ("(?<!a)b", "ab", false),
            ("\\bfoo\\b", "a foo b", true),
            ("[]x]", "]", true),
            ("[^]x]", "]x", false),
            ("[$]", "a$", true),
            ("[a[]", "[", true),
            ("[&&]", "&", true),
            ("\\d+", "\u{663}", true),
            ("a{2,3}", "caat", true),
            ("", "", true),
            ("x*?y", "xxy", true),
        ] {
            assert_eq!(search(pattern, text), Ok(found), "{pattern} in {text:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["(", "[a", "*a", "a**", "(?P<x>a"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
