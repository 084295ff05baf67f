//! The variables that instances start with and that workers return.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

/// How much data an instance carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Payload {
    /// No variables
    None,
    /// About 500 bytes in 14 variables
    Typical,
    /// About 46.9 KB in one deep object
    Big,
}

/// Bytes of the typical payload, the size used by published benchmarks of the field.
#[cfg(test)]
const TYPICAL_BYTES: usize = 538;

/// Bytes of the big payload, the size used by published benchmarks of the field.
const BIG_BYTES: usize = 46_924;

impl Payload {
    /// The JSON object, always the same.
    pub(crate) fn json(self) -> String {
        match self {
            Self::None => "{}".into(),
            Self::Typical => typical().to_string(),
            Self::Big => big().to_string(),
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Typical => "typical",
            Self::Big => "big",
        }
    }
}

/// Fourteen variables: eight strings, three booleans, two numbers and one object of three.
fn typical() -> Value {
    json!({
        "var1": identifier(1), "var2": true, "var3": 42, "var4": identifier(4),
        "var5": identifier(5), "var6": false, "var7": identifier(7), "var8": identifier(8),
        "var9": "a plain text that a customer may have typed", "var10": 1.5, "var11": identifier(11), "var12": true,
        "var13": {"street": "Long Lane 12", "city": "Honeyfield on the Hill", "zip": "04711-1234"},
        "var14": "one more text of about fifty letters, as one writes",
    })
}

/// Something that looks like a UUID and is the same in every run.
fn identifier(seed: u64) -> String {
    let a = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let b = a.rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        (a >> 32) as u32,
        (a >> 16) as u16,
        a as u16,
        (b >> 48) as u16,
        b & 0xFFFF_FFFF_FFFF
    )
}

/// One object, nested four deep, filled until it has the wanted size.
fn big() -> Value {
    let mut groups = Vec::new();
    let mut length = 0;
    while length < BIG_BYTES - 700 {
        let index = groups.len() as u64;
        let items: Vec<Value> = (0..4)
            .map(|item| json!({"id": identifier(index * 4 + item), "amount": item * 17, "open": item % 2 == 0}))
            .collect();
        let group = json!({"name": format!("group {index}"), "owner": {"id": identifier(index), "tags": ["a", "b", "c"]}, "items": items});
        length += group.to_string().len() + 1;
        groups.push(group);
    }
    let mut document = Map::new();
    document.insert("groups".into(), Value::Array(groups));
    let used = json!({"payload": document, "filler": ""}).to_string().len();
    json!({"payload": document, "filler": "x".repeat(BIG_BYTES.saturating_sub(used))})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_published_benchmarks() {
        assert_eq!(Payload::None.json(), "{}");
        let typical = Payload::Typical.json();
        assert_eq!(typical.len(), TYPICAL_BYTES);
        let value: Value = serde_json::from_str(&typical).expect("JSON");
        assert_eq!(value.as_object().expect("an object").len(), 14);
        assert_eq!(Payload::Big.json().len(), BIG_BYTES);
    }

    #[test]
    fn every_run_sends_the_same_bytes() {
        assert_eq!(Payload::Big.json(), Payload::Big.json());
    }
}
