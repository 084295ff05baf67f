//! The load: through every gateway, all the time, written down as it is answered.

use crate::availability::{Availability, RunClock};
use crate::cluster::Cluster;
use crate::ledger::{Answer, Ledger};
use crate::models::{self, JOB_TYPE, MESSAGE};
use crate::versions::Versions;
use crate::work::{self, answer_of, partition_of};
use futures::StreamExt;
use skep_client::proto::{
    ActivateJobsRequest, CancelProcessInstanceRequest, CompleteJobRequest,
    CreateProcessInstanceRequest, PublishMessageRequest, StreamActivatedJobsRequest,
};
use skep_client::{Client, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How long a worker owns a job. One that was on its way when a node died is offered again after this.
pub(crate) const JOB_TIMEOUT: Duration = Duration::from_millis(3_000);

/// Jobs that one poll takes.
const JOBS_MAX: i32 = 32;

/// Polls at each gateway at once.
const POLLS: usize = 2;

/// Creations under way at most: in a long fault the load waits instead of growing.
const IN_FLIGHT_MAX: usize = 1_000;

/// Instances without a completed job, above which no more are created: the run has to end some time.
const OPEN_MAX: usize = 5_000;

/// Pause after a call that failed: a node may be dead, and nobody gains from asking at full speed.
const PAUSE: Duration = Duration::from_millis(10);

/// Pause between two deployments.
const DEPLOY_PAUSE: Duration = Duration::from_millis(500);

/// One creation in so many waits for a message.
const MESSAGES_EVERY: u64 = 5;

/// How long an instance may not be looked at for lack of a leader.
const LEFTOVER_MAX: Duration = Duration::from_secs(60);

/// Cancellations at once, when leftovers are looked for.
const LEFTOVERS_AT_ONCE: usize = 32;

/// Calls by how they ended.
#[derive(Default)]
pub(crate) struct Counters {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    in_doubt: AtomicU64,
}

/// How many creations ended how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) in_doubt: u64,
}

/// The clients of a run.
pub(crate) struct Load {
    /// One for each gateway.
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) availability: Arc<Availability>,
    pub(crate) clock: RunClock,
    counters: Arc<Counters>,
    creating: Tasks,
    working: Tasks,
}

/// Tasks that go on until they are stopped.
struct Tasks {
    stop: Arc<AtomicBool>,
    handles: Vec<JoinHandle<()>>,
}

impl Tasks {
    fn new() -> Self {
        Self { stop: Arc::new(AtomicBool::new(false)), handles: Vec::new() }
    }

    /// Repeats a step.
    fn repeat<F>(&mut self, mut step: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.handles.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                step().await;
            }
        }));
    }

    /// Lets each task finish its step.
    async fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for handle in self.handles.drain(..) {
            handle.await.expect("no task of the load panics");
        }
    }
}

/// What a creation needs.
#[derive(Clone)]
struct Creator {
    ledger: Arc<Ledger>,
    availability: Arc<Availability>,
    counters: Arc<Counters>,
    clock: RunClock,
    under_way: Arc<Semaphore>,
}

impl Load {
    /// Deploys the models and starts the load.
    pub(crate) async fn start(cluster: &Cluster, rate_per_s: u64) -> Self {
        let clients: Vec<Client> =
            cluster.gateways().iter().map(|address| work::client(address)).collect();
        for (name, model) in [("task.bpmn", models::task()), ("wait.bpmn", models::wait())] {
            deploy_first(&clients[0], name, &model).await;
        }
        for process in [models::TASK, models::WAIT] {
            wait_until_everywhere(&clients, process, cluster.partitions()).await;
        }
        let mut load = Self {
            clients,
            ledger: Arc::default(),
            versions: Arc::default(),
            availability: Arc::default(),
            clock: RunClock::start(),
            counters: Arc::default(),
            creating: Tasks::new(),
            working: Tasks::new(),
        };
        load.start_creating(rate_per_s);
        load.start_deploying();
        load.start_working();
        load
    }

