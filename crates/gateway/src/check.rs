//! Shape checks that both protocols share (`spec/engine.md` 2.3, 2.5 and 3.1).

use bytes::Bytes;
use skep_protocol::DEFAULT_TENANT;

use crate::error::{ErrorKind, GatewayError};
use crate::limits::{BUSINESS_ID_CHARS_MAX, NAME_BYTES_MAX, TAG_CHARS_MAX, TAGS_MAX};
use crate::transcode;

/// Multi-tenancy is off: only the default tenant exists.
pub(crate) fn tenant(tenant_id: &str) -> Result<(), GatewayError> {
    if tenant_id.is_empty() || tenant_id == DEFAULT_TENANT {
        return Ok(());
    }
    Err(GatewayError::invalid(format!(
        "Expected the tenant '{DEFAULT_TENANT}' or none, because multi-tenancy is off, but found '{tenant_id}'"
    )))
}

/// A name that must be there.
pub(crate) fn name(what: &str, value: &str) -> Result<(), GatewayError> {
    if value.trim().is_empty() {
        return Err(GatewayError::invalid(format!("Expected {what}, but it was blank")));
    }
    text(what, value)
}

/// A text that may be empty.
pub(crate) fn text(what: &str, value: &str) -> Result<(), GatewayError> {
    if value.len() > NAME_BYTES_MAX {
        return Err(GatewayError::invalid(format!(
            "Expected {what} of at most {NAME_BYTES_MAX} bytes, but it has {}",
            value.len()
        )));
    }
    Ok(())
}

/// A number that must be greater than zero.
pub(crate) fn positive(what: &str, value: i64) -> Result<(), GatewayError> {
    if value < 1 {
        return Err(GatewayError::invalid(format!(
            "Expected {what} to be greater than zero, but it was {value}"
        )));
    }
    Ok(())
}

/// JSON text of an object, as a document. The empty text stands for an empty object.
pub(crate) fn document(what: &str, json: &str) -> Result<Bytes, GatewayError> {
    match transcode::document_to_msgpack_or_empty(json) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => {
            Err(GatewayError::invalid(format!("Expected {what} as a JSON object: {error}")))
        }
    }
}

/// Tags of a process instance: few, unique, of the documented form.
pub(crate) fn tags(tags: &[String]) -> Result<(), GatewayError> {
    if tags.len() > TAGS_MAX {
        return Err(GatewayError::invalid(format!(
            "Expected at most {TAGS_MAX} tags, but found {}",
            tags.len()
        )));
    }
    for (index, tag) in tags.iter().enumerate() {
        let mut symbols = tag.chars();
        let starts = symbols.next().is_some_and(|first| first.is_ascii_alphabetic());
        let goes_on =
            symbols.all(|symbol| symbol.is_ascii_alphanumeric() || "_-:.".contains(symbol));
        if !starts || !goes_on || tag.chars().count() > TAG_CHARS_MAX {
            return Err(GatewayError::invalid(format!(
                "Expected a tag of a letter and up to 99 letters, digits or _-:. after it, but found '{tag}'"
            )));
        }
        if tags.iter().take(index).any(|other| other == tag) {
            return Err(GatewayError::invalid(format!(
                "Expected every tag once, but found '{tag}' twice"
            )));
        }
    }
    Ok(())
}

/// A business id, when there is one.
pub(crate) fn business_id(business_id: Option<&str>) -> Result<(), GatewayError> {
    let Some(business_id) = business_id else { return Ok(()) };
    let length = business_id.chars().count();
    if length == 0 || length > BUSINESS_ID_CHARS_MAX {
        return Err(GatewayError::invalid(format!(
            "Expected a business id of 1 to {BUSINESS_ID_CHARS_MAX} characters, but it has {length}"
        )));
    }
    Ok(())
}

/// A part of the contract whose feature comes later: refused, never ignored.
pub(crate) fn unsupported(used: bool, what: &str) -> Result<(), GatewayError> {
    if used { Err(later(what)) } else { Ok(()) }
}

/// The refusal of something whose feature comes later.
pub(crate) fn later(what: &str) -> GatewayError {
    GatewayError::new(
        ErrorKind::Unimplemented,
        format!("{what} is not supported by this version of Skep; see COMPAT.md for what is"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_default_tenant_exists() {
        assert!(tenant("").is_ok());
        assert!(tenant("<default>").is_ok());
        assert_eq!(tenant("red").unwrap_err().kind, ErrorKind::InvalidArgument);
    }

    #[test]
    fn names_and_numbers_are_checked() {
        assert!(name("a job type", "pay").is_ok());
        for blank in ["", " ", "\t\n"] {
            assert!(name("a job type", blank).is_err());
        }
        assert!(text("a worker", &"x".repeat(NAME_BYTES_MAX + 1)).is_err());
        assert!(positive("timeout", 1).is_ok());
        assert!(positive("timeout", 0).is_err());
        assert!(positive("timeout", -1).is_err());
    }

    #[test]
    fn tags_follow_the_documented_pattern() {
        let check =
            |list: &[&str]| tags(&list.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert!(check(&[]).is_ok());
        assert!(check(&["a", "B:c.d_e-9"]).is_ok());
        for wrong in ["", "9a", "_a", "a b", "ä", &"a".repeat(101)] {
            assert!(check(&[wrong]).is_err(), "{wrong}");
        }
        assert!(check(&["a", "a"]).is_err());
        let many: Vec<String> = (0..11).map(|n| format!("t{n}")).collect();
        assert!(tags(&many).is_err());
    }

    #[test]
    fn business_ids_have_a_length() {
        assert!(business_id(None).is_ok());
        assert!(business_id(Some("x")).is_ok());
        assert!(business_id(Some("")).is_err());
        assert!(business_id(Some(&"ä".repeat(256))).is_ok());
        assert!(business_id(Some(&"ä".repeat(257))).is_err());
    }
}
