//! Why a call of the generator did not succeed, short enough to count.

use http::{HeaderMap, StatusCode};

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What it is counted as, e.g. `RESOURCE_EXHAUSTED` or `503`.
    pub(crate) code: String,
    /// The server's words.
    pub(crate) message: String,
    /// Whether the server asks for less load.
    pub(crate) is_backpressure: bool,
}

/// Names of the gRPC status codes by number.
const CODE_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Refusal {
    /// Looks for a gRPC status other than OK in headers or trailers.
    pub(crate) fn check(headers: &HeaderMap) -> Result<(), Self> {
        let Some(status) = headers.get("grpc-status") else { return Ok(()) };
        if status == "0" {
            return Ok(());
        }
        let number = status.to_str().ok().and_then(|text| text.parse::<usize>().ok());
        let code = number.and_then(|number| CODE_NAMES.get(number)).copied().unwrap_or("UNKNOWN");
        let message = headers.get("grpc-message").map(|text| unescaped(text.as_bytes()));
        Err(Self {
            code: code.into(),
            message: message.unwrap_or_default(),
            is_backpressure: code == "RESOURCE_EXHAUSTED",
        })
    }

    /// An HTTP status that is no success.
    pub(crate) fn http(status: StatusCode) -> Self {
        Self {
            code: status.as_u16().to_string(),
            message: status.canonical_reason().unwrap_or_default().into(),
            is_backpressure: matches!(
                status,
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
            ),
        }
    }

    /// A connection that failed.
    pub(crate) fn connection(error: &dyn std::fmt::Display) -> Self {
        Self { code: "CONNECTION".into(), message: error.to_string(), is_backpressure: false }
    }
}

impl From<h2::Error> for Refusal {
    fn from(error: h2::Error) -> Self {
        Self::connection(&error)
    }
}

/// A gRPC message header as text: it percent-encodes what is not plain ASCII.
fn unescaped(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, escape.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(status: &str, message: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", status.parse().expect("a value"));
        headers.insert("grpc-message", message.parse().expect("a value"));
        headers
    }

    #[test]
    fn only_status_zero_or_none_is_success() {
        assert_eq!(Refusal::check(&HeaderMap::new()), Ok(()));
        assert_eq!(Refusal::check(&headers("0", "")), Ok(()));
        let refusal = Refusal::check(&headers("8", "too%20much %e2%82%ac")).expect_err("refused");
        assert_eq!(refusal.code, "RESOURCE_EXHAUSTED");
        assert_eq!(refusal.message, "too much €");
        assert!(refusal.is_backpressure);
        assert_eq!(Refusal::check(&headers("99", "100%")).expect_err("refused").message, "100%");
    }
}
