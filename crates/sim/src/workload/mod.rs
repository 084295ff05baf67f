//! What clients do: actions in time, generated or written down.

mod client;
mod files;
mod generate;
mod janitor;
mod perform;
mod worker;

use serde::{Deserialize, Serialize};

pub(crate) use client::Client;
pub use files::File;
pub use generate::{generate, messages};
pub(crate) use janitor::{Janitor, left};
pub(crate) use perform::perform;
pub(crate) use worker::{Manner, work};

/// What a client does. Whatever names something that exists (`pick`) takes one of those that exist
/// then: a number, so that the action means something in every history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Action {
    /// Deploys files together.
    Deploy {
        /// The files.
        files: Vec<File>,
    },
    /// Creates an instance; repeated with the same reference until it is answered.
    Create {
        /// Process id.
        process: String,
        /// Version; -1: the latest.
        version: i32,
        /// JSON.
        variables: String,
        /// Business id; empty: none.
        business_id: String,
        /// Waits for its result.
        awaits_result: bool,
    },
    /// Creates an instance on this partition and expects that it can be created.
    CreateOn {
        /// The partition.
        partition: u32,
        /// Process id.
        process: String,
        /// Version.
        version: i32,
        /// JSON.
        variables: String,
    },
    /// Publishes a message; with an id it is repeated until it is answered.
    Publish {
        /// Name.
        name: String,
        /// Correlation key.
        key: String,
        /// Time to live, in milliseconds.
        ttl_ms: i64,
        /// JSON.
        variables: String,
        /// Has an id of its own.
        with_id: bool,
    },
    /// Publishes a message that somebody waits for.
    PublishAwaited {
        /// Which.
        pick: u64,
    },
    /// Publishes a message and waits until it is correlated.
    Correlate {
        /// Name.
        name: String,
        /// Correlation key.
        key: String,
    },
    /// Sets variables of an element instance.
    SetVariables {
        /// Which.
        pick: u64,
        /// Only there.
        local: bool,
        /// JSON.
        variables: String,
    },
    /// Resolves an incident, perhaps after what it lacks was given.
    Resolve {
        /// Which.
        pick: u64,
        /// Gives it first.
        repair: bool,
    },
    /// Cancels an instance.
    Cancel {
        /// Which.
        pick: u64,
    },
    /// Evaluates a decision.
    Evaluate {
        /// Decision id.
        decision: String,
        /// JSON.
        variables: String,
    },
}

/// An action in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// When, simulated milliseconds since the start of the workload.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// The job types of all models.
pub(crate) const JOB_TYPES: &[&str] = crate::generated::model::JOB_TYPES;
