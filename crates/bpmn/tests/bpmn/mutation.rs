//! Mangled files never panic: they are accepted or refused with a reason.

use skep_bpmn::{decode, parse};

/// A small generator of numbers with a fixed seed, so that each run tries the same files.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("fits")
    }
}

fn try_file(bytes: &[u8]) {
    let outcome = decode(bytes).and_then(parse);
    if let Err(violations) = outcome {
        assert!(!violations.violations.is_empty());
        assert!(violations.to_string().starts_with("ERROR: "));
    }
}

#[test]
fn mangled_bytes() {
    let mut numbers = Numbers(0x5EED);
    for model in models() {
        for _ in 0..150 {
            let mut bytes = model.clone();
            for _ in 0..=numbers.below(4) {
                mangle(&mut numbers, &mut bytes);
            }
            try_file(&bytes);
        }
    }
}

/// Cuts, repeats, moves and overwrites parts.
fn mangle(numbers: &mut Numbers, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = numbers.below(bytes.len());
    let length = numbers.below(60).min(bytes.len() - at);
    match numbers.below(5) {
        0 => drop(bytes.drain(at..at + length)),
        1 => {
            let part = bytes[at..at + length].to_vec();
            let to = numbers.below(bytes.len());
            bytes.splice(to..to, part);
        }
        2 => bytes[at] = b"<>\"'=&/ \0\xFF0Rx"[numbers.below(13)],
        3 => bytes.truncate(at),
        _ => {
            let part = bytes[at..at + length].to_vec();
            for _ in 0..numbers.below(40) {
                bytes.splice(at..at, part.clone());
            }
        }
    }
}

#[test]
fn exchanged_names_and_values() {
    let mut numbers = Numbers(0xBEE);
    for model in models() {
        let text = String::from_utf8(model).expect("UTF-8");
        let words = words(&text);
        for _ in 0..250 {
            let (from, to) = (words[numbers.below(words.len())], words[numbers.below(words.len())]);
            try_file(text.replacen(from, to, 1 + numbers.below(3)).as_bytes());
        }
    }
}

#[test]
fn removed_elements() {
    for model in models() {
        let text = String::from_utf8(model).expect("UTF-8");
        let lines: Vec<_> = text.lines().collect();
        for left_out in 0..lines.len() {
            let rest: Vec<_> = lines
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != left_out)
                .map(|(_, line)| *line)
                .collect();
            try_file(rest.join("\n").as_bytes());
        }
    }
}

fn models() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../models/order.bpmn").to_vec(),
        include_bytes!("../models/prefixes.bpmn").to_vec(),
        include_bytes!("../models/plain.bpmn").to_vec(),
    ]
}

/// Names and values: what is between characters that are neither letters nor digits.
fn words(text: &str) -> Vec<&str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| word.len() > 1)
        .collect()
}
