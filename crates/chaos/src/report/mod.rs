//! Reports of journals: files that need nothing beside them.

mod html;
mod junit;
mod markdown;
mod rows;
mod timeline;

pub use html::html;
pub use junit::junit;
pub use markdown::markdown;

/// The text as it may stand in XML and HTML, in an attribute too.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No document of XML may have these, not even escaped.
            c if c < ' ' && !matches!(c, '\n' | '\r' | '\t') => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
