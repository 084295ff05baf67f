//! Regular expressions: `matches`, `replace`, `split`, `extract`.
//!
//! In Camunda's dialect patterns are those of the `regex` crate, which run in linear time; what only
//! backtracking can do (look-around, back-references) is an invalid pattern. In DMN's dialect they
//! are those of XPath.

mod automaton;
mod backtracking;
mod blocks;
mod cost;
mod standard;
mod xpath;

use std::borrow::Cow;

use cost::Cost;
use regex::{Captures, Regex, RegexBuilder};

use super::{Call, Outcome, Overload, null};
use crate::Value;
use crate::evaluate::Failure;
use crate::limits::{REGEX_BYTES_MAX, REGEX_MEMORY_BYTES_MAX};

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("matches", &["input", "pattern"], matches),
    Overload::new("matches", &["input", "pattern", "flags"], matches),
    Overload::new("replace", &["input", "pattern", "replacement"], replace),
    Overload::new("replace", &["input", "pattern", "replacement", "flags"], replace),
    Overload::new("split", &["string", "delimiter"], split),
    Overload::new("extract", &["string", "pattern"], extract),
];

/// A compiled pattern of one of the dialects.
#[derive(Debug)]
pub(crate) enum Compiled {
    Camunda(Regex),
    Standard(standard::Matcher),
}

/// The compiled pattern; kept from the first evaluation of this call if the pattern is the same.
fn compiled<'c>(
    call: &mut Call<'c, '_>,
    pattern: &str,
    flags: &str,
) -> Result<Cow<'c, Regex>, Failure> {
    let key = if flags.is_empty() {
        Cow::Borrowed(pattern)
    } else {
        format!("(?{flags}){pattern}").into()
    };
    if let Some((known, Compiled::Camunda(regex))) = call.regex.get()
        && **known == *key
    {
        return Ok(Cow::Borrowed(regex));
    }
    if key.len() > REGEX_BYTES_MAX {
        return null(format!("The pattern has more than {REGEX_BYTES_MAX} bytes"));
    }
    call.evaluator.steps(Cost::of(&key).compile())?;
    let regex = RegexBuilder::new(&key).size_limit(REGEX_MEMORY_BYTES_MAX).build();
    let Ok(regex) = regex else { return null(format!("Invalid pattern '{pattern}'")) };
    // Fails only if another pattern (or thread) was first; then this one is compiled again next time.
    let _ = call.regex.set((key.into(), Compiled::Camunda(regex.clone())));
    Ok(Cow::Owned(regex))
}

/// The flags at this argument: any of `i`, `s`, `m`, `x`.
fn flags<'c>(call: &Call<'c, '_>, index: usize) -> Result<&'c str, Failure> {
    if call.argument(index).is_null() {
        return Ok("");
    }
    let flags = call.text(index)?;
    if flags.chars().all(|flag| matches!(flag, 'i' | 's' | 'm' | 'x')) {
        return Ok(flags);
    }
    null(format!("Invalid flags '{flags}', expected any of 'i', 's', 'm', 'x'"))
}

fn matches(call: &mut Call<'_, '_>) -> Outcome {
    if call.dialect().is_dmn() {
        return standard::matches(call);
    }
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let flags = flags(call, 2)?;
    let regex = compiled(call, pattern, flags)?;
    call.evaluator.steps(Cost::of(pattern).pass(text.len()))?;
    Ok(Value::Boolean(regex.is_match(text)))
}

fn replace(call: &mut Call<'_, '_>) -> Outcome {
    if call.dialect().is_dmn() {
        return standard::replace(call);
    }
    let (text, pattern, replacement) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let flags = flags(call, 3)?;
    let regex = compiled(call, pattern, flags)?;
    let cost = Cost::of(pattern);
    call.evaluator.steps(cost.pass(text.len()))?;
    let mut result = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        let before = result.len();
        result.push_str(text.get(end..whole.start()).unwrap_or(""));
        if !expand(replacement, &captures, &mut result) {
            return null(format!("Invalid replacement '{replacement}'"));
        }
        end = whole.end();
        // Counted as it grows: the result can be far larger than all arguments.
        call.evaluator.bytes((result.len() - before) as u64 + 1)?;
        call.evaluator.steps(cost.again(text.len() - end))?;
    }
    result.push_str(text.get(end..).unwrap_or(""));
    call.text_value(result)
}

/// Appends a replacement as Java reads it: `$1` and `${name}` are groups, `\` quotes. False if there
/// is no such group.
fn expand(replacement: &str, captures: &Captures<'_>, out: &mut String) -> bool {
    let mut rest = replacement;
    while let Some(at) = rest.find(['$', '\\']) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        if let Some(quoted) = special.strip_prefix('\\') {
            let Some(character) = quoted.chars().next() else { return false };
            out.push(character);
            rest = quoted.get(character.len_utf8()..).unwrap_or("");
            continue;
        }
        let group = special.get(1..).unwrap_or("");
        let length = if let Some(name) = group.strip_prefix('{') {
            let Some(end) = name.find('}') else { return false };
            out.push_str(
                captures.name(name.get(..end).unwrap_or("")).map_or("", |found| found.as_str()),
            );
            end + 2
        } else {
            let Some((index, length)) = group_number(group, captures.len()) else { return false };
            out.push_str(captures.get(index).map_or("", |found| found.as_str()));
            length
        };
        rest = group.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    true
}

/// The longest number at the start that is a group, and its length; the first digit always counts.
fn group_number(text: &str, groups: usize) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    for (position, digit) in text.chars().enumerate() {
        let Some(digit) = digit.to_digit(10) else { break };
        let index = found.map_or(0, |(index, _)| index) * 10 + digit as usize;
        if index >= groups {
            break;
        }
        found = Some((index, position + 1));
    }
    found
}

fn split(call: &mut Call<'_, '_>) -> Outcome {
    if call.dialect().is_dmn() {
        return standard::split(call);
    }
    let (text, delimiter) = (call.text(0)?, call.text(1)?);
    let regex = compiled(call, delimiter, "")?;
    let cost = Cost::of(delimiter);
    call.evaluator.steps(cost.pass(text.len()))?;
    let mut parts = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        // An empty match at the very start splits nothing off.
        if found.end() == 0 {
            continue;
        }
        parts.push(Value::from(text.get(start..found.start()).unwrap_or("")));
        start = found.end();
        call.evaluator.bytes(64)?;
        call.evaluator.steps(cost.again(text.len() - start))?;
    }
    parts.push(Value::from(text.get(start..).unwrap_or("")));
    call.evaluator.bytes(text.len() as u64)?;
    call.list_value(parts)
}

fn extract(call: &mut Call<'_, '_>) -> Outcome {
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let regex = compiled(call, pattern, "")?;
    let cost = Cost::of(pattern);
    call.evaluator.steps(cost.pass(text.len()))?;
    let mut found = Vec::new();
    for part in regex.find_iter(text) {
        call.evaluator.bytes(part.len() as u64 + 64)?;
        call.evaluator.steps(cost.again(text.len() - part.end()))?;
        found.push(Value::from(part.as_str()));
    }
    call.list_value(found)
}
