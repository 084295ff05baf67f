//! Functions on strings. Positions and lengths are in characters, from 1.

use std::fmt::Write;

use super::{Call, Outcome, Overload, null};
use crate::Value;

pub(super) static FUNCTIONS: &[Overload] = &[
    Overload::new("substring", &["string", "start position"], substring),
    Overload::new("substring", &["string", "start position", "length"], substring),
    Overload::new("string length", &["string"], string_length),
    Overload::new("upper case", &["string"], upper_case),
    Overload::new("lower case", &["string"], lower_case),
    Overload::new("substring before", &["string", "match"], substring_before),
    Overload::new("substring after", &["string", "match"], substring_after),
    Overload::new("contains", &["string", "match"], contains),
    Overload::new("starts with", &["string", "match"], starts_with),
    Overload::new("ends with", &["string", "match"], ends_with),
    Overload::new("trim", &["string"], trim),
    Overload::new("is blank", &["string"], is_blank),
    Overload::impure("uuid", &[], uuid),
    Overload::new("to base64", &["value"], to_base64),
    Overload::new("from base64", &["value"], from_base64),
];

fn substring(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?;
    let start = call.integer(1)?;
    let count = text.chars().count() as i64;
    call.in_domain(start != 0 && start.unsigned_abs() <= count as u64, "The start position")?;
    let skipped = match start {
        0 => return call.text_value(""),
        1.. => start - 1,
        _ => start.saturating_add(count).max(0),
    };
    let length = match call.argument(2) {
        Value::Null if call.arguments.len() < 3 => count,
        _ => call.integer(2)?.max(0),
    };
    if call.arguments.len() > 2 {
        call.in_domain((1..=count - skipped).contains(&length), "The length")?;
    }
    let characters = text.chars().skip(skipped.min(count) as usize);
    let part: String = characters.take(length.min(count) as usize).collect();
    call.text_value(part)
}

fn string_length(call: &mut Call<'_, '_>) -> Outcome {
    Ok(call.scanned_text(0)?.chars().count().into())
}

fn upper_case(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?.to_uppercase();
    call.text_value(text)
}

fn lower_case(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?.to_lowercase();
    call.text_value(text)
}

fn substring_before(call: &mut Call<'_, '_>) -> Outcome {
    let before =
        call.scanned_text(0)?.split_once(call.scanned_text(1)?).map_or("", |(before, _)| before);
    call.text_value(before)
}

fn substring_after(call: &mut Call<'_, '_>) -> Outcome {
    let after =
        call.scanned_text(0)?.split_once(call.scanned_text(1)?).map_or("", |(_, after)| after);
    call.text_value(after)
}

fn contains(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(call.scanned_text(0)?.contains(call.scanned_text(1)?)))
}

fn starts_with(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(call.scanned_text(0)?.starts_with(call.scanned_text(1)?)))
}

fn ends_with(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(call.scanned_text(0)?.ends_with(call.scanned_text(1)?)))
}

fn trim(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?.trim();
    call.text_value(text)
}

fn is_blank(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::Boolean(call.scanned_text(0)?.trim().is_empty()))
}

/// A version 4 UUID from the random seed of the environment.
fn uuid(call: &mut Call<'_, '_>) -> Outcome {
    let bits =
        (u128::from(call.evaluator.random_u64()) << 64) | u128::from(call.evaluator.random_u64());
    const VERSION_MASK: u128 = 0xf << 76;
    const VERSION: u128 = 0x4 << 76;
    const VARIANT_MASK: u128 = 0x3 << 62;
    const VARIANT: u128 = 0x2 << 62;
    let bits = bits & !VERSION_MASK & !VARIANT_MASK | VERSION | VARIANT;
    let digits = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        let dash = if matches!(position, 8 | 12 | 16 | 20) { "-" } else { "" };
        let _ = write!(text, "{dash}{digit}");
    }
    call.text_value(text)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn to_base64(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.scanned_text(0)?;
    let mut encoded = String::with_capacity(text.len().div_ceil(3) * 4);
    for chunk in text.as_bytes().chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for position in 0..4 {
            let index = (bits >> (18 - 6 * position)) & 0x3f;
            let digit = BASE64.get(index as usize).copied().unwrap_or(b'=');
            encoded.push(if position <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    call.text_value(encoded)
}

fn from_base64(call: &mut Call<'_, '_>) -> Outcome {
    match decode_base64(call.scanned_text(0)?) {
        Some(text) => call.text_value(text),
        None => null("The value is not the Base64 of a text"),
    }
}

fn decode_base64(text: &str) -> Option<String> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let (mut bits, mut count) = (0u32, 0);
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for digit in digits.bytes() {
        let value = BASE64.iter().position(|candidate| *candidate == digit)?;
        bits = (bits << 6) | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}
