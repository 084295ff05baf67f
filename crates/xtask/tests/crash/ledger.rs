//! The checker: what clients were told, and whether it can all be true.
//!
//! It shares no code with the server. Its clock is a counter: an event that was told before another call began came first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is known of one instance, by the number that its creator gave it.
#[derive(Default)]
struct Instance {
    /// The key that the creation was acknowledged with.
    acknowledged: Option<i64>,
    /// The creation got no answer, or one that leaves open whether it happened.
    in_doubt: bool,
    /// Keys of instances that jobs with this number came from.
    instance_keys: BTreeSet<i64>,
    job_keys: BTreeSet<i64>,
}

/// What is known of one job.
#[derive(Default)]
struct Job {
    /// The number of its instance.
    number: u64,
    /// Its completion was acknowledged.
    completed: bool,
    /// When it was known to be over: completed, or gone.
    over_at: Option<u64>,
    /// A completion got no answer, or one that leaves open whether it happened.
    in_doubt: bool,
    /// Completions that are under way.
    under_way: u32,
}

#[derive(Default)]
struct State {
    clock: u64,
    instances: BTreeMap<u64, Instance>,
    jobs: BTreeMap<i64, Job>,
    /// Acknowledged instances whose job is not known to be over, with their keys.
    open: BTreeMap<u64, i64>,
    violations: Vec<String>,
}

/// Everything that clients were told.
#[derive(Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
}

/// How a call ended, for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It happened.
    Acknowledged,
    /// It did not happen, because there is no such job.
    NotFound,
    /// It certainly did not happen.
    Refused,
    /// Nobody knows.
    InDoubt,
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new instance; its creation is in doubt until it is answered.
    pub(crate) fn begin_create(&self) -> u64 {
        let mut state = self.state();
        let number = state.instances.len() as u64;
        state.instances.insert(number, Instance { in_doubt: true, ..Instance::default() });
        number
    }

    /// The creation was answered, with the key of the instance if it happened.
    pub(crate) fn end_create(&self, number: u64, answer: Answer, key: i64) {
        let mut state = self.state();
        let Some(instance) = state.instances.get_mut(&number) else { return };
        instance.in_doubt = answer == Answer::InDoubt;
        if answer == Answer::Acknowledged {
            instance.acknowledged = Some(key);
            // Its job may have been faster than this answer.
            let over = instance.job_keys.clone();
            if !over.iter().any(|job| state.jobs.get(job).is_some_and(|job| job.over_at.is_some()))
            {
                state.open.insert(number, key);
            }
        }
        state.check_identity(number);
    }

    /// The time before a call that may deliver jobs.
    pub(crate) fn begin_activate(&self) -> u64 {
        let mut state = self.state();
        state.clock += 1;
        state.clock
    }

    /// A job was delivered by a call that began at `began`.
    pub(crate) fn delivered(&self, began: u64, number: u64, instance_key: i64, job_key: i64) {
        let mut state = self.state();
        let Some(instance) = state.instances.get_mut(&number) else {
            state.violations.push(format!("job {job_key}: instance {number} was never created"));
            return;
        };
        instance.instance_keys.insert(instance_key);
        instance.job_keys.insert(job_key);
        state.check_identity(number);
        let job = state.jobs.entry(job_key).or_default();
        job.number = number;
        if job.over_at.is_some_and(|over_at| over_at < began) {
            state.violations.push(format!(
                "job {job_key} of instance {number}: delivered again after it was over"
            ));
        }
    }

    /// A completion is sent.
    pub(crate) fn begin_complete(&self, job_key: i64) {
        self.state().jobs.entry(job_key).or_default().under_way += 1;
    }

    /// The completion was answered.
    pub(crate) fn end_complete(&self, job_key: i64, answer: Answer) {
        let mut state = self.state();
        state.clock += 1;
        let now = state.clock;
        let job = state.jobs.entry(job_key).or_default();
        job.under_way -= 1;
        let number = job.number;
        match answer {
            Answer::Acknowledged if job.completed => {
                state.violations.push(format!("job {job_key}: completed twice"));
            }
            Answer::Acknowledged => {
                job.completed = true;
                job.over_at = Some(now);
                state.open.remove(&number);
            }
            Answer::InDoubt => job.in_doubt = true,
            Answer::Refused => {}
            Answer::NotFound => {
                let explained = job.completed || job.in_doubt || job.under_way > 0;
                job.over_at = job.over_at.or(Some(now));
                state.open.remove(&number);
                if !explained {
                    state.violations.push(format!(
                        "job {job_key}: was delivered and is gone, but nobody completed it"
                    ));
                }
            }
        }
    }

    /// How many acknowledged instances have a job that is not known to be over.
    pub(crate) fn open_count(&self) -> usize {
        self.state().open.len()
    }

    /// Jobs that may or may not have been completed: a question that only another completion answers.
    pub(crate) fn doubtful_jobs(&self) -> Vec<i64> {
        let state = self.state();
        let doubtful = state.jobs.iter().filter(|(_, job)| job.in_doubt && job.over_at.is_none());
        doubtful.map(|(key, _)| *key).collect()
    }

    /// The keys of acknowledged instances that have to be over by now.
    pub(crate) fn finished_instances(&self) -> Vec<i64> {
        let state = self.state();
        let finished =
            state.instances.iter().filter(|(number, _)| !state.open.contains_key(number));
        finished.filter_map(|(_, instance)| instance.acknowledged).collect()
    }

    /// Something that another check found.
    pub(crate) fn report(&self, violation: String) {
        self.state().violations.push(violation);
    }

    /// One line about how far the run is.
    pub(crate) fn summary(&self) -> String {
        let state = self.state();
        let open = state.open.len();
        let acknowledged = state.instances.values().filter(|i| i.acknowledged.is_some()).count();
        let completed = state.jobs.values().filter(|job| job.completed).count();
        let doubtful = state.instances.values().filter(|i| i.in_doubt).count()
            + state.jobs.values().filter(|job| job.in_doubt).count();
        format!(
            "{acknowledged} creations and {completed} completions acknowledged, {doubtful} calls without an answer, {open} \
             instances open, {} violations",
            state.violations.len()
        )
    }

    /// Everything that is wrong, at the end of a run.
    pub(crate) fn verdict(&self) -> Vec<String> {
        let state = self.state();
        let lost = state.open.iter().map(|(number, key)| {
            format!("instance {number} ({key}): its creation was acknowledged, its job could never be completed")
        });
        state.violations.iter().cloned().chain(lost).collect()
    }
}

