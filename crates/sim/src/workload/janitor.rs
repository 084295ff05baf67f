//! After the faults: does what instances wait for, so that every one of them can end.

use std::collections::BTreeSet;
use std::time::Duration;

use skep_protocol::{ErrorType, Key, NO_KEY};

use super::Action;
use super::client::Client;
use super::files::{File, processes};
use super::generate::variables;
use super::perform::{cancel, perform, publish, resolve};
use super::worker::finish;
use crate::generated::chance::Chance;
use crate::scenario::Models;
use skep_check::History;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(200);
/// Rounds after which incidents are not resolved any more: their instances are cancelled.
const PATIENCE_ROUNDS: u32 = 20;
/// Rounds after which jobs are completed that workers were handed before.
const WORKER_ROUNDS: u32 = 4;
/// Rounds after which everything is cancelled that is left.
const CANCEL_ROUNDS: u32 = 110;

/// See the module.
pub(crate) struct Janitor {
    pub(crate) client: Client,
    pub(crate) models: Models,
    pub(crate) chance: Chance,
}

/// What a partition waits for.
#[derive(Default)]
struct Wanted {
    incidents: Vec<(Key, Key, i32)>,
    subscriptions: Vec<(Key, String, String, String, bool)>,
    roots: Vec<Key>,
    jobs: Vec<Key>,
}

fn wanted(history: &History) -> Wanted {
    let incidents = history.incidents.iter();
    let subscriptions = history.subscriptions.iter().filter(|(_, waits)| !waits.closing);
    let elements = history.elements.iter().filter(|(_, element)| {
        element.record.flow_scope_key == NO_KEY
            && element.record.parent_element_instance_key == NO_KEY
    });
    Wanted {
        incidents: incidents
            .map(|(key, incident)| (*key, incident.element_instance_key, incident.error_type))
            .collect(),
        subscriptions: subscriptions
            .map(|((element, _), waits)| {
                let names = (waits.name.clone(), waits.correlation_key.clone());
                (*element, names.0, names.1, waits.bpmn_process_id.clone(), waits.interrupting)
            })
            .collect(),
        roots: elements.map(|(key, _)| *key).collect(),
        jobs: history.jobs.keys().copied().collect(),
    }
}

impl Janitor {
    /// Works until nothing is left to do: what waits, in the order of partitions.
    pub(crate) async fn run(mut self) {
        // Deployed by nobody else, but called.
        let late = processes(self.models).into_iter().find(|id| id == "late");
        if let Some(id) = late {
            let files = vec![File::Process { id, version: 0 }];
            self.perform(&Action::Deploy { files }).await;
        }
        for round in 0.. {
            let wanted: Vec<Wanted> = {
                let recorded = self.client.recorder.0.lock();
                recorded.logs.values().map(|log| wanted(&log.reader.history)).collect()
            };
            let mut once = Once::of(&wanted);
            for partition in &wanted {
                self.round(partition, round, &mut once).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn perform(&mut self, action: &Action) {
        let client = self.client.clone();
        perform(&client, self.models, &mut self.chance, action).await;
    }

    async fn round(&mut self, wanted: &Wanted, round: u32, once: &mut Once) {
        let client = self.client.clone();
        for (key, element, error) in &wanted.incidents {
            let unhandled = *error == ErrorType::UnhandledErrorEvent as i32;
            if unhandled || round > PATIENCE_ROUNDS {
                cancel(&client, &mut self.chance, *element).await;
                continue;
            }
            if *error == ErrorType::CalledElementError as i32 && round.is_multiple_of(5) {
                for id in ["callee", "child"] {
                    let files = vec![File::Process { id: id.to_owned(), version: 0 }];
                    self.perform(&Action::Deploy { files }).await;
                }
            }
            if *error == ErrorType::CalledDecisionError as i32 && round.is_multiple_of(5) {
                let files = vec![File::Decisions { seed: self.chance.below(4) as u64 }];
                self.perform(&Action::Deploy { files }).await;
            }
            resolve(&client, &mut self.chance, *key, true).await;
        }
        for (element, name, key, process, _) in &wanted.subscriptions {
            if round > PATIENCE_ROUNDS && starves(wanted, *element, name, key, process) {
                cancel(&client, &mut self.chance, *element).await;
            } else if once.is_due(name, key) {
                publish(&client, &mut self.chance, name, key).await;
            }
        }
        if round > WORKER_ROUNDS {
            // Whoever was handed them does not come back before they time out.
            for job in &wanted.jobs {
                let complete = variables(&mut self.chance, true);
                finish(&client, &mut self.chance, *job, &complete).await;
            }
        }
        if round > CANCEL_ROUNDS {
            for root in &wanted.roots {
                cancel(&client, &mut self.chance, *root).await;
            }
        }
    }
}

/// Names and keys that get one message in a round, however many wait for them: a subscription that
/// does not interrupt takes every one, and each begins a path that may wait for more. One message for
/// each of those that wait would make a round longer than the one before it, without end.
struct Once {
    repeat: BTreeSet<(String, String)>,
    done: BTreeSet<(String, String)>,
}

impl Once {
    fn of(wanted: &[Wanted]) -> Self {
        let all = wanted.iter().flat_map(|partition| &partition.subscriptions);
        let repeat = all.filter(|(.., interrupting)| !interrupting);
        let names = repeat.map(|(_, name, key, ..)| (name.clone(), key.clone()));
        Self { repeat: names.collect(), done: BTreeSet::new() }
    }

    /// Whether another message of this name and key is wanted in this round; asking takes it.
    fn is_due(&mut self, name: &str, key: &str) -> bool {
        let names = (name.to_owned(), key.to_owned());
        !self.repeat.contains(&names) || self.done.insert(names)
    }
}

/// A message goes to one subscription of a process, the oldest. When that one does not interrupt, it
/// takes every message of its name and key, and a later one in the same process starves.
fn starves(wanted: &Wanted, element: Key, name: &str, key: &str, process: &str) -> bool {
    wanted.subscriptions.iter().any(
        |(other, other_name, other_key, other_process, interrupting)| {
            !interrupting
                && *other != element
                && (other_name.as_str(), other_key.as_str(), other_process.as_str())
                    == (name, key, process)
        },
    )
}

/// What is not done yet, for people; empty when everything is.
pub(crate) fn left(history: &History, partition: u32) -> Vec<String> {
    let mut left = Vec::new();
    for element in history.elements.values().take(3) {
        let waits = history.jobs.values().any(|job| {
            history
                .elements
                .get(&job.element)
                .is_some_and(|other| other.record.element_id == element.record.element_id)
        });
        left.push(format!(
            "{} of partition {partition} is {:?}{}",
            element.record.element_id,
            element.life,
            if waits { " and has a job" } else { "" }
        ));
    }
    if !history.batches.is_empty() {
        left.push(format!("partition {partition} has work of slices left"));
    }
    left
}
