//! What a plain scalar of YAML 1.1 means, as the Chaos Toolkit's reader takes it: `yes` is true, `010` is
//! eight, `1e3` is a text.

use serde_json::{Number, Value};

/// The value of a scalar without quotes and tag.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let number = integer(text).or_else(|| float(text));
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// The value of a scalar with a tag of YAML itself, such as `!!int`; nothing when they do not fit.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Value> {
    match tag {
        "str" => Some(Value::String(text.to_owned())),
        "null" => Some(Value::Null),
        "bool" => Some(plain(text)).filter(Value::is_boolean),
        "int" => integer(text).map(Value::Number),
        "float" => {
            float(text).or_else(|| text.parse().ok().and_then(Number::from_f64)).map(Value::Number)
        }
        _ => None,
    }
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn integer(text: &str) -> Option<Number> {
    let (negative, rest) = unsigned(text);
    let first = rest.chars().next().filter(char::is_ascii_digit)?;
    if rest.contains(':') {
        return sexagesimal(negative, rest);
    }
    let digits = rest.replace('_', "");
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        i128::from_str_radix(binary, 2).ok()?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        i128::from_str_radix(hexadecimal, 16).ok()?
    } else if first == '0' && digits.len() > 1 {
        i128::from_str_radix(&digits, 8).ok()?
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()?
    } else {
        return None;
    };
    Number::from_i128(if negative { -magnitude } else { magnitude })
}

/// `1:30` is ninety: minutes and seconds.
fn sexagesimal(negative: bool, rest: &str) -> Option<Number> {
    if rest.starts_with('0') {
        return None;
    }
    let mut value: i128 = 0;
    for (index, part) in rest.split(':').enumerate() {
        let digits = if index == 0 { part.replace('_', "") } else { part.to_owned() };
        let digit: i128 = digits.parse().ok().filter(|_| !digits.starts_with(['-', '+']))?;
        if index > 0 && (part.len() > 2 || digit > 59) {
            return None;
        }
        value = value.checked_mul(60)?.checked_add(digit)?;
    }
    Number::from_i128(if negative { -value } else { value })
}

/// A float has a point, and its exponent a sign.
fn float(text: &str) -> Option<Number> {
    let (negative, rest) = unsigned(text);
    let (whole, fraction) = rest.split_once('.')?;
    if !whole.chars().all(|c| c.is_ascii_digit() || c == '_') || whole.starts_with('_') {
        return None;
    }
    let (decimals, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    if !decimals.chars().all(|c| c.is_ascii_digit() || c == '_') {
        return None;
    }
    if whole.is_empty() && !decimals.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    if !exponent_fits {
        return None;
    }
    let value: f64 = rest.replace('_', "").parse().ok()?;
    Number::from_f64(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_mean_what_the_original_takes_them_for() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("0", json!(0)),
            ("12", json!(12)),
            ("-1_000", json!(-1000)),
            ("010", json!(8)),
            ("08", json!("08")),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("1:30", json!(90)),
            ("1:75", json!("1:75")),
            ("1.5", json!(1.5)),
            ("-.5", json!(-0.5)),
            ("1.", json!(1.0)),
            ("1e3", json!("1e3")),
            ("1.0e3", json!("1.0e3")),
            ("1.0e+3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            ("2022-08-02", json!("2022-08-02")),
            ("-", json!("-")),
            (".", json!(".")),
            ("=", json!("=")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }

    #[test]
    fn a_tag_decides() {
        assert_eq!(tagged("str", "12"), Some(json!("12")));
        assert_eq!(tagged("float", "1"), Some(json!(1.0)));
        assert_eq!(tagged("int", "x"), None);
        assert_eq!(tagged("python/object", "x"), None);
    }
}
