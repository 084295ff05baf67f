//! Variables as users give them: JSON on the command line, `@file`, or `-` for stdin.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::limits::INPUT_BYTES_MAX;

/// Reads variables and checks that they are one JSON object, so that a typo is found before
/// anything is sent. `None` means no variables.
pub(crate) fn read(argument: Option<&str>) -> Result<String, Failure> {
    match argument {
        None => Ok(String::new()),
        Some("-") => checked(&text_of(std::io::stdin(), Path::new("standard input"))?, "-"),
        Some(argument) => match argument.strip_prefix('@') {
            Some(path) => checked(&read_text(Path::new(path))?, argument),
            None => checked(argument, argument),
        },
    }
}

/// Reads a whole file, up to the limit.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::file("open", path, error))?;
    bytes_of(file, path)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::file("open", path, error))?;
    text_of(file, path)
}

fn text_of(source: impl Read, name: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes_of(source, name)?)
        .map_err(|_| Failure::file("read", name, "it is not UTF-8 text"))
}

fn bytes_of(source: impl Read, name: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("read", name, error))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        let limit = format!("it is larger than {} MB", INPUT_BYTES_MAX / (1024 * 1024));
        return Err(Failure::file("read", name, limit));
    }
    Ok(bytes)
}

fn checked(text: &str, argument: &str) -> Result<String, Failure> {
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => Ok(text.to_owned()),
        Ok(_) => Err(Failure::Usage(format!(
            "variables must be a JSON object like {{\"name\": \"value\"}}, not {argument}"
        ))),
        Err(error) => Err(Failure::Usage(format!("variables {argument:?} are no JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_pass_and_anything_else_is_refused() {
        assert_eq!(read(None).expect("none"), "");
        assert_eq!(read(Some(r#" {"a": 1} "#)).expect("an object"), r#"{"a": 1}"#);
        for wrong in ["[1]", "3", "null", "{a: 1}", ""] {
            assert!(matches!(read(Some(wrong)), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn files_are_read_and_missing_ones_named() {
        let path = std::env::temp_dir().join(format!("skep-vars-{}.json", std::process::id()));
        std::fs::write(&path, "{\"b\": [1]}\n").expect("writable");
        let read_back = read(Some(&format!("@{}", path.display())));
        std::fs::remove_file(&path).expect("removable");
        assert_eq!(read_back.expect("an object"), "{\"b\": [1]}");
        let Err(Failure::Usage(message)) = read(Some("@/no/such/file")) else { panic!("refused") };
        assert!(message.contains("/no/such/file"));
    }
}
