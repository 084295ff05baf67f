//! `matches`, `replace` and `split` as the standard has them: with the regular expressions of XPath,
//! where what is an error there is null here.

use std::sync::Arc;

use regex::Regex;

use super::backtracking::{Groups, Machine, TooManySteps};
use super::cost::Cost;
use super::xpath::{Flags, read};
use super::{Compiled, automaton};
use crate::Value;
use crate::builtin::{Call, Outcome, null};
use crate::evaluate::Failure;
use crate::limits::REGEX_BYTES_MAX;

/// A compiled pattern of the standard.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    Automaton(Regex),
    Machine(Arc<Machine>),
}

impl Matcher {
    fn of(pattern: &str, flags: Flags) -> Option<Matcher> {
        let pattern = read(pattern, flags)?;
        match pattern.refers_back {
            true => Some(Matcher::Machine(Arc::new(Machine::of(&pattern)?))),
            false => Some(Matcher::Automaton(automaton::compile(&pattern)?)),
        }
    }

    fn groups(&self) -> usize {
        match self {
            Matcher::Automaton(regex) => regex.captures_len() - 1,
            Matcher::Machine(machine) => machine.groups(),
        }
    }

    /// The first match from this place on.
    fn find(
        &self,
        call: &mut Call<'_, '_>,
        text: &str,
        from: usize,
    ) -> Result<Option<Groups>, Failure> {
        match self {
            Matcher::Automaton(regex) => {
                let found = regex.captures_at(text, from);
                let end = found.as_ref().and_then(|found| found.get(0)).map(|whole| whole.end());
                let read = end.unwrap_or(text.len()).saturating_sub(from);
                call.evaluator.steps(1 + read as u64 / 16)?;
                let groups = |found: regex::Captures<'_>| {
                    found
                        .iter()
                        .map(|group| group.map(|group| (group.start(), group.end())))
                        .collect()
                };
                Ok(found.map(groups))
            }
            Matcher::Machine(machine) => {
                let mut steps = 0;
                let found = machine.find(text, from, &mut steps);
                call.evaluator.steps(steps)?;
                match found {
                    Ok(found) => Ok(found),
                    Err(TooManySteps) => null("The pattern takes too many steps to match"),
                }
            }
        }
    }
}

/// The compiled pattern; kept from the first evaluation of this call if the pattern is the same.
fn compiled(call: &mut Call<'_, '_>, pattern: &str, flags: usize) -> Result<Matcher, Failure> {
    let flags_text = match call.argument(flags) {
        Value::Null => "",
        _ => call.text(flags)?,
    };
    let key = format!("{flags_text}/{pattern}");
    if let Some((known, Compiled::Standard(matcher))) = call.regex.get()
        && **known == *key
    {
        return Ok(matcher.clone());
    }
    if key.len() > REGEX_BYTES_MAX {
        return null(format!("The pattern has more than {REGEX_BYTES_MAX} bytes"));
    }
    call.evaluator.steps(Cost::of(&key).compile())?;
    let Some(flags) = Flags::of(flags_text) else {
        return null(format!("Invalid flags '{flags_text}', expected any of 'i', 's', 'm', 'x'"));
    };
    let Some(matcher) = Matcher::of(pattern, flags) else {
        return null(format!("Invalid pattern '{pattern}'"));
    };
    // Fails only if another pattern was first; then this one is compiled again next time.
    let _ = call.regex.set((key.into(), Compiled::Standard(matcher.clone())));
    Ok(matcher)
}

pub(super) fn matches(call: &mut Call<'_, '_>) -> Outcome {
    let (text, pattern) = (call.text(0)?, call.text(1)?);
    let matcher = compiled(call, pattern, 2)?;
    if let Matcher::Automaton(regex) = &matcher {
        call.evaluator.steps(Cost::of(pattern).pass(text.len()))?;
        return Ok(Value::Boolean(regex.is_match(text)));
    }
    Ok(Value::Boolean(matcher.find(call, text, 0)?.is_some()))
}

