//! What a handler decides about its job.

use std::fmt::Display;
use std::time::Duration;

use crate::limits::FAIL_MESSAGE_BYTES_MAX;
use crate::proto::{ActivatedJob, CompleteJobRequest, FailJobRequest, ThrowErrorRequest};
use crate::requests::millis;
use crate::{Client, Error};

/// What a handler decides about its job. Variables are JSON objects as text, empty for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// The work is done.
    Complete {
        /// Result variables.
        variables: String,
    },
    /// The attempt failed.
    Fail {
        /// Why, for people.
        message: String,
        /// Retries left from now on; `None` takes one off those the job has.
        retries: Option<i32>,
        /// How long the job stays away from workers.
        backoff: Duration,
        /// Variables set at the job's element.
        variables: String,
    },
    /// A business error that the process may catch.
    Error {
        /// Matched against the error codes of the catching events.
        code: String,
        /// Why, for people.
        message: String,
        /// Variables for the catching event.
        variables: String,
    },
    /// Nothing is sent: the job is offered again when its deadline has passed.
    Leave,
}

impl JobOutcome {
    /// Done, without variables.
    pub fn complete() -> Self {
        Self::Complete { variables: String::new() }
    }

    /// Done, with variables.
    pub fn complete_with(variables: impl Display) -> Self {
        Self::Complete { variables: variables.to_string() }
    }

    /// Failed: one retry less, tried again at once.
    pub fn fail(message: impl Into<String>) -> Self {
        Self::Fail {
            message: message.into(),
            retries: None,
            backoff: Duration::ZERO,
            variables: String::new(),
        }
    }

    /// A business error.
    pub fn error(code: impl Into<String>) -> Self {
        Self::Error { code: code.into(), message: String::new(), variables: String::new() }
    }

    /// Sends the decision to the server.
    pub(crate) async fn send(&self, client: &Client, job: &ActivatedJob) -> Result<(), Error> {
        let job_lease_token = job.job_lease_token.clone();
        match self.clone() {
            Self::Complete { variables } => {
                let request = CompleteJobRequest::new(job.key).with_variables(variables);
                client.complete_job(CompleteJobRequest { job_lease_token, ..request }).await
            }
            Self::Fail { message, retries, backoff, variables } => {
                let request = FailJobRequest {
                    job_key: job.key,
                    retries: retries.unwrap_or(job.retries - 1).max(0),
                    error_message: truncated(message),
                    retry_back_off: millis(backoff),
                    variables,
                    job_lease_token,
                };
                client.fail_job(request).await
            }
            Self::Error { code, message, variables } => {
                let request = ThrowErrorRequest {
                    job_key: job.key,
                    error_code: code,
                    error_message: truncated(message),
                    variables,
                    job_lease_token,
                };
                client.throw_error(request).await
            }
            Self::Leave => Ok(()),
        }
    }
}

/// The message cut at a character boundary when it is longer than the limit.
fn truncated(mut message: String) -> String {
    if message.len() > FAIL_MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(FAIL_MESSAGE_BYTES_MAX));
        message.push_str(" ... (cut)");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = truncated("ä".repeat(FAIL_MESSAGE_BYTES_MAX));
        assert!(cut.ends_with("ä ... (cut)"));
        assert!(cut.len() <= FAIL_MESSAGE_BYTES_MAX + 16);
        assert_eq!(truncated("short".into()), "short");
    }
}
