use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::*;

fn there_and_back(text: &str) -> String {
    msgpack_to_json(&document_to_msgpack(text).unwrap()).unwrap()
}

#[test]
fn documents_come_back_with_order_and_exact_integers() {
    for text in [
        r#"{}"#,
        r#"{"b":1,"a":2,"c":{"z":[],"y":[1,[2,[3]]]}}"#,
        r#"{"max":18446744073709551615,"min":-9223372036854775808,"zero":0,"neg":-1}"#,
        r#"{"edges":[127,128,255,256,65535,65536,4294967295,4294967296,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649]}"#,
        r#"{"f":1.5,"g":0.1,"t":true,"n":null,"x":false}"#,
        r#"{"s":"schlüssel € 𝄞","q":"\"\\\n\t\r\b\f\u0001"}"#,
    ] {
        assert_eq!(there_and_back(text), text);
    }
}

#[test]
fn texts_are_read_in_every_spelling() {
    for (text, expected) in [
        (" \n{ \"a\" :\t1 , \"b\":[ 1 , 2 ] }\r\n", r#"{"a":1,"b":[1,2]}"#),
        (r#"{"a":"\u0041\u00e9\ud834\udd1e\/"}"#, r#"{"a":"Aé𝄞/"}"#),
        (r#"{"a":-0}"#, r#"{"a":0}"#),
        (r#"{"a":1.0,"b":1e2,"c":1E-7}"#, r#"{"a":1.0,"b":100.0,"c":1e-7}"#),
        (r#"{"a":18446744073709551616}"#, r#"{"a":1.8446744073709552e19}"#),
        (r#"{"a":-9223372036854775809}"#, r#"{"a":-9.223372036854776e18}"#),
        (r#"{"":"empty key"}"#, r#"{"":"empty key"}"#),
    ] {
        assert_eq!(there_and_back(text), expected, "{text}");
    }
}

#[test]
fn the_smallest_encoding_is_written() {
    for (text, expected) in [
        (r#"{}"#, vec![0x80]),
        (r#"{"a":1}"#, vec![0x81, 0xa1, b'a', 1]),
        (r#"{"a":[null,true,-1,200]}"#, vec![0x81, 0xa1, b'a', 0x94, 0xc0, 0xc3, 0xff, 0xcc, 200]),
        (r#"{"a":0.5}"#, vec![0x81, 0xa1, b'a', 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(document_to_msgpack(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_is_not_one_json_object_is_refused_with_its_place() {
    for (text, part) in [
        ("", "found nothing"),
        ("   ", "found nothing"),
        ("[]", "found an array (line 1, column 1)"),
        ("1", "found a number"),
        ("\"x\"", "found a string"),
        ("null", "found null"),
        ("true", "found a boolean"),
        ("{\"a\":1}x", "expected the end"),
        ("{\"a\":1,}", "a key in double quotes"),
        ("{\"a\":[1,]}", "expected a value, but found ']'"),
        ("{a:1}", "a key in double quotes, but found 'a'"),
        ("{\"a\" 1}", "expected ':'"),
        ("{\"a\":1", "',' or '}', but found nothing"),
        ("{\n  \"a\": ?}", "line 2, column 8"),
        ("{\"a\":tru}", "expected true, false or null"),
        ("{\"a\":01}", "not a JSON number"),
        ("{\"a\":1.}", "not a JSON number"),
        ("{\"a\":.5}", "expected a value"),
        ("{\"a\":1e}", "not a JSON number"),
        ("{\"a\":-}", "not a JSON number"),
        ("{\"a\":1e999}", "too large"),
        ("{\"a\":NaN}", "expected a value"),
        ("{\"a\":\"\u{1}\"}", "must be escaped"),
        ("{\"a\":\"x\n\"}", "must be escaped"),
        ("{\"a\":\"\\x\"}", "unknown escape"),
        ("{\"a\":\"\\u12\"}", "four hexadecimal"),
        ("{\"a\":\"\\ud834\"}", "surrogate"),
        ("{\"a\":\"\\ud834\\u0041\"}", "surrogate"),
        ("{\"a\":\"\\udd1e\"}", "surrogate"),
        ("{\"a\":\"open", "does not end"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "'a' occurs twice"),
        ("{\"x\":{\"a\":1,\"\\u0061\":3}}", "'a' occurs twice"),
    ] {
        let error = document_to_msgpack(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn the_same_key_may_occur_in_different_objects() {
    let text = r#"{"a":{"a":{"a":1}},"b":{"a":[{"a":1},{"a":2}]}}"#;
    assert_eq!(there_and_back(text), text);
}

#[test]
fn large_objects_find_duplicate_keys_too() {
    let mut entries: Vec<String> = (0..5_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let text = format!("{{{}}}", entries.join(","));
    assert_eq!(there_and_back(&text), text);
    entries.push("\"k77\":0".to_owned());
    let error = document_to_msgpack(&format!("{{{}}}", entries.join(","))).unwrap_err();
    assert!(error.to_string().contains("'k77' occurs twice"));
}

#[test]
fn containers_of_every_size_class_come_back() {
    for count in [0, 1, 15, 16, 17, 65_535, 65_536] {
        let items = vec!["1"; count].join(",");
        let text = format!("{{\"before\":1,\"a\":[{items}],\"after\":2}}");
        assert_eq!(there_and_back(&text), text);
    }
    for length in [0, 31, 32, 255, 256, 65_535, 65_536] {
        let text = format!("{{\"s\":\"{}\"}}", "x".repeat(length));
        assert_eq!(there_and_back(&text), text);
    }
}

#[test]
fn nesting_is_limited_both_ways() {
    use crate::limits::DOCUMENT_DEPTH_MAX;
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(there_and_back(&nested(DOCUMENT_DEPTH_MAX - 1)), nested(DOCUMENT_DEPTH_MAX - 1));
    assert!(document_to_msgpack(&nested(DOCUMENT_DEPTH_MAX)).is_err());
    assert!(document_to_msgpack(&nested(1_000_000)).is_err());
    let deep: Vec<u8> = std::iter::repeat_n(0x91, 100_000).chain([0xc0]).collect();
    assert!(msgpack_to_json(&deep).is_err());
}

#[test]
fn documents_beyond_the_limit_are_refused_with_advice() {
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(crate::limits::REQUEST_BYTES_MAX));
    assert!(document_to_msgpack(&text).unwrap_err().to_string().contains("pass a reference"));
}

#[test]
fn the_empty_text_is_an_empty_document_over_grpc() {
    assert_eq!(document_to_msgpack_or_empty("").unwrap(), EMPTY_DOCUMENT);
    assert!(document_to_msgpack_or_empty(" ").is_err());
    assert_eq!(msgpack_to_json(&[]).unwrap(), "{}");
}

#[test]
fn values_that_json_does_not_know_find_a_form() {
    for (bytes, expected) in [
        (vec![0xc4, 3, 1, 2, 3], "\"AQID\""),
        (vec![0xc4, 2, 1, 2], "\"AQI=\""),
        (vec![0xc4, 1, 1], "\"AQ==\""),
        (vec![0x81, 1, 2], "{\"1\":2}"),
        (vec![0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "null"),
        (vec![0xca, 0x3f, 0x80, 0, 0], "1.0"),
    ] {
        assert_eq!(msgpack_to_json(&bytes).unwrap(), expected);
    }
}

#[test]
fn damaged_documents_are_errors_and_never_panics() {
    let whole = document_to_msgpack(r#"{"a":[1,2.5,"text",{"b":null}],"c":-700}"#).unwrap();
    for length in 1..whole.len() {
        assert!(msgpack_to_json(&whole[..length]).is_err(), "{length}");
    }
    let mut rng = SmallRng::seed_from_u64(7);
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        let at = rng.random_range(0..bytes.len());
        bytes[at] = rng.random();
        let _ = msgpack_to_json(&bytes);
    }
}

fn random_value(rng: &mut SmallRng, depth: usize) -> Value {
    match rng.random_range(0..if depth > 5 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(rng.random()),
        2 => Value::from(rng.random::<i64>() >> rng.random_range(0..64)),
        3 => Value::from(rng.random::<u64>() >> rng.random_range(0..64)),
        4 => Value::from(rng.random::<f64>() * 10f64.powi(rng.random_range(-20..20))),
        5 => Value::from(random_text(rng)),
        6 => (0..rng.random_range(0..7)).map(|_| random_value(rng, depth + 1)).collect(),
        _ => Value::Object(random_object(rng, depth + 1)),
    }
}

fn random_text(rng: &mut SmallRng) -> String {
    let alphabet: Vec<char> = "ab\"\\/\n\t\u{0}\u{1f} é€𝄞{}[]:,".chars().collect();
    (0..rng.random_range(0..40)).map(|_| alphabet[rng.random_range(0..alphabet.len())]).collect()
}

fn random_object(rng: &mut SmallRng, depth: usize) -> serde_json::Map<String, Value> {
    (0..rng.random_range(0..7)).map(|_| (random_text(rng), random_value(rng, depth))).collect()
}

/// Equal up to the last bits of floats, which `serde_json` does not read exactly (we do).
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| left.0 == right.0 && same(left.1, right.1))
        }
        (Value::Number(left_number), Value::Number(right_number)) if left != right => {
            let (left, right) = (left_number.as_f64().unwrap(), right_number.as_f64().unwrap());
            (left - right).abs() <= 1e-14 * right.abs()
        }
        _ => left == right,
    }
}

#[test]
fn random_documents_agree_with_serde_json() {
    for seed in 0..200 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let value = Value::Object(random_object(&mut rng, 0));
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let back: Value = serde_json::from_str(&there_and_back(&text)).unwrap();
            assert!(same(&back, &value), "seed {seed}");
        }
    }
}

#[test]
fn mutated_documents_are_judged_like_serde_json_judges_them() {
    for seed in 0..200 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let text = Value::Object(random_object(&mut rng, 3)).to_string();
        for _ in 0..20 {
            let mut bytes = text.clone().into_bytes();
            let at = rng.random_range(0..bytes.len());
            bytes[at] = b"{}[]\",:\\0x-.e \n"[rng.random_range(0..15)];
            let Ok(mutated) = String::from_utf8(bytes) else { continue };
            let ours = document_to_msgpack(&mutated);
            let theirs = serde_json::from_str::<serde_json::Map<String, Value>>(&mutated);
            match (&ours, &theirs) {
                (Ok(bytes), Ok(map)) => {
                    let back: Value =
                        serde_json::from_str(&msgpack_to_json(bytes).unwrap()).unwrap();
                    assert!(same(&back, &Value::from(map.clone())), "seed {seed}");
                }
                (Err(error), Ok(_)) => {
                    assert!(error.0.contains("twice"), "seed {seed}: {error}: {mutated}")
                }
                (Ok(_), Err(error)) => {
                    panic!("seed {seed}: accepted what is not JSON ({error}): {mutated}")
                }
                (Err(_), Err(_)) => {}
            }
        }
    }
}
