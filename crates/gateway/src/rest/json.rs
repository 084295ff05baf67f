//! Writes JSON answers field by field, straight into text.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use skep_protocol::{Key, NO_KEY};

use crate::error::{ErrorKind, GatewayError};
use crate::transcode::{append_json, append_json_string};

/// A JSON object under construction.
pub(crate) struct Json {
    out: String,
    first: bool,
}

impl Json {
    pub(crate) fn object() -> Self {
        let mut out = String::with_capacity(256);
        out.push('{');
        Self { out, first: true }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        // Names are ours and need no escapes.
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        append_json_string(value, &mut self.out);
    }

    /// A text, or null when it is empty.
    pub(crate) fn string_or_null(&mut self, name: &str, value: &str) {
        if value.is_empty() { self.null(name) } else { self.string(name, value) }
    }

    /// A key in decimal, as a string.
    pub(crate) fn key(&mut self, name: &str, key: Key) {
        self.name(name);
        if key == NO_KEY {
            self.out.push_str("\"-1\"");
        } else {
            let _ = write!(self.out, "\"{key}\"");
        }
    }

    pub(crate) fn integer(&mut self, name: &str, value: i64) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    pub(crate) fn null(&mut self, name: &str) {
        self.name(name);
        self.out.push_str("null");
    }

    pub(crate) fn strings(&mut self, name: &str, values: &[String]) {
        self.name(name);
        self.out.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            append_json_string(value, &mut self.out);
        }
        self.out.push(']');
    }

    /// A stored document.
    pub(crate) fn document(&mut self, name: &str, bytes: &[u8]) -> Result<(), GatewayError> {
        self.name(name);
        append_json(bytes, &mut self.out)
            .map_err(|error| GatewayError::new(ErrorKind::Internal, error.to_string()))
    }

    /// JSON text.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    /// A list of objects.
    pub(crate) fn list(&mut self, name: &str, items: impl IntoIterator<Item = String>) {
        self.name(name);
        self.out.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.out.push_str(&item);
        }
        self.out.push(']');
    }

    pub(crate) fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }

    /// The finished object as an answer.
    pub(crate) fn answer(self) -> Response {
        let mut response = self.end().into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
