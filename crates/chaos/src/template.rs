//! Substitution: `${name}` and `$name` stand for values of the configuration and the secrets.

use serde_json::{Map, Value};

use crate::python;

/// What names stand for: the configuration first, then each group of the secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The configuration.
    pub(crate) configuration: Map<String, Value>,
    /// The secrets, by group.
    pub(crate) secrets: Map<String, Value>,
}

impl Names {
    /// Whether nothing is known by any name.
    pub(crate) fn is_empty(&self) -> bool {
        self.configuration.is_empty() && self.secrets.is_empty()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.configuration.get(name).or_else(|| {
            self.secrets.values().find_map(|group| group.as_object().and_then(|map| map.get(name)))
        })
    }

    /// Replaces names in every text within the value; names that nobody knows stay.
    pub(crate) fn substitute(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.substitute_text(text),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.substitute(item)).collect())
            }
            Value::Object(map) => Value::Object(
                map.iter().map(|(name, value)| (name.clone(), self.substitute(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    /// A text that is one `${name}` and nothing else becomes the value, with its type.
    fn substitute_text(&self, text: &str) -> Value {
        if let Some(name) = only_placeholder(text)
            && let Some(value) = self.get(name)
        {
            return value.clone();
        }
        Value::String(self.fill(text))
    }

    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(more) = after.strip_prefix('$') {
                filled.push('$');
                rest = more;
                continue;
            }
            let (name, length) = placeholder(after);
            match name.and_then(|name| self.get(name)) {
                Some(value) => filled.push_str(&python::text(value)),
                None => filled.push_str(&rest[at..at + 1 + length]),
            }
            rest = &after[length..];
        }
        filled.push_str(rest);
        filled
    }
}

/// The name in `${name}`, when the text is nothing else.
pub(crate) fn only_placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (name_length(name) == name.len() && !name.is_empty()).then_some(name)
}

/// The name that follows a `$`, and how much of the text belongs to it.
fn placeholder(after: &str) -> (Option<&str>, usize) {
    if let Some(inner) = after.strip_prefix('{') {
        let length = name_length(inner);
        if length > 0 && inner[length..].starts_with('}') {
            return (Some(&inner[..length]), length + 2);
        }
        return (None, 0);
    }
    let length = name_length(after);
    if length == 0 { (None, 0) } else { (Some(&after[..length]), length) }
}

fn name_length(text: &str) -> usize {
    let is_name = |(index, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (index > 0 && c.is_ascii_digit())
    };
    text.char_indices().find(|at| !is_name(*at)).map_or(text.len(), |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let as_map = |value: Value| value.as_object().cloned().expect("a map");
        Names {
            configuration: as_map(json!({"n": 5, "name": "x", "list": [1, 2], "both": "first"})),
            secrets: as_map(json!({"g": {"token": "t", "both": "second"}, "h": {"yes": true}})),
        }
    }

    #[test]
    fn texts_are_filled() {
        for (text, expected) in [
            (json!("${n}"), json!(5)),
            (json!("$n"), json!("5")),
            (json!("a${n}b$name."), json!("a5bx.")),
            (json!("${list}"), json!([1, 2])),
            (json!("-${list}-"), json!("-[1, 2]-")),
            (json!("${token}"), json!("t")),
            (json!("${both}"), json!("first")),
            (json!("${yes}!"), json!("True!")),
            (json!("${unknown} $unknown $ ${ ${} $1"), json!("${unknown} $unknown $ ${ ${} $1")),
            (json!("$$n $$"), json!("$n $")),
            (json!("^a$"), json!("^a$")),
            (json!({"a": ["${n}", 1, null]}), json!({"a": [5, 1, null]})),
            (json!("${n}${n}"), json!("55")),
        ] {
            assert_eq!(names().substitute(&text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_single_placeholder_keeps_the_type() {
        assert_eq!(only_placeholder("${a_1}"), Some("a_1"));
        assert_eq!(only_placeholder("${a} "), None);
        assert_eq!(only_placeholder("${1}"), None);
        assert_eq!(only_placeholder("$a"), None);
    }
}
