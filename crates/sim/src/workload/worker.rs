//! Workers: ask for jobs and answer them, not always well.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use skep_protocol::{JobBatchRecord, JobIntent, JobRecord, Key, PartitionId, Payload, key};

use super::client::{Ask, Client};
use super::generate::variables;
use super::perform::document;
use crate::generated::chance::Chance;
use crate::generated::model::ERRORS;
use crate::history::{Call, CallKind, Outcome};
use crate::seeds::Seeds;

/// How workers behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They fail, forget, repeat themselves and are late.
    Careless,
    /// They complete every job at once.
    Careful,
}

/// How long a worker waits for jobs.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Jobs that a worker asks for, at most.
const JOBS_MAX: usize = 6;

/// Works on jobs of a type for as long as it is let.
pub(crate) async fn work(client: Client, seeds: Seeds, job_type: &str, manner: Rc<Cell<Manner>>) {
    let mut chance = Chance::new(seeds.value());
    loop {
        tokio::time::sleep(Duration::from_millis(20 + chance.below(130) as u64)).await;
        for partition in 1..=client.all_partitions() {
            if chance.percent(60) || manner.get() == Manner::Careful {
                let jobs = activate(&client, &mut chance, partition, job_type, manner.get()).await;
                for job in jobs {
                    let (client, seeds) = (client.clone(), seeds.number(job));
                    let task = answer(client, Chance::new(seeds.value()), job, manner.get());
                    tokio::task::spawn_local(task);
                }
            }
        }
    }
}

async fn activate(
    client: &Client,
    chance: &mut Chance,
    partition: PartitionId,
    job_type: &str,
    manner: Manner,
) -> Vec<Key> {
    let timeout_ms = match manner {
        Manner::Careless => chance.pick(&[300, 1_000, 5_000, 60_000]),
        Manner::Careful => 5_000,
    };
    let request = JobBatchRecord {
        job_type: job_type.to_owned(),
        worker: "worker".to_owned(),
        timeout_ms,
        jobs_max: 1 + u32::try_from(chance.below(JOBS_MAX)).unwrap_or(0),
        ..JobBatchRecord::default()
    };
    let backend = client.cluster.backend(client.node(chance));
    let invoked_ms = client.now_ms();
    let answer = backend.activate_jobs(partition, request, TIMEOUT).await;
    let mut jobs = Vec::new();
    let outcome = match answer {
        Ok(delivery) => {
            jobs = delivery.jobs().iter().map(|job| job.key).collect();
            if manner == Manner::Careful || chance.percent(95) {
                delivery.confirm();
            } else {
                // The connection broke on the last metre: the jobs go back.
                drop(delivery);
                jobs.clear();
            }
            Outcome::Jobs(jobs.clone())
        }
        Err(refused) if refused.not_accepted => Outcome::NotTaken(refused.error.message),
        Err(refused) => Outcome::Unknown(refused.error.message),
    };
    client.note(Call {
        partition,
        reference: 0,
        kind: CallKind::Activate,
        what: format!("activation of {job_type}"),
        invoked_ms,
        returned_ms: client.now_ms(),
        outcome,
    });
    jobs
}

async fn answer(client: Client, mut chance: Chance, job: Key, manner: Manner) {
    if manner == Manner::Careful {
        let complete = variables(&mut chance, true);
        return finish(&client, &mut chance, job, &complete).await;
    }
    tokio::time::sleep(Duration::from_millis(chance.below(200) as u64)).await;
    let given = variables(&mut chance, false);
    match chance.below(20) {
        0..12 => finish(&client, &mut chance, job, &given).await,
        12 | 13 => {
            // Twice at once, as two workers do after a time-out.
            let (other, mut again) = (client.clone(), Chance::new(job));
            let twice = async move { finish(&other, &mut again, job, "").await };
            tokio::task::spawn_local(twice);
            finish(&client, &mut chance, job, &given).await;
        }
        14 | 15 => {
            let record = JobRecord {
                retries: chance.pick(&[0, 1, 2]),
                retry_back_off_ms: chance.pick(&[0, 0, 200, 1_000]),
                error_message: "it failed".to_owned(),
                ..JobRecord::default()
            };
            tell(&client, &mut chance, job, JobIntent::Fail, record).await;
        }
        16 => {
            let record = JobRecord {
                error_code: chance.pick(ERRORS).to_owned(),
                variables: document(&given),
                ..JobRecord::default()
            };
            tell(&client, &mut chance, job, JobIntent::ThrowError, record).await;
        }
        17 => tell(&client, &mut chance, job, JobIntent::Yield, JobRecord::default()).await,
        18 => {
            tokio::time::sleep(Duration::from_millis(chance.below(3_000) as u64)).await;
            finish(&client, &mut chance, job, &given).await;
        }
        // Forgotten: it times out.
        _ => {}
    }
}

/// Completes a job, again and again until somebody answers.
pub(super) async fn finish(client: &Client, chance: &mut Chance, job: Key, variables: &str) {
    let ask = || Ask {
        partition: key::partition_of(job),
        key: job,
        payload: Payload::Job(
            JobIntent::Complete,
            JobRecord { variables: document(variables), ..JobRecord::default() },
        ),
        kind: CallKind::Complete { job },
    };
    client.insist(chance, false, ask).await;
}

async fn tell(
    client: &Client,
    chance: &mut Chance,
    job: Key,
    intent: JobIntent,
    record: JobRecord,
) {
    let ask = Ask::other(key::partition_of(job), job, Payload::Job(intent, record));
    client.submit(chance, ask).await;
}
