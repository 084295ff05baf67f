//! Words of scripts and models: separated by spaces, except inside quotes and brackets.

/// One word: a plain one, `name=value`, or `name(expression)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    /// The whole word.
    pub(crate) text: String,
    /// What stands before `=` or `(`; the whole word if there is neither.
    pub(crate) name: String,
    /// What is given to the name. An expression begins with `=`, as in BPMN files.
    pub(crate) value: Option<String>,
}

/// Takes a line apart.
pub(crate) fn words(line: &str) -> Vec<Word> {
    split(line, |rest| rest.starts_with(char::is_whitespace).then_some(1))
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| word(&text))
        .collect()
}

/// Splits where `separator` gives the length of one, outside of quotes and brackets.
pub(crate) fn split(line: &str, separator: impl Fn(&str) -> Option<usize>) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut quoted, mut skip) = (0, false, 0);
    for (at, character) in line.char_indices() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if !quoted
            && depth == 0
            && let Some(length) = separator(&line[at..])
        {
            parts.push(std::mem::take(&mut part).trim().to_owned());
            skip = length - 1;
            continue;
        }
        match character {
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        part.push(character);
    }
    parts.push(part.trim().to_owned());
    parts
}

fn word(text: &str) -> Word {
    let whole = Word { text: text.to_owned(), name: text.to_owned(), value: None };
    if text.starts_with(['{', '[', '"', '(']) {
        return whole;
    }
    match text.find(['=', '(']) {
        Some(at) if text[at..].starts_with('=') => Word {
            name: text[..at].to_owned(),
            value: Some(text[at + 1..].trim_matches('"').to_owned()),
            ..whole
        },
        Some(at) if text.ends_with(')') => Word {
            name: text[..at].to_owned(),
            value: Some(format!("={}", &text[at + 1..text.len() - 1])),
            ..whole
        },
        _ => whole,
    }
}

/// Escapes a text for an XML attribute or text node.
pub(crate) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
