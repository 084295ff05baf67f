//! What goes wrong, as clients of either protocol are told: one table for gRPC and HTTP.

use http::StatusCode;
use skep_protocol::{Rejection, RejectionType};
use tonic::Code;

use crate::transcode::TranscodeError;

/// What kind of failure it is; decides gRPC code, HTTP status and title
/// (`spec/engine.md` 2.3 and 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request itself is wrong. Sending it again cannot help.
    InvalidArgument,
    /// What it is about does not exist.
    NotFound,
    /// It exists already, and only once.
    AlreadyExists,
    /// It exists in a state that does not allow the request.
    InvalidState,
    /// The caller may not do that.
    Forbidden,
    /// Too much at once, nothing was done: retry after a pause.
    ResourceExhausted,
    /// Nobody could take the request, or the answer was lost: retry.
    Unavailable,
    /// No answer in time; it may or may not have been done.
    DeadlineExceeded,
    /// Known, but this version cannot do it.
    Unimplemented,
    /// The engine failed; the state is unchanged.
    ProcessingError,
    /// Skep failed.
    Internal,
}

impl ErrorKind {
    /// The gRPC code.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::InvalidState => Code::FailedPrecondition,
            Self::Forbidden => Code::PermissionDenied,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::Unavailable => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Unimplemented => Code::Unimplemented,
            Self::ProcessingError | Self::Internal => Code::Internal,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists | Self::InvalidState => StatusCode::CONFLICT,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::ResourceExhausted | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::ProcessingError | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The title of the problem detail.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::InvalidState => "INVALID_STATE",
            Self::Forbidden => "FORBIDDEN",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::ProcessingError => "PROCESSING_ERROR",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GatewayError {
    /// Kind.
    pub kind: ErrorKind,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// When several partitions were tried: what each of them said.
    pub causes: Vec<GatewayError>,
}

impl GatewayError {
    /// An error without causes.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new() }
    }

    /// The request itself is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// The engine answered with something that the command cannot have as an answer.
    #[must_use]
    pub fn unexpected_answer(command: &str) -> Self {
        Self::new(
            ErrorKind::Internal,
            format!("the engine answered {command} with another record; please report this"),
        )
    }

    /// A command that the engine refused.
    #[must_use]
    pub fn rejected(intent: &str, rejection: &Rejection) -> Self {
        let kind = match rejection.kind {
            RejectionType::InvalidArgument | RejectionType::ExceededBatchRecordSize => {
                ErrorKind::InvalidArgument
            }
            RejectionType::NotFound => ErrorKind::NotFound,
            RejectionType::AlreadyExists => ErrorKind::AlreadyExists,
            RejectionType::InvalidState => ErrorKind::InvalidState,
            RejectionType::ProcessingError => ErrorKind::ProcessingError,
            RejectionType::Unauthorized | RejectionType::Forbidden => ErrorKind::Forbidden,
        };
        Self::new(
            kind,
            format!(
                "Command '{intent}' rejected with code '{}': {}",
                rejection.kind.name(),
                rejection.reason
            ),
        )
    }
}

impl From<TranscodeError> for GatewayError {
    fn from(error: TranscodeError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// `google.rpc.Status`, what gRPC puts into the details of an error.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<RpcAny>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcAny {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

impl From<GatewayError> for tonic::Status {
    fn from(error: GatewayError) -> Self {
        use prost::Message;
        let code = error.kind.code();
        if error.causes.is_empty() {
            return Self::new(code, error.message);
        }
        let rpc = |error: &GatewayError| RpcStatus {
            code: error.kind.code() as i32,
            message: error.message.clone(),
            details: Vec::new(),
        };
        let mut status = rpc(&error);
        status.details = error
            .causes
            .iter()
            .map(|cause| RpcAny {
                type_url: "type.googleapis.com/google.rpc.Status".to_owned(),
                value: rpc(cause).encode_to_vec(),
            })
            .collect();
        Self::with_details(code, error.message, status.encode_to_vec().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_map_to_the_documented_codes() {
        for (kind, code, status, title) in [
            (RejectionType::InvalidArgument, Code::InvalidArgument, 400, "INVALID_ARGUMENT"),
            (RejectionType::NotFound, Code::NotFound, 404, "NOT_FOUND"),
            (RejectionType::AlreadyExists, Code::AlreadyExists, 409, "ALREADY_EXISTS"),
            (RejectionType::InvalidState, Code::FailedPrecondition, 409, "INVALID_STATE"),
            (RejectionType::ProcessingError, Code::Internal, 500, "PROCESSING_ERROR"),
            (
                RejectionType::ExceededBatchRecordSize,
                Code::InvalidArgument,
                400,
                "INVALID_ARGUMENT",
            ),
            (RejectionType::Unauthorized, Code::PermissionDenied, 403, "FORBIDDEN"),
            (RejectionType::Forbidden, Code::PermissionDenied, 403, "FORBIDDEN"),
        ] {
            let error = GatewayError::rejected("COMPLETE", &Rejection::new(kind, "because"));
            assert_eq!(error.kind.code(), code);
            assert_eq!(error.kind.status().as_u16(), status);
            assert_eq!(error.kind.title(), title);
            assert_eq!(
                error.message,
                format!("Command 'COMPLETE' rejected with code '{}': because", kind.name())
            );
        }
    }

    #[test]
    fn other_failures_map_to_the_documented_codes() {
        for (kind, code, status) in [
            (ErrorKind::ResourceExhausted, Code::ResourceExhausted, 503),
            (ErrorKind::Unavailable, Code::Unavailable, 503),
            (ErrorKind::DeadlineExceeded, Code::DeadlineExceeded, 504),
            (ErrorKind::Unimplemented, Code::Unimplemented, 501),
            (ErrorKind::Internal, Code::Internal, 500),
        ] {
            assert_eq!((kind.code(), kind.status().as_u16()), (code, status));
        }
    }

    #[test]
    fn causes_of_a_refusal_everywhere_are_in_the_details() {
        use prost::Message;
        let mut error = GatewayError::new(ErrorKind::ResourceExhausted, "all refused");
        error.causes.push(GatewayError::new(ErrorKind::ResourceExhausted, "partition 1: full"));
        error.causes.push(GatewayError::new(ErrorKind::Unavailable, "partition 2: no leader"));
        let status = tonic::Status::from(error);
        let details = RpcStatus::decode(status.details()).unwrap();
        let causes: Vec<_> = details
            .details
            .iter()
            .map(|any| RpcStatus::decode(any.value.as_slice()).unwrap().message)
            .collect();
        assert_eq!(causes, ["partition 1: full", "partition 2: no leader"]);
    }
}
