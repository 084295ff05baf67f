//! How the witness asks, and how it does what it asked for.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use skep_client::proto::{
    ActivateJobsRequest, ActivatedJob, CompleteJobRequest, PublishMessageRequest,
};
use skep_client::{Client, ErrorKind, Options};
use skep_protocol::key;

use super::Shared;
use super::ledger::Answer;
use crate::command::zbchaos::partition_of;

/// Name of the message and type of the job, as the model has them.
const NAME: &str = "skep-witness";

/// Pause between an acknowledgement and the next wish: what cannot be told of a wait.
const PAUSE: Duration = Duration::from_millis(50);

/// Pause before another gateway is tried.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How long a job is the witness's: one that was handed to nobody comes back then.
const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// Jobs of one poll.
const JOBS_MAX: i32 = 64;

/// How long what is open may take after the experiment.
const PATIENCE: Duration = Duration::from_secs(60);

/// The gateways, one of which is used until it fails.
struct Entrances {
    clients: Vec<Client>,
    at: Cell<usize>,
}

impl Entrances {
    fn client(&self) -> Option<(usize, Client)> {
        let at = self.at.get();
        let client = self.clients.get(at % self.clients.len().max(1));
        client.map(|client| (at, client.clone()))
    }

    /// This one failed: the next, unless somebody has turned already.
    fn turn(&self, from: usize) {
        if self.at.get() == from {
            self.at.set(from.wrapping_add(1));
        }
    }
}

/// Asks until it is stopped, and then until nothing is open any more.
pub(super) async fn ask(shared: &Shared, addresses: &[String], options: &Options, partitions: u32) {
    let clients =
        addresses.iter().filter_map(|address| Client::connect_lazy(address, options.clone()).ok());
    let entrances = Entrances { clients: clients.collect(), at: Cell::new(0) };
    let asked = Cell::new(false);
    let asking = async {
        let partitions = (1..=partitions).map(|one| publish(shared, &entrances, one, partitions));
        join_all(partitions).await;
        asked.set(true);
    };
    futures::join!(asking, work(shared, &entrances, &asked));
}

/// How long something has been over; looked at again and again.
#[derive(Default)]
struct End(Option<Instant>);

impl End {
    /// Whether it is over for longer than is waited.
    fn is_past(&mut self, is_over: bool) -> bool {
        is_over && self.0.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    }
}

