//! The load: clients that create instances and complete jobs, each call exactly once, and write down what they were told.

use crate::ledger::{Answer, Ledger};
use skep_client::proto::{
    ActivateJobsRequest, CancelProcessInstanceRequest, CompleteJobRequest,
    CreateProcessInstanceRequest, DeployResourceRequest,
};
use skep_client::{Client, Error, ErrorKind, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Creations in flight at once.
const CREATORS: usize = 16;

/// Polls in flight at once, each with its jobs.
const WORKERS: usize = 4;

/// Jobs that one poll takes.
const JOBS_MAX: i32 = 32;

/// How long a worker owns a job. One that was on its way when the server died is offered again after this.
pub(crate) const JOB_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Instances without a completed job, above which creators pause: the run has to end some time.
const OPEN_MAX: usize = 2_000;

/// A pause after a call that failed: the server may be dead, and nobody gains from asking at full speed.
const PAUSE: Duration = Duration::from_millis(5);

const JOB_TYPE: &str = "crash";

/// The clients of one run.
pub(crate) struct Workload {
    client: Client,
    ledger: Arc<Ledger>,
}

/// Tasks that go on until they are stopped.
pub(crate) struct Tasks {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// Lets each task finish its call, and waits for that.
    pub(crate) fn stop(self, runtime: &Runtime) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            runtime.block_on(task).expect("no task of the load panics");
        }
    }
}

impl Workload {
    /// Connects to a server; it may die and come back at the same address.
    pub(crate) fn new(address: &str, ledger: Arc<Ledger>) -> Self {
        // Each call is sent once: whether a repetition would be right is what is tested here.
        let options = Options {
            retries_max: 0,
            request_timeout: Duration::from_secs(5),
            ..Options::default()
        };
        let client = Client::connect_lazy(address, options).expect("an address of this machine");
        Self { client, ledger }
    }

    /// Deploys the process of one task.
    pub(crate) async fn deploy(&self) {
        let model = include_str!("../../../../models/compat/task.bpmn");
        let request = DeployResourceRequest::new("task.bpmn", model);
        self.client.deploy_resource(request).await.expect("the model is deployable");
    }

    /// Starts creating instances.
    pub(crate) fn start_creating(&self) -> Tasks {
        self.start(CREATORS, create)
    }

    /// Starts completing jobs.
    pub(crate) fn start_working(&self) -> Tasks {
        self.start(WORKERS, work)
    }

    fn start<F>(&self, count: usize, step: fn(Client, Arc<Ledger>) -> F) -> Tasks
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..count).map(|_| {
            let (client, ledger, stop) = (self.client.clone(), self.ledger.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    step(client.clone(), ledger.clone()).await;
                }
            })
        });
        let tasks = tasks.collect();
        Tasks { stop, tasks }
    }

    /// Completes the jobs that may have been completed: either this does it, or they are gone.
    pub(crate) async fn settle_doubts(&self) {
        for job_key in self.ledger.doubtful_jobs() {
            complete(self.client.clone(), self.ledger.clone(), job_key).await;
        }
    }

    /// Every instance whose job was completed is over, so it cannot be cancelled any more.
    pub(crate) async fn look_for_leftovers(&self) {
        for key in self.ledger.finished_instances() {
            match self.client.cancel_process_instance(CancelProcessInstanceRequest::new(key)).await
            {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(_) => self
                    .ledger
                    .report(format!("instance {key}: goes on after its job was completed")),
                Err(error) => {
                    self.ledger.report(format!("instance {key}: cannot be looked at: {error}"))
                }
            }
        }
    }
}

async fn create(client: Client, ledger: Arc<Ledger>) {
    if ledger.open_count() > OPEN_MAX {
        tokio::time::sleep(PAUSE).await;
        return;
    }
    let number = ledger.begin_create();
    let variables = format!(r#"{{"jobType": "{JOB_TYPE}", "number": {number}}}"#);
    let request = CreateProcessInstanceRequest::latest("compat-task").with_variables(variables);
    match client.create_process_instance(request).await {
        Ok(instance) => {
            ledger.end_create(number, Answer::Acknowledged, instance.process_instance_key)
        }
        Err(error) => {
            ledger.end_create(number, answer_of(&error), 0);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn work(client: Client, ledger: Arc<Ledger>) {
    let request = ActivateJobsRequest::new(JOB_TYPE, "crash", JOBS_MAX, JOB_TIMEOUT)
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
    let mut completions = Vec::new();
    for job in jobs {
        let Some(number) = number_of(&job.variables) else {
            ledger.report(format!("job {}: came with variables {}", job.key, job.variables));
            continue;
        };
        ledger.delivered(began, number, job.process_instance_key, job.key);
        completions.push(tokio::spawn(complete(client.clone(), ledger.clone(), job.key)));
    }
    for completion in completions {
        completion.await.expect("completing does not panic");
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

fn answer_of(error: &Error) -> Answer {
    match error.kind() {
        ErrorKind::NotFound => Answer::NotFound,
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Exhausted => Answer::Refused,
        _ if error.is_not_accepted() => Answer::Refused,
        _ => Answer::InDoubt,
    }
}

/// The number in `{..."number":N...}`; the variables are written by [`create`].
fn number_of(variables: &str) -> Option<u64> {
    let (_, rest) = variables.split_once("\"number\":")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