/// All matches one after the other. A pattern that matches the empty text is an error in XPath.
fn all(
    call: &mut Call<'_, '_>,
    matcher: &Matcher,
    pattern: &str,
    text: &str,
    mut visit: impl FnMut(&mut Call<'_, '_>, &Groups, (usize, usize)) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if matcher.find(call, "", 0)?.is_some() {
        return null(format!("The pattern '{pattern}' matches the empty text"));
    }
    // What backtracks counts for itself.
    let cost = matches!(matcher, Matcher::Automaton(_)).then(|| Cost::of(pattern));
    call.evaluator.steps(cost.map_or(0, |cost| cost.pass(text.len())))?;
    let mut from = 0;
    while let Some(groups) = matcher.find(call, text, from)? {
        let Some(whole) = groups.first().copied().flatten() else { break };
        visit(call, &groups, whole)?;
        // An empty match in the middle (of a line) does not end the search.
        let step =
            text.get(whole.1..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        from = if whole.1 > whole.0 { whole.1 } else { whole.1 + step };
        if from > text.len() {
            break;
        }
        call.evaluator.steps(cost.map_or(1, |cost| cost.again(text.len() - from)))?;
    }
    Ok(())
}

pub(super) fn replace(call: &mut Call<'_, '_>) -> Outcome {
    let (text, pattern, replacement) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let matcher = compiled(call, pattern, 3)?;
    let Some(parts) = replacement_parts(replacement, matcher.groups()) else {
        return null(format!("Invalid replacement '{replacement}'"));
    };
    let (mut result, mut end) = (String::new(), 0);
    all(call, &matcher, pattern, text, |call, groups, (start, stop)| {
        let before = result.len();
        result.push_str(text.get(end..start).unwrap_or(""));
        for part in &parts {
            match part {
                Part::Text(text) => result.push_str(text),
                Part::Group(number) => {
                    let group = groups.get(*number).copied().flatten();
                    let group = group.and_then(|(start, end)| text.get(start..end));
                    result.push_str(group.unwrap_or(""));
                }
            }
        }
        end = stop;
        // Counted as it grows: the result can be far larger than all arguments.
        Ok(call.evaluator.bytes((result.len() - before) as u64 + 1)?)
    })?;
    result.push_str(text.get(end..).unwrap_or(""));
    call.text_value(result)
}

enum Part {
    Text(String),
    Group(usize),
}

/// A replacement as XPath reads it: `$1` is a group, `\$` and `\\` are the characters; none if it is
/// invalid. Of the digits behind `$` as many count as make the number of a group.
fn replacement_parts(replacement: &str, groups: usize) -> Option<Vec<Part>> {
    let (mut parts, mut text) = (Vec::new(), String::new());
    let mut rest = replacement.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => text.push(rest.next().filter(|quoted| matches!(quoted, '\\' | '$'))?),
            '$' => {
                let mut number = rest.next()?.to_digit(10)? as usize;
                while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                    let longer = number.saturating_mul(10).saturating_add(digit as usize);
                    if longer > groups {
                        break;
                    }
                    number = longer;
                    rest.next();
                }
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Group(number));
            }
            other => text.push(other),
        }
    }
    parts.push(Part::Text(text));
    Some(parts)
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Outcome {
    let (text, delimiter) = (call.text(0)?, call.text(1)?);
    let matcher = compiled(call, delimiter, usize::MAX)?;
    let (mut parts, mut start) = (Vec::new(), 0);
    all(call, &matcher, delimiter, text, |call, _, (from, to)| {
        parts.push(Value::from(text.get(start..from).unwrap_or("")));
        start = to;
        Ok(call.evaluator.bytes(64)?)
    })?;
    parts.push(Value::from(text.get(start..).unwrap_or("")));
    call.evaluator.bytes(text.len() as u64)?;
    call.list_value(parts)
}
