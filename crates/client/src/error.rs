//! Errors, sorted by what the caller should do.

use std::error::Error as StdError;

use tonic::{Code, Status};

/// What to do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong or not allowed: change it, sending it again is no use.
    Invalid,
    /// What the request names does not exist (any more): check the key or id.
    NotFound,
    /// The state of the thing does not permit this now, or it exists already.
    Conflict,
    /// The cluster has no capacity now and accepted nothing: send it again later.
    Exhausted,
    /// No answer, or no leader: the command may or may not have been accepted. Look before
    /// sending it again, unless doing it twice is harmless.
    Unavailable,
    /// A fault of the server or of this client: report it.
    Internal,
}

impl ErrorKind {
    /// The kind in lower case, as programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Exhausted => "exhausted",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The advice that fits every error of this kind, one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Invalid => "Change the request; sending it again unchanged is no use.",
            Self::NotFound => "Check the key or id; what it names is gone or never existed.",
            Self::Conflict => {
                "Look at the current state first; this operation does not fit it now."
            }
            Self::Exhausted => "Nothing was accepted: try again later, or send less at once.",
            Self::Unavailable => {
                "Check that the cluster is up; the command may or may not have been accepted."
            }
            Self::Internal => "This is a fault of the server: look into its log and report it.",
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that did not succeed: its kind, the server's words, and the gRPC code if there is one.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    advice: Option<&'static str>,
    code: Option<Code>,
    not_accepted: bool,
    #[source]
    source: Option<Box<Status>>,
}

impl Error {
    /// An error that the client found before or after talking to the server.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            advice: None,
            code: None,
            not_accepted: false,
            source: None,
        }
    }

    /// The answer did not come in time.
    pub(crate) fn timed_out(after: std::time::Duration) -> Self {
        Self {
            code: Some(Code::DeadlineExceeded),
            ..Self::new(ErrorKind::Unavailable, format!("no answer within {after:?}"))
        }
    }

    /// What to do about it, by kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The reason in the server's (or the client's) words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next, one sentence for people.
    pub fn advice(&self) -> &'static str {
        self.advice.unwrap_or_else(|| self.kind.advice())
    }

    /// The gRPC status code, when the error came from a call.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// True when the server certainly did not accept the command, so that repeating it is safe.
    pub fn is_not_accepted(&self) -> bool {
        self.not_accepted
    }

    pub(crate) fn from_connect(address: &str, error: &tonic::transport::Error) -> Self {
        Self {
            advice: Some("Start the cluster, or name the right address with its gRPC port."),
            not_accepted: true,
            ..Self::new(
                ErrorKind::Unavailable,
                format!("cannot connect to {address}: {}", innermost(error)),
            )
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let connect = source_is_connect(&status);
        // The transport reports a channel that is not ready as Unknown; nothing was sent then.
        let not_ready =
            status.code() == Code::Unknown && status.message().starts_with("Service was not ready");
        let broke = !connect && !not_ready && connection_broke(&status);
        let kind = if connect || not_ready || broke {
            ErrorKind::Unavailable
        } else {
            kind_of(status.code())
        };
        let message = match (connect, status.message()) {
            (true, _) => format!("cannot connect: {}", innermost(&status)),
            _ if broke => format!("the connection broke during the call: {}", innermost(&status)),
            (false, "") => format!("the server answered {:?} without a reason", status.code()),
            (false, message) => message.to_owned(),
        };
        Self {
            kind,
            message,
            advice: advice_of(status.code(), connect),
            code: Some(status.code()),
            not_accepted: connect || not_ready || status.code() == Code::ResourceExhausted,
            source: Some(Box::new(status)),
        }
    }
}

fn kind_of(code: Code) -> ErrorKind {
    match code {
        Code::InvalidArgument
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::PermissionDenied
        | Code::Unauthenticated => ErrorKind::Invalid,
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => ErrorKind::Conflict,
        Code::ResourceExhausted => ErrorKind::Exhausted,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => ErrorKind::Unavailable,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => ErrorKind::Internal,
    }
}

fn advice_of(code: Code, connect: bool) -> Option<&'static str> {
    if connect {
        return Some("Start the cluster, or name the right address with its gRPC port.");
    }
    match code {
        Code::Unauthenticated => Some("Give a valid bearer token."),
        Code::PermissionDenied => Some("Use an account that may do this, or ask for the right."),
        Code::Unimplemented => Some("This server does not offer the operation; see its version."),
        Code::AlreadyExists => Some("It exists already: nothing to do, or choose another id."),
        _ => None,
    }
}

/// Whether the transport ended the call, not the server: what a server says has no cause on this side.
fn connection_broke(status: &Status) -> bool {
    matches!(status.code(), Code::Unknown | Code::Internal) && status.source().is_some()
}

fn source_is_connect(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The words of the last error in the chain: the ones around it only say "transport error".
fn innermost(error: &dyn StdError) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_contract_has_its_kind() {
        for (code, kind) in [
            (Code::InvalidArgument, ErrorKind::Invalid),
            (Code::PermissionDenied, ErrorKind::Invalid),
            (Code::NotFound, ErrorKind::NotFound),
            (Code::FailedPrecondition, ErrorKind::Conflict),
            (Code::AlreadyExists, ErrorKind::Conflict),
            (Code::ResourceExhausted, ErrorKind::Exhausted),
            (Code::Unavailable, ErrorKind::Unavailable),
            (Code::DeadlineExceeded, ErrorKind::Unavailable),
            (Code::Internal, ErrorKind::Internal),
        ] {
            assert_eq!(Error::from(Status::new(code, "reason")).kind(), kind, "{code:?}");
        }
    }

    #[test]
    fn only_backpressure_is_known_as_not_accepted() {
        assert!(Error::from(Status::resource_exhausted("full")).is_not_accepted());
        assert!(!Error::from(Status::unavailable("connection reset")).is_not_accepted());
        assert!(!Error::from(Status::deadline_exceeded("late")).is_not_accepted());
    }

    #[test]
    fn a_connection_that_breaks_is_no_fault_of_the_server_and_may_have_done_it() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error = Error::from(Status::from_error(Box::new(reset)));
        assert_eq!((error.kind(), error.is_not_accepted()), (ErrorKind::Unavailable, false));
        assert!(error.message().contains("connection reset"), "{}", error.message());
        assert_eq!(Error::from(Status::unknown("odd")).kind(), ErrorKind::Internal);
    }

    #[test]
    fn an_empty_reason_still_says_something() {
        assert!(Error::from(Status::internal("")).message().contains("Internal"));
    }
}
