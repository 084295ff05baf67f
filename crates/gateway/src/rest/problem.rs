//! Problem details (RFC 9457): the one form of every REST error.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::json::Json;
use crate::error::GatewayError;

/// An error on its way out. The path is filled in by [`complete`].
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into() }
    }

    /// The request cannot be read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad Request", detail)
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        let mut detail = error.message;
        for cause in &error.causes {
            detail.push_str("; ");
            detail.push_str(&cause.message);
        }
        Self::new(error.kind.status(), error.kind.title(), detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Refuses what the client cannot read, and completes problems.
pub(crate) async fn complete(request: Request, next: Next) -> Response {
    if accepts_json(request.headers().get(header::ACCEPT)) {
        return complete_any(request, next).await;
    }
    let path = request.uri().path().to_owned();
    let problem = Problem::new(
        StatusCode::NOT_ACCEPTABLE,
        "Not Acceptable",
        "Expected an Accept header that allows application/json",
    );
    write(problem.into_response(), &path)
}

/// Writes the body of problems, which needs the path of the request.
pub(crate) async fn complete_any(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    write(next.run(request).await, &path)
}

fn write(mut response: Response, path: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut json = Json::object();
        json.string("type", "about:blank");
        json.string("title", problem.title);
        json.integer("status", i64::from(problem.status.as_u16()));
        json.string("detail", &problem.detail);
        json.string("instance", path);
        *response.body_mut() = json.end().into();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    response
}

fn accepts_json(accept: Option<&HeaderValue>) -> bool {
    let Some(accept) = accept else { return true };
    let Ok(accept) = accept.to_str() else { return false };
    accept.is_empty()
        || accept.split(',').any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim();
            matches!(range, "*/*" | "application/*" | "application/json")
                || range.ends_with("+json")
        })
}

/// No such path.
pub(crate) async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "No endpoint has this path; the REST API is under /v2, see COMPAT.md for what is there",
    )
}

/// No such method on this path.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Method Not Allowed",
        "This path exists, but not with this method",
    )
}
