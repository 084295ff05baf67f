//! Why a command did not do what it was asked, what to do next, and the exit code for it.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use skep_client::ErrorKind;

use crate::output::Format;

/// The outcome of a command that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call or its input is wrong; nothing was sent. Exit code 2.
    Usage(String),
    /// The cluster, or the way to it, said no. Exit codes 1 and 3 to 7 by kind.
    Cluster(Box<skep_client::Error>),
    /// The cluster answered, but the answer says that the input was no good. Exit code 3.
    Answer(String),
    /// The cluster cannot be reached, or not any more. Exit code 7.
    Unreachable(String),
    /// What was compared is different. Exit code 8.
    Different(String),
    /// A local fault that is not the user's. Exit code 1.
    Local(String),
    /// The server cannot start here. Exit code 1.
    Start(String),
    /// Everything was said already; only the exit code is left.
    Said(u8),
    /// Something with advice of its own, and one of the documented exit codes.
    Guided {
        /// The exit code.
        code: u8,
        /// What is wrong.
        message: String,
        /// What to do next.
        advice: String,
    },
}

impl Failure {
    /// A file that cannot be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: impl Display) -> Self {
        Self::Usage(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// A failure with advice of its own.
    pub(crate) fn guided(code: u8, message: String, advice: &str) -> Self {
        Self::Guided { code, message, advice: advice.to_owned() }
    }

    /// Whether its message has these words: for what other programs say.
    pub(crate) fn is_about(&self, words: &str) -> bool {
        self.message().contains(words)
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Answer(_) => ErrorKind::Invalid.as_str(),
            Self::Different(_) => "different",
            Self::Unreachable(_) => ErrorKind::Unavailable.as_str(),
            Self::Cluster(error) => error.kind().as_str(),
            Self::Local(_) => ErrorKind::Internal.as_str(),
            Self::Start(_) => ErrorKind::Unavailable.as_str(),
            Self::Said(_) => "said",
            Self::Guided { code, .. } => match code {
                2 => "usage",
                4 => ErrorKind::NotFound.as_str(),
                5 => ErrorKind::Conflict.as_str(),
                7 => ErrorKind::Unavailable.as_str(),
                8 => "different",
                _ => ErrorKind::Internal.as_str(),
            },
        }
    }

    /// What is wrong, in one line.
    pub(crate) fn text(&self) -> String {
        self.message().trim().replace('\n', " ")
    }

    fn message(&self) -> &str {
        match self {
            Self::Usage(message)
            | Self::Answer(message)
            | Self::Different(message)
            | Self::Unreachable(message)
            | Self::Local(message)
            | Self::Start(message)
            | Self::Guided { message, .. } => message,
            Self::Cluster(error) => error.message(),
            Self::Said(_) => "",
        }
    }

    fn advice(&self) -> &str {
        match self {
            Self::Usage(_) => "Nothing was sent. See --help of the command for what it takes.",
            Self::Answer(_) => "Check the variables against what the model expects.",
            Self::Different(_) => "Each difference is listed with its place in the tables.",
            Self::Unreachable(_) => "Check that the cluster is up and that the address is right.",
            Self::Cluster(error) => error.advice(),
            Self::Guided { advice, .. } => advice,
            Self::Said(_) => "",
            Self::Start(_) => "No server was started, and no data was changed.",
            Self::Local(_) => "This is a fault of this program or machine, not of the cluster.",
        }
    }

    /// The documented exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Local(_) | Self::Start(_) => 1,
            Self::Usage(_) => 2,
            Self::Answer(_) => 3,
            Self::Unreachable(_) => 7,
            Self::Different(_) => 8,
            Self::Guided { code, .. } | Self::Said(code) => *code,
            Self::Cluster(error) => match error.kind() {
                ErrorKind::Invalid => 3,
                ErrorKind::NotFound => 4,
                ErrorKind::Conflict => 5,
                ErrorKind::Exhausted => 6,
                ErrorKind::Unavailable => 7,
                _ => 1,
            },
        }
    }

    /// Prints the failure on stderr and answers the exit code.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        match format {
            _ if matches!(self, Self::Said(_)) => {}
            Format::Table => eprintln!("error: {}\n{}", self.message().trim_end(), self.advice()),
            Format::Json => {
                let (kind, message, advice) = (self.kind(), self.message(), self.advice());
                let error = json!({"kind": kind, "message": message, "advice": advice});
                eprintln!("{}", json!({"error": error}));
            }
        }
        ExitCode::from(self.exit_code())
    }
}

impl From<skep_client::Error> for Failure {
    fn from(error: skep_client::Error) -> Self {
        Self::Cluster(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_failures_have_the_documented_codes() {
        assert_eq!(Failure::Local(String::new()).exit_code(), 1);
        assert_eq!(Failure::Usage(String::new()).exit_code(), 2);
    }

    #[tokio::test]
    async fn a_cluster_that_is_down_is_code_7_and_says_so() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        drop(listener);
        let options = skep_client::Options::default();
        let error = skep_client::Client::connect(&address, options).await.expect_err("closed");
        let failure = Failure::from(error);
        assert_eq!((failure.exit_code(), failure.kind()), (7, "unavailable"));
        assert!(failure.message().contains(&address));
        assert!(failure.advice().contains("Start the cluster"));
    }
}
