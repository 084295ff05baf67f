use super::Value;

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap()
}

#[test]
fn size_is_small() {
    assert!(size_of::<Value>() <= 32, "{}", size_of::<Value>());
}

#[test]
fn msgpack_round_trips() {
    let text = r#"{"a":[1,-1,127,128,-33,255,256,65535,65536,-129,-32769,4294967296,-2147483649,1.5],"b":{"c":null,"d":true,"e":"text"},"f":"0123456789012345678901234567890123456789"}"#;
    let value = json(text);
    let bytes = value.to_msgpack();
    let read = Value::from_msgpack(&bytes).unwrap();
    assert_eq!(read.to_json(), text);
    assert_eq!(read.to_msgpack(), bytes);
    assert_eq!(read, value);
    let trusted = Value::from_msgpack_trusted(bytes.clone().into());
    assert_eq!(
        trusted.as_context().unwrap().get("b").unwrap().to_json(),
        r#"{"c":null,"d":true,"e":"text"}"#
    );
    assert_eq!(trusted.to_msgpack(), bytes);
}

#[test]
fn malformed_msgpack_is_refused_and_never_panics() {
    let bytes = json(r#"{"a":[1,2,{"b":"text"}],"c":1.5}"#).to_msgpack();
    for end in 0..bytes.len() {
        assert!(Value::from_msgpack(&bytes[..end]).is_err(), "{end}");
        let _ = Value::from_msgpack_trusted(bytes[..end].to_vec().into()).to_json();
    }
    for at in 0..bytes.len() {
        for byte in [0x00, 0x91, 0xc1, 0xdd, 0xdf, 0xdb, 0xff] {
            let mut broken = bytes.clone();
            broken[at] = byte;
            let _ = Value::from_msgpack(&broken);
            let _ = Value::from_msgpack_trusted(broken.into()).to_json();
        }
    }
    assert!(Value::from_msgpack(&[0x91; 100_000]).is_err());
    let _ = Value::from_msgpack_trusted(vec![0x91; 100_000].into()).to_json();
}

#[test]
fn temporal_values_are_the_texts_that_zeebe_stores() {
    let cases = [
        ("2026-01-02T03:04:05.678@UTC", "2026-01-02T03:04:05.678Z[UTC]"),
        ("2020-01-01T10:00:00", "2020-01-01T10:00"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00Z"),
        ("2020-01-01T10:00:00+01:00", "2020-01-01T10:00+01:00"),
        ("2020-01-01T10:00:00@Europe/Berlin", "2020-01-01T10:00+01:00[Europe/Berlin]"),
        ("2020-01-01T10:00:01.50Z", "2020-01-01T10:00:01.500Z"),
        ("2020-01-01", "2020-01-01"),
        ("10:00:00", "10:00"),
        ("10:00:00Z", "10:00:00Z"),
        ("P1D", "PT24H"),
        ("PT25H", "PT25H"),
        ("PT1.5S", "PT1.5S"),
        ("PT0S", "PT0S"),
        ("-P1DT2H", "PT-26H"),
        ("-PT0.5S", "PT-0.5S"),
        ("PT1H1M", "PT1H1M"),
        ("P14M", "P1Y2M"),
        ("-P1Y", "P-1Y"),
        ("P0M", "P0D"),
    ];
    for (literal, expected) in cases {
        let value = crate::temporal::at_literal(literal, crate::Dialect::Camunda).unwrap();
        let stored = Value::from_msgpack(&value.to_msgpack()).unwrap();
        assert_eq!(stored.as_str(), Some(expected), "{literal}");
        assert_eq!(value.to_json(), format!("\"{expected}\""), "{literal}");
        if !expected.contains('[') && literal != "P0M" {
            let read = crate::temporal::at_literal(expected, crate::Dialect::Camunda).unwrap();
            assert_eq!(read, value, "{literal}");
        }
    }
    let berlin = Value::from("2020-01-01T10:00+01:00[Europe/Berlin]");
    assert_eq!(berlin.to_epoch_ms(&jiff::tz::TimeZone::UTC), Some(1_577_869_200_000));
    assert!(Value::from("PT-26H").to_duration().unwrap().is_negative());
}

#[test]
fn json_text() {
    for text in ["null", "true", "[]", "{}", "[1,\"a\\n\\\"\",{\"b\":[]}]", "-1.5"] {
        assert_eq!(json(text).to_json(), text);
    }
    assert_eq!(json("\"\\u0041\\ud83d\\ude00\"").as_str(), Some("A\u{1f600}"));
    for text in ["", "[", "[1,]", "{\"a\"}", "nul", "1 2", "\"a", "01x", "\"\\x\""] {
        assert!(Value::from_json(text).is_none(), "{text}");
    }
    assert!(Value::from_json(&"[".repeat(100_000)).is_none());
}
