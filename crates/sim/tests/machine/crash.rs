//! One broker that crashes at a step: a disk operation, a commit, a turn of its tasks. Whatever step
//! it is, what a client was told holds after the restart.

use std::collections::BTreeSet;
use std::time::Duration;

use skep_gateway::SubmitError;
use skep_protocol::Key;
use skep_sim::{ClusterConfig, Crash, NodeId, Options, SimCluster, World, simulate};

use crate::support::{Client, TIMEOUT};

const NODE: NodeId = NodeId(0);

/// What a client knows.
#[derive(Default)]
struct Known {
    deployed: bool,
    created: u32,
    /// Creations without an answer.
    unclear: u32,
    jobs: BTreeSet<Key>,
    completed: BTreeSet<Key>,
    /// Jobs whose completion was asked for, answered or not.
    asked: BTreeSet<Key>,
}

impl Known {
    /// Deploys, creates four instances, and completes the first job, until something fails.
    async fn work(&mut self, client: &Client) -> Option<()> {
        if !self.deployed {
            client.deploy().await.ok()?;
            self.deployed = true;
        }
        while self.created < 4 {
            match client.create(1).await {
                Ok(_) => self.created += 1,
                Err(error) => {
                    self.unclear += u32::from(!error.not_accepted);
                    return None;
                }
            }
        }
        self.jobs.extend(client.activate(1).await.ok()?);
        if let Some(job) = self.jobs.first().copied() {
            self.complete(client, job).await.ok()?;
        }
        Some(())
    }

    /// Completes a job. It may be gone only when a completion before this was not answered.
    async fn complete(&mut self, client: &Client, job: Key) -> Result<(), SubmitError> {
        let is_in_doubt = !self.asked.insert(job);
        let found = client.complete(job).await.inspect_err(|error| {
            if error.not_accepted && !is_in_doubt {
                self.asked.remove(&job);
            }
        })?;
        assert!(found || is_in_doubt, "job {job} is gone");
        self.jobs.remove(&job);
        assert!(self.completed.insert(job), "job {job} twice");
        Ok(())
    }

    /// Holds in good order after all faults: every job is completed once.
    async fn check(&mut self, cluster: &SimCluster, client: &Client) {
        cluster.heal_all().await.expect("it starts");
        self.work(client).await.expect("nothing fails any more");
        let started = cluster.world().elapsed();
        let total = |known: &Self| known.jobs.len() + known.completed.len();
        // Jobs whose activation was not answered come back when it times out.
        while total(self) < self.created as usize {
            let waited = cluster.world().elapsed() - started;
            assert!(waited < Duration::from_secs(120), "{} of {}", total(self), self.created);
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.jobs.extend(client.activate(1).await.expect("jobs"));
        }
        assert!(total(self) <= (self.created + self.unclear) as usize, "an instance too many");
        for job in self.jobs.clone() {
            let completed = self.complete(client, job).await;
            completed.expect("an activated job can be completed");
        }
    }
}

async fn crashes_at(world: World, step: u64, how: Crash) -> u64 {
    let config = ClusterConfig {
        brokers: 1,
        gateways: 0,
        partitions: 1,
        replication_factor: 1,
        segment_bytes: 16 * 1024,
        checkpoint_log_bytes: 2 * 1024,
        ..ClusterConfig::default()
    };
    let cluster = SimCluster::new(&world, config);
    let client = Client(cluster.backend(NODE));
    let mut known = Known::default();
    let started = cluster.begin_start(NODE);
    cluster.crash_after_steps(NODE, step, how);
    if matches!(started.await, Ok(Ok(()))) {
        let _ = tokio::time::timeout(TIMEOUT, known.work(&client)).await;
    }
    let steps = cluster.steps(NODE);
    // A crash that comes later than all that comes now.
    cluster.crash(NODE, how);
    known.check(&cluster, &client).await;
    steps
}

#[test]
fn what_was_told_holds_whatever_step_the_broker_crashes_at() {
    let run = |seed: u64, step: u64, how: Crash| {
        let simulated =
            simulate(seed, Options::default(), async |world| crashes_at(world, step, how).await);
        let value = simulated.value.unwrap_or_else(|panic| panic!("step {step}, {how:?}: {panic}"));
        assert_eq!(simulated.panics, Vec::<String>::new(), "step {step}, {how:?}");
        value
    };
    let steps = run(0, u64::MAX, Crash::Kill);
    assert!(steps > 50, "{steps}");
    for step in 1..=steps {
        let how = if step.is_multiple_of(3) { Crash::Kill } else { Crash::PowerLoss };
        run(step, step, how);
    }
}