    /// Creations at a fixed rate, whatever the cluster does, at the gateways in turn.
    fn start_creating(&mut self, rate_per_s: u64) {
        let creator = Creator {
            ledger: self.ledger.clone(),
            availability: self.availability.clone(),
            counters: self.counters.clone(),
            clock: self.clock,
            under_way: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
        };
        let clients = self.clients.clone();
        let stop = self.creating.stop.clone();
        self.creating.handles.push(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / rate_per_s));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            let mut turn = 0;
            let mut under_way = tokio::task::JoinSet::new();
            while !stop.load(Ordering::Relaxed) {
                ticks.tick().await;
                while under_way.try_join_next().is_some() {}
                let Ok(permit) = creator.under_way.clone().try_acquire_owned() else { continue };
                if creator.ledger.open_count() > OPEN_MAX {
                    continue;
                }
                let (creator, client) = (creator.clone(), clients[turn % clients.len()].clone());
                turn += 1;
                under_way.spawn(async move {
                    creator.create(&client).await;
                    drop(permit);
                });
            }
            while under_way.join_next().await.is_some() {}
        }));
    }

    fn start_deploying(&mut self) {
        let clients = self.clients.clone();
        let versions = self.versions.clone();
        let mut number: u64 = 0;
        self.creating.repeat(move || {
            number += 1;
            let client = clients[number as usize % clients.len()].clone();
            let (versions, number) = (versions.clone(), number);
            async move {
                versions.deploy_next(&client, number).await;
                tokio::time::sleep(DEPLOY_PAUSE).await;
            }
        });
    }

    /// Workers that poll at every gateway, and one job stream at each.
    fn start_working(&mut self) {
        for client in self.clients.clone() {
            for _ in 0..POLLS {
                let (client, ledger) = (client.clone(), self.ledger.clone());
                self.working.repeat(move || poll(client.clone(), ledger.clone()));
            }
            let (ledger, stop) = (self.ledger.clone(), self.working.stop.clone());
            self.working.repeat(move || stream(client.clone(), ledger.clone(), stop.clone()));
        }
    }

    /// Ends creating and deploying; what is under way is answered.
    pub(crate) async fn stop_creating(&mut self) {
        self.creating.stop().await;
    }

    /// Ends the workers.
    pub(crate) async fn stop_working(&mut self) {
        self.working.stop().await;
    }

    /// Completes the jobs that may have been completed: either this does it, or they are gone.
    pub(crate) async fn settle_doubts(&self) {
        for job_key in self.ledger.doubtful_jobs() {
            complete(self.clients[0].clone(), self.ledger.clone(), job_key).await;
        }
    }

    /// Every instance whose job was completed is over, so it cannot be cancelled any more.
    pub(crate) async fn look_for_leftovers(&self) {
        let looks = self
            .ledger
            .finished_instances()
            .into_iter()
            .map(|key| look_for_leftover(self.clients[0].clone(), self.ledger.clone(), key));
        futures::stream::iter(looks).for_each_concurrent(LEFTOVERS_AT_ONCE, |look| look).await;
    }

    /// How the creations so far ended.
    pub(crate) fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            acknowledged: count(&self.counters.acknowledged),
            refused: count(&self.counters.refused),
            in_doubt: count(&self.counters.in_doubt),
        }
    }

    /// One line about how far the run is.
    pub(crate) fn summary(&self) -> String {
        let (deployed, in_doubt) = self.versions.counts();
        format!("{}; {deployed} deployments, {in_doubt} without an answer", self.ledger.summary())
    }
}

/// Deploys a model; again when a busy machine costs the partition its leader, which makes no second version.
async fn deploy_first(client: &Client, name: &str, model: &str) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while let Err(error) = work::deploy(client, &[(name, model)]).await {
        assert!(std::time::Instant::now() < deadline, "{name} cannot be deployed: {error}");
        tokio::time::sleep(PAUSE * 10).await;
    }
}

