//! Mistakes made on purpose: each breaks a promise, and a checker has to find it. What the checkers
//! do not find in a broken build, they would not find in a broken release either.

use std::cell::Cell;

use crate::run::{Report, run};
use crate::scenario::Scenario;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// Its name, by which the place that makes it asks.
    pub name: &'static str,
    /// What it breaks, for people.
    pub about: &'static str,
    /// Seeds within which it has to be found.
    pub seeds: u64,
}

/// The mistakes.
pub const ALL: &[Mutation] = &[
    Mutation {
        name: FORGOTTEN_FSYNC,
        about: "disks say that they synced and did not: a power loss takes what was acknowledged",
        seeds: 30,
    },
    Mutation {
        name: "distribution is applied again",
        about: "a partition does not know the distributions that it had: camunda#9877",
        seeds: 60,
    },
    Mutation {
        name: "sends are not repeated",
        about: "what another partition did not acknowledge is sent once",
        seeds: 120,
    },
    Mutation {
        name: "correlation is applied again",
        about: "an instance does not know the messages that it took",
        seeds: 300,
    },
    Mutation {
        name: "timer is lost with its leader",
        about: "replay forgets when timers are due",
        seeds: 60,
    },
    Mutation {
        name: "completed job is handed out again",
        about: "a completed job stays where workers find it",
        seeds: 10,
    },
    Mutation {
        name: "creation is made again",
        about: "the engine does not know the references of creations",
        seeds: 100,
    },
    Mutation {
        name: "message is published again",
        about: "the engine does not know the ids of messages",
        seeds: 200,
    },
    Mutation {
        name: "keys are not counted in replay",
        about: "a new leader gives out keys that its predecessor gave out",
        seeds: 30,
    },
    Mutation {
        name: "answers come before their commit",
        about: "clients hear of what the log may still lose",
        seeds: 60,
    },
    Mutation {
        name: "lost leadership is not followed by a rebuild",
        about: "a deposed leader keeps what it had processed ahead",
        seeds: 100,
    },
    Mutation {
        name: "entries of a deposed leader are not truncated",
        about: "a follower keeps entries that the new leader does not have",
        seeds: 100,
    },
    Mutation {
        name: "refused votes are counted",
        about: "two nodes may lead in one term",
        seeds: 60,
    },
    Mutation {
        name: "votes are forgotten",
        about: "a node that restarts may vote twice in a term",
        seeds: 200,
    },
    Mutation {
        name: "sends do not carry the checkpoint",
        about: "a partition is cut behind what another one sent it behind its own cut",
        seeds: 100,
    },
    Mutation {
        name: "files of backups are not synced",
        about: "a backup is complete before it is durable",
        seeds: 200,
    },
];

/// Those that only backups show.
const OF_BACKUPS: [&str; 2] =
    ["sends do not carry the checkpoint", "files of backups are not synced"];

/// The mistake that the simulated disk makes.
pub(crate) const FORGOTTEN_FSYNC: &str = "fsync is forgotten";

thread_local! {
    static SYNCS_FORGOTTEN: Cell<bool> = const { Cell::new(false) };
}

/// Whether disks forget to sync.
pub(crate) fn forgets_syncs() -> bool {
    SYNCS_FORGOTTEN.get()
}

/// Makes a mistake on this thread for as long as it lives.
struct Made;

impl Made {
    fn new(mutation: Mutation) -> Self {
        SYNCS_FORGOTTEN.set(mutation.name == FORGOTTEN_FSYNC);
        #[cfg(feature = "mutation")]
        skep_engine::mutation::make(Some(mutation.name));
        Self
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        SYNCS_FORGOTTEN.set(false);
        #[cfg(feature = "mutation")]
        skep_engine::mutation::make(None);
    }
}

/// How a mistake was found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// Which one of those that were tried, from 1.
    pub tried: u64,
    /// What the checkers said.
    pub report: Report,
}

/// Runs seeds with a mistake until a checker finds it; `None` when none does within
/// [`Mutation::seeds`].
#[must_use]
pub fn hunt(mutation: Mutation, first_seed: u64) -> Option<Found> {
    (0..mutation.seeds).find_map(|number| {
        let seed = first_seed + number;
        // What messages and deployments show is found soonest where nothing else goes wrong.
        let scenario = if number % 3 == 2 { Scenario::noisy(seed) } else { Scenario::random(seed) };
        let scenario =
            if OF_BACKUPS.contains(&mutation.name) { scenario.with_backups() } else { scenario };
        let report = {
            let _made = Made::new(mutation);
            run(&scenario)
        };
        (!report.violations.is_empty()).then_some(Found { seed, tried: number + 1, report })
    })
}
