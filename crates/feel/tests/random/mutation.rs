//! Texts changed at random places: what is nearly an expression.

use super::choices::Choices;

/// Pieces of expressions.
pub const PIECES: [&str; 44] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "..",
    "-",
    "+",
    "*",
    "/",
    "**",
    "=",
    "!=",
    "<=",
    "?",
    "@",
    "\"",
    "`",
    " and ",
    " or ",
    " in ",
    "not(",
    "if ",
    " then ",
    " else ",
    "for x in ",
    " return ",
    "function(x) ",
    "null",
    "item",
    "partial",
    "1e",
    "99999999999999",
    "0.000001",
    "\\u12",
    "é",
    " between ",
    " instance of ",
    "//",
    "/*",
];

/// The text after a few changes.
pub fn mutated(text: &str, choices: &mut Choices<'_>) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..choices.below(4) {
        let at = choices.below(text.len() + 1);
        let end = (at + choices.below(12)).min(text.len());
        match choices.below(4) {
            0 => {
                text.splice(at..at, choices.pick(&PIECES).chars());
            }
            1 => {
                text.drain(at..end);
            }
            2 => {
                let copy = text[at..end].to_vec();
                let to = choices.below(text.len() + 1);
                text.splice(to..to, copy);
            }
            _ => {
                text.splice(at..end, choices.pick(&PIECES).chars());
            }
        }
    }
    text.into_iter().collect()
}