/// A cluster is loaded when every partition knows the process.
async fn wait_until_everywhere(clients: &[Client], process: &str, partitions: u64) {
    // Instances of these wait for somebody; a version that nobody asks for has none.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut missing: std::collections::BTreeSet<u64> = (1..=partitions).collect();
    while !missing.is_empty() {
        assert!(std::time::Instant::now() < deadline, "{process} is not on partitions {missing:?}");
        let request = CreateProcessInstanceRequest::latest(process)
            .with_variables(r#"{"number": -1, "key": "nobody"}"#);
        match clients[0].create_process_instance(request).await {
            Ok(instance) => {
                missing.remove(&partition_of(instance.process_instance_key));
                let cancel = CancelProcessInstanceRequest::new(instance.process_instance_key);
                clients[0].cancel_process_instance(cancel).await.expect("it has just begun");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

impl Creator {
    async fn create(&self, client: &Client) {
        let number = self.ledger.begin_create();
        let waits = number.is_multiple_of(MESSAGES_EVERY);
        let process = if waits { models::WAIT } else { models::TASK };
        let request = CreateProcessInstanceRequest::latest(process)
            .with_business_id(format!("cluster-{number}"))
            .with_variables(format!(r#"{{"key": "k-{number}", "number": {number}}}"#));
        let began_us = self.clock.now_us();
        self.availability.sent(began_us);
        let answer = match client.create_process_instance(request).await {
            Ok(instance) => {
                let key = instance.process_instance_key;
                self.availability.success(partition_of(key), began_us, self.clock.now_us());
                self.counters.acknowledged.fetch_add(1, Ordering::Relaxed);
                self.ledger.end_create(number, Answer::Acknowledged, key);
                Answer::Acknowledged
            }
            Err(error) => {
                let answer = answer_of(&error);
                let counter = match answer {
                    Answer::InDoubt => &self.counters.in_doubt,
                    _ => &self.counters.refused,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                self.ledger.end_create(number, answer, 0);
                answer
            }
        };
        if waits && matches!(answer, Answer::Acknowledged | Answer::InDoubt) {
            publish(client, number).await;
        }
    }
}

/// Publishes the message of an instance until it is known to be there: its id makes it one message.
async fn publish(client: &Client, number: u64) {
    loop {
        let request = PublishMessageRequest::new(MESSAGE, format!("k-{number}"))
            .with_message_id(format!("m-{number}"))
            .with_time_to_live(Duration::from_secs(3_600));
        match client.publish_message(request).await {
            Ok(_) => return,
            Err(error) if error.kind() == ErrorKind::Conflict => return,
            Err(_) => tokio::time::sleep(PAUSE * 10).await,
        }
    }
}

/// Cancels an instance that is over, which is answered with "there is none" if it really is.
async fn look_for_leftover(client: Client, ledger: Arc<Ledger>, key: i64) {
    let deadline = std::time::Instant::now() + LEFTOVER_MAX;
    loop {
        let request = CancelProcessInstanceRequest::new(key);
        match client.cancel_process_instance(request).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Ok(_) => {
                let problem = format!("instance {key}: goes on after its job was completed");
                return ledger.report(problem);
            }
            // The cluster has other worries on a busy machine, also without faults.
            Err(_) if std::time::Instant::now() < deadline => tokio::time::sleep(PAUSE * 10).await,
            Err(error) => {
                return ledger.report(format!("instance {key}: cannot be looked at: {error}"));
            }
        }
    }
}

async fn poll(client: Client, ledger: Arc<Ledger>) {
    let request = ActivateJobsRequest::new(JOB_TYPE, "poll", JOBS_MAX, JOB_TIMEOUT)
        .with_wait(Duration::from_millis(500));
    let began = ledger.begin_activate();
    let jobs = match client.activate_jobs(request).await {
        Ok(poll) => poll.collect().await,
        Err(error) => Err(error),
    };
    let Ok(jobs) = jobs else {
        tokio::time::sleep(PAUSE).await;
        return;
    };
    let completions = jobs.into_iter().filter_map(|job| {
        delivered(&ledger, began, &job)?;
        Some(tokio::spawn(complete(client.clone(), ledger.clone(), job.key)))
    });
    for completion in completions.collect::<Vec<_>>() {
        completion.await.expect("completing does not panic");
    }
}

/// Jobs as they are pushed, until the stream breaks or the load ends.
async fn stream(client: Client, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) {
    let request = StreamActivatedJobsRequest::new(JOB_TYPE, "stream", JOB_TIMEOUT);
    let began = ledger.begin_activate();
    let mut jobs = client.stream_activated_jobs(request);
    let mut completions = tokio::task::JoinSet::new();
    while !stop.load(Ordering::Relaxed) {
        match tokio::time::timeout(Duration::from_millis(200), jobs.next()).await {
            Ok(Some(Ok(job))) => {
                if delivered(&ledger, began, &job).is_some() {
                    completions.spawn(complete(client.clone(), ledger.clone(), job.key));
                }
            }
            Err(_) => {}
            Ok(_) => {
                tokio::time::sleep(PAUSE).await;
                break;
            }
        }
        while completions.try_join_next().is_some() {}
    }
    while completions.join_next().await.is_some() {}
}

/// Writes a job down; nothing when it is none of the load.
fn delivered(ledger: &Ledger, began: u64, job: &skep_client::proto::ActivatedJob) -> Option<()> {
    match number_of(&job.variables) {
        Some(number) => {
            ledger.delivered(began, number, job.process_instance_key, job.key);
            Some(())
        }
        // The instances that only looked whether the model is everywhere.
        None if job.variables.contains("\"number\":-1") => None,
        None => {
            ledger.report(format!("job {}: came with variables {}", job.key, job.variables));
            None
        }
    }
}

async fn complete(client: Client, ledger: Arc<Ledger>, job_key: i64) {
    ledger.begin_complete(job_key);
    let answer = match client.complete_job(CompleteJobRequest::new(job_key)).await {
        Ok(()) => Answer::Acknowledged,
        Err(error) => answer_of(&error),
    };
    ledger.end_complete(job_key, answer);
}

/// The number in `{..."number":N...}`; the variables are written by [`Creator::create`].
fn number_of(variables: &str) -> Option<u64> {
    let (_, rest) = variables.split_once("\"number\":")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
