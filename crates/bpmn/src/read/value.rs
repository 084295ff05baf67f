//! Attribute values: static text or FEEL, and the rules for names that FEEL has to be able to read.

use std::sync::Arc;

use skep_feel::Expression;

use crate::limits::{TARGET_SEGMENTS_MAX, TEXT_BYTES_MAX};
use crate::model::Value;
use crate::read::report::Report;
use crate::xml::Node;

/// Words that cannot be a mapping target or a result variable: FEEL reads them as something else
/// (rule 19 of the deployment rules). They may be a part of one: `a.if`.
const RESERVED_WORDS: [&str; 11] =
    ["null", "true", "false", "function", "if", "then", "else", "for", "between", "instance", "of"];

/// The FEEL text behind the `=`, if the text is an expression.
pub(crate) fn expression_text(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('=').map(str::trim)
}

/// Reads static text or an expression; `what` names the attribute in the reason.
pub(crate) fn value(report: &mut Report, node: Node<'_>, what: &str, text: &str) -> Option<Value> {
    match expression_text(text) {
        Some(feel) => parse_feel(report, node, what, feel).map(Value::Expression),
        None => static_text(report, node, what, text).map(Value::Static),
    }
}

/// As [`value`], and empty text is refused.
pub(crate) fn required_value(
    report: &mut Report,
    node: Node<'_>,
    what: &str,
    text: Option<&str>,
) -> Option<Value> {
    match text {
        Some(text) if !text.trim().is_empty() => value(report, node, what, text),
        _ => {
            report.refuse(node, format!("{what} is missing or empty; set it"));
            None
        }
    }
}

/// Reads what has to be an expression.
pub(crate) fn expression(
    report: &mut Report,
    node: Node<'_>,
    what: &str,
    text: &str,
) -> Option<Expression> {
    match expression_text(text) {
        Some(feel) => parse_feel(report, node, what, feel),
        None if text.trim().is_empty() => {
            report.refuse(node, format!("{what} is missing or empty; set a FEEL expression"));
            None
        }
        None => {
            let reason = format!(
                "{what} is the static text `{}`, but has to be a FEEL expression; write `=` before it",
                shorten(text)
            );
            report.refuse(node, reason);
            None
        }
    }
}

/// Reads static text that ends up in records.
pub(crate) fn static_text(
    report: &mut Report,
    node: Node<'_>,
    what: &str,
    text: &str,
) -> Option<Arc<str>> {
    if text.len() > TEXT_BYTES_MAX {
        let bytes = text.len();
        let reason =
            format!("{what} has {bytes} bytes, at most {TEXT_BYTES_MAX} are allowed; shorten it");
        report.refuse(node, reason);
        return None;
    }
    Some(Arc::from(text))
}

/// Reads a path of names (`order.total`) that FEEL can read as variables.
pub(crate) fn variable_path(
    report: &mut Report,
    node: Node<'_>,
    what: &str,
    text: &str,
) -> Option<Vec<Arc<str>>> {
    let text = static_text(report, node, what, text)?;
    if text.is_empty() {
        report.refuse(node, format!("{what} is missing or empty; name the variable to write"));
        return None;
    }
    let segments: Vec<&str> = text.split('.').collect();
    if segments.len() > TARGET_SEGMENTS_MAX {
        let reason = format!("{what} nests more than {TARGET_SEGMENTS_MAX} names; flatten it");
        report.refuse(node, reason);
        return None;
    }
    for segment in &segments {
        if !is_name(segment) {
            let reason = format!(
                "{what} `{}` is not a path of variable names: `{}` has to start with a letter or `_` and go on with letters, digits or `_`",
                shorten(&text),
                shorten(segment)
            );
            report.refuse(node, reason);
            return None;
        }
    }
    if RESERVED_WORDS.contains(&&*text) {
        report.refuse(node, format!("{what} `{text}` is a word of FEEL; choose another name"));
        return None;
    }
    Some(segments.into_iter().map(Arc::from).collect())
}

fn is_name(segment: &str) -> bool {
    let mut characters = segment.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

fn parse_feel(report: &mut Report, node: Node<'_>, what: &str, feel: &str) -> Option<Expression> {
    if feel.is_empty() {
        report.refuse(node, format!("{what} is an empty expression; write FEEL after the `=`"));
        return None;
    }
    match Expression::parse(feel) {
        Ok(expression) => Some(expression),
        Err(error) => {
            report.refuse(node, format!("{what} is not valid FEEL: {error}"));
            None
        }
    }
}

/// The beginning of a text, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