impl State {
    /// A number belongs to one instance with one job, and to the one that was acknowledged.
    fn check_identity(&mut self, number: u64) {
        let Some(instance) = self.instances.get(&number) else { return };
        let mut keys = instance.instance_keys.clone();
        keys.extend(instance.acknowledged);
        if keys.len() > 1 {
            self.violations.push(format!("instance {number}: exists more than once, as {keys:?}"));
        }
        let Some(instance) = self.instances.get(&number) else { return };
        if instance.job_keys.len() > 1 {
            let jobs = format!("instance {number}: has more than one job, {:?}", instance.job_keys);
            self.violations.push(jobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Ledger};

    fn with_delivered_job() -> Ledger {
        let ledger = Ledger::default();
        let number = ledger.begin_create();
        ledger.end_create(number, Answer::Acknowledged, 10);
        let began = ledger.begin_activate();
        ledger.delivered(began, number, 10, 20);
        ledger
    }

    fn complete(ledger: &Ledger, answer: Answer) {
        ledger.begin_complete(20);
        ledger.end_complete(20, answer);
    }

    #[test]
    fn a_completed_job_is_the_good_end() {
        let ledger = with_delivered_job();
        assert_eq!(ledger.open_count(), 1);
        complete(&ledger, Answer::Acknowledged);
        assert_eq!(ledger.open_count(), 0);
        assert_eq!(ledger.verdict(), [""; 0]);
    }

    #[test]
    fn sees_an_acknowledged_creation_that_is_lost() {
        let ledger = Ledger::default();
        let number = ledger.begin_create();
        ledger.end_create(number, Answer::Acknowledged, 10);
        assert_eq!(ledger.verdict().len(), 1);
    }

    #[test]
    fn a_creation_in_doubt_may_be_lost_but_not_doubled() {
        let ledger = Ledger::default();
        let number = ledger.begin_create();
        ledger.end_create(number, Answer::InDoubt, 0);
        assert_eq!(ledger.verdict(), [""; 0]);
        let began = ledger.begin_activate();
        ledger.delivered(began, number, 10, 20);
        ledger.delivered(began, number, 11, 21);
        assert!(!ledger.verdict().is_empty());
    }

    #[test]
    fn sees_an_acknowledged_creation_that_exists_twice() {
        let ledger = with_delivered_job();
        let began = ledger.begin_activate();
        ledger.delivered(began, 0, 11, 21);
        assert!(ledger.verdict().iter().any(|violation| violation.contains("more than once")));
    }

    #[test]
    fn sees_a_completion_that_is_lost() {
        let ledger = with_delivered_job();
        complete(&ledger, Answer::Acknowledged);
        let began = ledger.begin_activate();
        ledger.delivered(began, 0, 10, 20);
        assert!(ledger.verdict()[0].contains("delivered again"));
    }

    #[test]
    fn a_delivery_may_cross_a_completion_on_its_way() {
        let ledger = with_delivered_job();
        let began = ledger.begin_activate();
        complete(&ledger, Answer::Acknowledged);
        ledger.delivered(began, 0, 10, 20);
        assert_eq!(ledger.verdict(), [""; 0]);
    }

    #[test]
    fn sees_a_job_completed_twice() {
        let ledger = with_delivered_job();
        complete(&ledger, Answer::Acknowledged);
        complete(&ledger, Answer::Acknowledged);
        assert!(ledger.verdict()[0].contains("completed twice"));
    }

    #[test]
    fn a_job_may_be_gone_only_if_somebody_may_have_completed_it() {
        let ledger = with_delivered_job();
        complete(&ledger, Answer::InDoubt);
        assert_eq!(ledger.doubtful_jobs(), [20], "it may come back");
        complete(&ledger, Answer::NotFound);
        assert_eq!(ledger.open_count(), 0);
        assert_eq!(ledger.verdict(), [""; 0]);

        let ledger = with_delivered_job();
        complete(&ledger, Answer::NotFound);
        assert!(ledger.verdict()[0].contains("nobody completed it"));
    }
}
