//! Reading requests strictly: known fields only, keys as decimal text, problems instead of guesses.

use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::error::GatewayError;
use crate::limits::REQUEST_BYTES_MAX;
use crate::transcode::{self, EMPTY_DOCUMENT};

/// A JSON body that must be there.
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body that may be missing; then every field has its default.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = is_json(&request);
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Err(Problem::bad_request("Required request body is missing"));
        }
        if !is_json {
            return Err(unsupported_media_type());
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = is_json(&request);
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(unsupported_media_type());
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.ends_with("+json")
}

fn unsupported_media_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Unsupported Media Type",
        "Expected Content-Type application/json",
    )
}

pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Payload Too Large",
        format!(
            "Expected a request of at most {REQUEST_BYTES_MAX} bytes; store large documents elsewhere and pass a reference"
        ),
    )
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large()
        } else {
            Problem::bad_request("The request body could not be read")
        }
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("Request body cannot be parsed: {error}")))
}

/// What comes after the question mark; unknown names are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|error| {
            Problem::bad_request(format!("The query of the path cannot be read: {error}"))
        })
    }
}

/// A key in a path.
pub(crate) struct PathKey(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for PathKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::bad_request("Expected one key in the path"))?;
        parse_key(&text).map(Self).ok_or_else(|| {
            Problem::bad_request(format!(
                "Expected a key in decimal digits in the path, but found '{text}'"
            ))
        })
    }
}

/// Longest key, in characters (`spec/engine.md` 3.1).
const KEY_CHARS_MAX: usize = 25;

fn parse_key(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty()
        || text.len() > KEY_CHARS_MAX
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    // A key that does not fit is well-formed and names nothing.
    Some(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// A key in a body: decimal text, or the number that clients before 8.8 send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyText(pub(crate) i64);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = KeyText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key in decimal digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeyText, E> {
                parse_key(text)
                    .map(KeyText)
                    .ok_or_else(|| E::custom(format!("'{text}' is not a key")))
            }

            fn visit_i64<E: serde::de::Error>(self, key: i64) -> Result<KeyText, E> {
                Ok(KeyText(key))
            }

            fn visit_u64<E: serde::de::Error>(self, key: u64) -> Result<KeyText, E> {
                i64::try_from(key).map(KeyText).map_err(|_| E::custom("the key is too large"))
            }
        }

        deserializer.deserialize_any(KeyVisitor)
    }
}

/// An operation reference: at least 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OperationReference(pub(crate) u64);

impl<'de> Deserialize<'de> for OperationReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<i64>::deserialize(deserializer)? {
            None => Ok(Self(0)),
            Some(number) => match u64::try_from(number) {
                Ok(number) if number > 0 => Ok(Self(number)),
                _ => Err(D::Error::custom(format!(
                    "operationReference must be at least 1, but it is {number}"
                ))),
            },
        }
    }
}

/// A body that has nothing but an operation reference.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct OnlyReference {
    #[serde(default)]
    pub(crate) operation_reference: OperationReference,
}

/// Variables as they were written; none stands for an empty object.
pub(crate) fn document(what: &str, json: Option<&RawValue>) -> Result<Bytes, GatewayError> {
    match json {
        None => Ok(Bytes::from_static(EMPTY_DOCUMENT)),
        Some(json) => {
            transcode::document_to_msgpack(json.get()).map(Bytes::from).map_err(|error| {
                GatewayError::invalid(format!("Expected {what} as a JSON object: {error}"))
            })
        }
    }
}