/// Asks one partition, one wish after the other.
async fn publish(shared: &Shared, entrances: &Entrances, partition: u32, partitions: u32) {
    let mut end = End::default();
    // Since when there was no acknowledgement that was waited for.
    let mut since: Option<Instant> = None;
    while !end.is_past(shared.is_stopped()) {
        if shared.is_stopped() && since.is_none() {
            return;
        }
        if !shared.noise.may_begin() {
            since = None;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let number = shared.with(super::Ledger::ask);
        let began = *since.get_or_insert_with(Instant::now);
        let (answer, by) = wish(shared, entrances, number, partition, partitions).await;
        shared.with(|ledger| {
            ledger.answered(number, answer);
            ledger.waited(by.unwrap_or(partition), began.elapsed());
        });
        if answer == Answer::Acknowledged {
            since = None;
        }
        tokio::time::sleep(if since.is_none() { PAUSE } else { RETRY_PAUSE }).await;
    }
}

/// One wish; the partition that acknowledged it, after a scaling perhaps another one.
async fn wish(
    shared: &Shared,
    entrances: &Entrances,
    number: u64,
    partition: u32,
    partitions: u32,
) -> (Answer, Option<u32>) {
    let Some((at, client)) = entrances.client() else { return (Answer::Refused, None) };
    let request = PublishMessageRequest::new(NAME, correlation_key(number, partition, partitions))
        .with_variables(json!({ "wish": number, "of": shared.name }));
    match client.publish_message(request).await {
        Ok(message) => (Answer::Acknowledged, Some(partition_of(message.key))),
        Err(error) => {
            entrances.turn(at);
            let refused = error.is_not_accepted();
            (if refused { Answer::Refused } else { Answer::None }, None)
        }
    }
}

/// A correlation key that nobody else has, and that leads to this partition.
fn correlation_key(number: u64, partition: u32, partitions: u32) -> String {
    let tries = (0..u64::from(partitions) * 8).map(|more| format!("{number}-{more}"));
    let mut right =
        tries.filter(|text| key::partition_of_correlation_key(text, partitions) == partition);
    right.next().unwrap_or_else(|| number.to_string())
}

/// Does the jobs of the wishes, as long as there may be new ones or one is open.
async fn work(shared: &Shared, entrances: &Entrances, asked: &Cell<bool>) {
    let mut end = End::default();
    let mut unsure: Vec<Due> = Vec::new();
    while !end.is_past(asked.get()) {
        let is_open = shared.with(|ledger| ledger.open() > 0);
        // When nothing is open at the end, what is there all the same is one too many.
        let is_last = !is_open && asked.get();
        if !is_open && !is_last {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let polled = poll(entrances).await;
        let is_told = polled.is_some();
        let new: Vec<Due> = polled.iter().flatten().map(|job| Due::of(shared, job)).collect();
        if is_told && new.is_empty() && is_last {
            return;
        }
        for due in &new {
            if let Some(number) = due.wish {
                shared.with(|ledger| ledger.job(number, due.job));
            }
        }
        let is_idle = new.is_empty();
        // A completion that got no answer may have been made: then the job does not come again, and
        // only asking once more tells.
        // All at once: on a busy machine one after the other is slower than new ones come.
        let due: Vec<Due> = std::mem::take(&mut unsure).into_iter().chain(new).collect();
        let done = join_all(due.iter().map(|due| complete(shared, entrances, due))).await;
        let left = due.into_iter().zip(done).filter(|(_, done)| !done);
        unsure = left.map(|(due, _)| due).collect();
        if is_idle || !unsure.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A job that is to be completed.
struct Due {
    job: i64,
    /// The number of the wish that it stands for; none if another witness had it, before.
    wish: Option<u64>,
}

impl Due {
    fn of(shared: &Shared, job: &ActivatedJob) -> Self {
        let variables: Value = serde_json::from_str(&job.variables).unwrap_or_default();
        let is_own = variables["of"] == shared.name.as_str();
        let wish = is_own.then(|| variables["wish"].as_u64().unwrap_or(0));
        Self { job: job.key, wish }
    }
}

/// The jobs that are there; none when no gateway tells.
async fn poll(entrances: &Entrances) -> Option<Vec<ActivatedJob>> {
    let (at, client) = entrances.client()?;
    let request = ActivateJobsRequest::new(NAME, NAME, JOBS_MAX, JOB_TIMEOUT).without_wait();
    let polled = match client.activate_jobs(request).await {
        Ok(poll) => poll.collect().await,
        Err(error) => Err(error),
    };
    if polled.is_err() {
        entrances.turn(at);
    }
    polled.ok()
}

/// Completes a job; false when it is not known whether it is completed.
async fn complete(shared: &Shared, entrances: &Entrances, due: &Due) -> bool {
    let Some((at, client)) = entrances.client() else { return false };
    match client.complete_job(CompleteJobRequest::new(due.job)).await {
        Ok(()) => {}
        // An earlier call did it, whose answer did not arrive.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(_) => {
            entrances.turn(at);
            return false;
        }
    }
    if let Some(number) = due.wish {
        shared.with(|ledger| ledger.completed(number));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_keys() {
        for partitions in 1..=12 {
            for number in 0..50 {
                for partition in 1..=partitions {
                    let text = correlation_key(number, partition, partitions);
                    assert_eq!(key::partition_of_correlation_key(&text, partitions), partition);
                }
            }
        }
    }
}
