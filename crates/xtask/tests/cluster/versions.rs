//! The checker of deployments: every acknowledged version is startable on every partition, each version was given once, in order, and
//! none is missing in between.

use crate::ledger::Answer;
use crate::models;
use crate::work::{self, CALL_MAX, answer_of, partition_of};
use skep_client::proto::CreateProcessInstanceRequest;
use skep_client::{Client, ErrorKind};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long versions may take to reach every partition when no fault is left.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// Pause after a call that was refused.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known of the versions of one process.
#[derive(Default)]
struct Known {
    /// Versions that were acknowledged, in the order of their answers.
    acknowledged: Vec<i32>,
    /// Deployments that may or may not have happened.
    in_doubt: u64,
    violations: Vec<String>,
}

/// The versions of the process that is deployed over and over.
#[derive(Default)]
pub(crate) struct Versions {
    known: Mutex<Known>,
}

impl Versions {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deploys the next version. One caller at a time: the order of answers is the order of versions.
    pub(crate) async fn deploy_next(&self, client: &Client, number: u64) {
        let model = models::rolled_out(models::ROLLED_OUT, number);
        match work::deploy(client, &[("rolled-out.bpmn", &model)]).await {
            Ok(version) => self.acknowledged(version),
            Err(error) => {
                if answer_of(&error) == Answer::InDoubt {
                    self.known().in_doubt += 1;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn acknowledged(&self, version: i32) {
        let mut known = self.known();
        let last = known.acknowledged.last().copied().unwrap_or(0);
        let in_doubt = i32::try_from(known.in_doubt).unwrap_or(i32::MAX);
        let so_far = i32::try_from(known.acknowledged.len()).unwrap_or(i32::MAX);
        if version <= last {
            known.violations.push(format!("version {version}: was given after version {last}"));
        } else if version > so_far.saturating_add(in_doubt).saturating_add(1) {
            known.violations.push(format!(
                "version {version}: is more than the {so_far} acknowledged and {in_doubt} unanswered deployments make"
            ));
        }
        known.acknowledged.push(version);
    }

    /// Acknowledged and unanswered deployments.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let known = self.known();
        (known.acknowledged.len(), known.in_doubt)
    }

    /// When no fault is left: starts every version on every partition, and answers everything that is wrong.
    pub(crate) async fn settle(&self, clients: &[Client], partitions: u64) -> Vec<String> {
        let newest = self.known().acknowledged.last().copied().unwrap_or(0);
        let mut violations = std::mem::take(&mut self.known().violations);
        let deadline = Instant::now() + SETTLE_MAX;
        for version in (1..=newest).rev() {
            let missing =
                start_everywhere(clients, models::ROLLED_OUT, version, partitions, deadline).await;
            if !missing.is_empty() {
                violations.push(format!(
                    "version {version} of {newest}: cannot be started on partitions {missing:?}"
                ));
            }
        }
        violations
    }
}

/// Starts instances of a version until there was one on every partition; answers the partitions where that could not be done in time.
pub(crate) async fn start_everywhere(
    clients: &[Client],
    process: &str,
    version: i32,
    partitions: u64,
    deadline: Instant,
) -> BTreeSet<u64> {
    let mut missing: BTreeSet<u64> = (1..=partitions).collect();
    let mut turn = 0;
    while !missing.is_empty() {
        // The gateways take partitions in turn; with both of them in turn no partition is left out for long.
        let client = &clients[turn % clients.len()];
        turn += 1;
        let request = CreateProcessInstanceRequest::latest(process).with_version(version);
        match tokio::time::timeout(CALL_MAX, client.create_process_instance(request)).await {
            Ok(Ok(instance)) => {
                missing.remove(&partition_of(instance.process_instance_key));
            }
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
        if Instant::now() > deadline {
            break;
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::Versions;

    fn violations(versions: &[i32], in_doubt: u64) -> Vec<String> {
        let checker = Versions::default();
        checker.known().in_doubt = in_doubt;
        versions.iter().for_each(|version| checker.acknowledged(*version));
        checker.known.into_inner().expect("nobody panicked").violations
    }

    #[test]
    fn versions_in_a_row_are_fine_and_so_are_those_of_unanswered_deployments() {
        assert_eq!(violations(&[1, 2, 3], 0), [""; 0]);
        assert_eq!(violations(&[1, 3], 1), [""; 0]);
    }

    #[test]
    fn sees_versions_twice_backwards_and_out_of_nothing() {
        assert!(violations(&[1, 1], 0)[0].contains("after version 1"));
        assert!(violations(&[1, 2, 1], 0)[0].contains("after version 2"));
        assert!(violations(&[1, 3], 0)[0].contains("is more than"));
    }
}
