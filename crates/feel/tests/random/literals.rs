//! Literals of every kind, the extremes among them.

use std::fmt::Write;

use super::choices::Choices;

const NUMBERS: [&str; 24] = [
    "1",
    "0",
    "2",
    "-1",
    "3",
    "10",
    "0.5",
    "-0.1",
    "100",
    "1000000",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "9007199254740993",
    "9999999999999999999999999999999999",
    "-9999999999999999999999999999999999",
    "0.9999999999999999999999999999999999",
    "12345678901234567890123456789012345678901234567890",
    "0.0000000000000000000000000000000000000000000000001",
    "(10 ** 6144)",
    "(-9.999 * 10 ** 6144)",
    "(10 ** -6176)",
    "(2 ** -99999999)",
];

const TEXTS: [&str; 24] = [
    "a",
    "",
    "abc",
    " padded ",
    "é",
    "😀x",
    "\\u0000",
    "\\uD83D\\uDE00",
    "\\uD83D",
    "line\\nbreak\\t\\\"quoted\\\"\\\\",
    "a,b;c",
    "1.000,5",
    "-12.50",
    "1e400",
    "[1, {\\\"a\\\": null}]",
    "{\\\"a\\\": [1e999, true]}",
    "(a+)+$",
    "(a|aa|aaa)*[^z]{1,99}",
    "[a-z&&[^b]]\\\\d+\\\\1",
    "^(?<name>.)$",
    "i",
    "xs",
    "$1$0\\\\$",
    "ß\u{130}\u{fb03}",
];

const DATES: [&str; 14] = [
    "2024-02-29",
    "2023-02-29",
    "1970-01-01",
    "2000-12-31",
    "0000-01-01",
    "0001-01-01",
    "-0001-12-31",
    "-9999-01-01",
    "9999-12-31",
    "10000-01-01",
    "-999999999-01-01",
    "999999999-12-31",
    "1000000000-01-01",
    "2024-13-45",
];

const TIMES: [&str; 10] = [
    "00:00:00",
    "23:59:59",
    "24:00:00",
    "23:59:59.999999999",
    "12:00:60",
    "07:30:00.5",
    "01:02:03.12345678901234567890",
    "02:30:00",
    "12:00",
    "25:61:61",
];

const ZONES: [&str; 12] = [
    "",
    "Z",
    "+01:00",
    "-00:00",
    "+14:00",
    "-18:00",
    "+18:01",
    "+05:30:15",
    "@Europe/Berlin",
    "@America/New_York",
    "@Etc/UTC",
    "@Nowhere/None",
];

const DAYS: [&str; 14] = [
    "P1D",
    "PT1H",
    "PT0S",
    "-PT1S",
    "P1DT2H3M4.5S",
    "PT0.000000001S",
    "P106751991167300D",
    "-P999999999D",
    "PT9223372036854775807S",
    "PT9223372036854775808S",
    "P0D",
    "PT36H",
    "PT",
    "P1DT99999999999999999999S",
];

const MONTHS: [&str; 11] = [
    "P1M",
    "P1Y",
    "P1Y2M",
    "-P1Y",
    "P0M",
    "P999999999Y",
    "-P11999999988M",
    "P9223372036854775807M",
    "P9223372036854775807Y11M",
    "P13M",
    "P1Y-1M",
];

pub fn number(choices: &mut Choices<'_>) -> String {
    match choices.below(8) {
        0..=4 => choices.pick(&NUMBERS).to_owned(),
        5 => choices.byte().to_string(),
        6 => format!("{}.{:03}", choices.byte(), choices.byte()),
        _ => (choices.u64() as i64).to_string(),
    }
}

/// A text, quoted.
pub fn text(choices: &mut Choices<'_>) -> String {
    let inner = match choices.below(8) {
        0..=4 => choices.pick(&TEXTS).to_owned(),
        5 => date_text(choices),
        6 => duration_text(choices),
        _ => escaped(&String::from_utf8_lossy(choices.fork(12).take(12))),
    };
    format!("\"{inner}\"")
}

/// The text as it stands between quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => write!(out, "\\u{:04x}", control as u32).unwrap(),
            other => out.push(other),
        }
    }
    out
}

fn date_text(choices: &mut Choices<'_>) -> String {
    if choices.below(3) < 2 {
        return choices.pick(&DATES).to_owned();
    }
    let year = i32::from(choices.byte()) * 16 + i32::from(choices.byte());
    format!("{year:04}-{:02}-{:02}", choices.below(14), choices.below(33))
}

fn time_text(choices: &mut Choices<'_>) -> String {
    if choices.below(3) < 2 {
        return choices.pick(&TIMES).to_owned();
    }
    format!("{:02}:{:02}:{:02}", choices.below(25), choices.below(61), choices.below(61))
}

fn duration_text(choices: &mut Choices<'_>) -> String {
    if choices.below(2) == 0 {
        choices.pick(&DAYS).to_owned()
    } else {
        choices.pick(&MONTHS).to_owned()
    }
}

fn literal(choices: &mut Choices<'_>, function: &str, text: &str) -> String {
    if choices.once_in(4) { format!("@\"{text}\"") } else { format!("{function}(\"{text}\")") }
}

pub fn date(choices: &mut Choices<'_>) -> String {
    let text = date_text(choices);
    literal(choices, "date", &text)
}

pub fn time(choices: &mut Choices<'_>) -> String {
    let text = time_text(choices) + choices.pick(&ZONES);
    literal(choices, "time", &text)
}

pub fn date_time(choices: &mut Choices<'_>) -> String {
    let text = format!("{}T{}{}", date_text(choices), time_text(choices), choices.pick(&ZONES));
    literal(choices, "date and time", &text)
}

pub fn days(choices: &mut Choices<'_>) -> String {
    let text = choices.pick(&DAYS);
    literal(choices, "duration", text)
}

pub fn months(choices: &mut Choices<'_>) -> String {
    let text = choices.pick(&MONTHS);
    literal(choices, "duration", text)
}
