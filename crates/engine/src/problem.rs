//! What a user has to look at: the reason for an incident.

use skep_protocol::{ErrorType, Key};

/// A failure of one element that stops it until somebody resolves the incident.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) error_type: ErrorType,
    pub(crate) message: String,
    /// Scope whose variables to look at, when it is not the element's own.
    pub(crate) variable_scope_key: Option<Key>,
    /// The step to repeat, when it is not activation or completion.
    pub(crate) retry: Option<Box<crate::step::Step>>,
}

impl Problem {
    pub(crate) fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), variable_scope_key: None, retry: None }
    }

    /// Something that Skep itself got wrong; visible like any other incident.
    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorType::Unknown,
            format!(
                "internal error: {message}. Cancel the instance or report this to the developers of Skep."
            ),
        )
    }

    pub(crate) fn at_scope(mut self, scope_key: Key) -> Self {
        self.variable_scope_key = Some(scope_key);
        self
    }

    pub(crate) fn retry_with(mut self, step: crate::step::Step) -> Self {
        self.retry = Some(Box::new(step));
        self
    }
}

/// Result of an element's step.
pub(crate) type Outcome<T = ()> = Result<T, Problem>;
