//! What the witness was told, and what came of it.
//!
//! Each wish is a number. What was acknowledged has to be done once, what was refused never, and what
//! got no answer at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use skep_check::check::Violation;
use skep_check::check::names::{ACKNOWLEDGED, DUPLICATES, JOBS, REFUSED};

/// Most findings that are kept of one experiment.
const FINDINGS_MAX: usize = 20;

/// How a wish was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Acknowledged,
    /// Certainly not accepted.
    Refused,
    /// It may have been accepted.
    None,
}

#[derive(Debug, Default)]
struct Wish {
    answer: Option<Answer>,
    /// The job that stands for it.
    job: Option<i64>,
    completed: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    last: u64,
    wishes: BTreeMap<u64, Wish>,
    /// Wishes that have no answer yet, or were acknowledged and are not done.
    open: BTreeSet<u64>,
    seen: Seen,
}

/// What was seen during one experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    acknowledged: u64,
    refused: u64,
    unanswered: u64,
    /// The longest time from a wish to the first acknowledgement, and the partition that gave it.
    longest: (Duration, u32),
    /// Of what was acknowledged; each a broken promise.
    lost: u64,
    findings: Vec<Violation>,
}

impl Ledger {
    /// A new wish.
    pub(super) fn ask(&mut self) -> u64 {
        self.last += 1;
        self.open.insert(self.last);
        self.wishes.insert(self.last, Wish::default());
        self.last
    }

    pub(super) fn answered(&mut self, number: u64, answer: Answer) {
        let Some(wish) = self.wishes.get_mut(&number) else { return };
        wish.answer = Some(answer);
        if answer != Answer::Acknowledged || wish.completed {
            self.open.remove(&number);
        }
        match answer {
            Answer::Acknowledged => self.seen.acknowledged += 1,
            Answer::Refused => self.seen.refused += 1,
            Answer::None => self.seen.unanswered += 1,
        }
        if answer == Answer::Refused && wish.job.is_some() {
            self.seen.find(REFUSED, format!("wish {number} was refused, and has a job"));
        }
    }

    /// A partition acknowledged after this time, or has not until now.
    pub(super) fn waited(&mut self, partition: u32, time: Duration) {
        self.seen.longest = self.seen.longest.max((time, partition));
    }

    /// A worker was handed the job of a wish.
    pub(super) fn job(&mut self, number: u64, job: i64) {
        let Some(wish) = self.wishes.get_mut(&number) else {
            return self
                .seen
                .find(REFUSED, format!("job {job} stands for wish {number}, which nobody had"));
        };
        match wish.job.replace(job) {
            Some(other) if other != job => {
                self.seen.find(
                    DUPLICATES,
                    format!("wish {number} was done twice: by jobs {other} and {job}"),
                );
            }
            Some(_) if wish.completed => {
                self.seen.find(
                    JOBS,
                    format!("job {job} of wish {number} came again after its completion"),
                );
            }
            _ if wish.answer == Some(Answer::Refused) => {
                self.seen.find(REFUSED, format!("wish {number} was refused, and has job {job}"));
            }
            _ => {}
        }
    }

    /// The completion of its job was acknowledged, or is known to have been made before.
    pub(super) fn completed(&mut self, number: u64) {
        if let Some(wish) = self.wishes.get_mut(&number) {
            wish.completed = true;
            if wish.answer.is_some() {
                self.open.remove(&number);
            }
        }
    }

    /// Wishes that have no answer yet, or were acknowledged and are not done.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// What was seen since the last time; what is not done by now is lost. Wishes are kept: the job of
    /// one that is done must not come again.
    pub(super) fn take(&mut self) -> Seen {
        let mut seen = std::mem::take(&mut self.seen);
        let is_answered =
            |number: &u64| self.wishes.get(number).is_some_and(|it| it.answer.is_some());
        let (lost, asking): (Vec<u64>, _) =
            std::mem::take(&mut self.open).into_iter().partition(is_answered);
        self.open = asking.into_iter().collect();
        for number in lost {
            seen.lost += 1;
            seen.find(ACKNOWLEDGED, format!("wish {number} was acknowledged, and is not done"));
            // Once is enough.
            self.wishes.remove(&number);
        }
        seen
    }
}

impl Seen {
    fn find(&mut self, checker: &'static str, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Violation { checker, what });
        }
    }

    /// What is not as it should be, by the names that the simulation has for it.
    pub(crate) fn findings(&self) -> &[Violation] {
        &self.findings
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How long a client had to wait at most.
    pub(crate) fn longest(&self) -> Duration {
        self.longest.0
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged,
            "refused": self.refused,
            "unanswered": self.unanswered,
            "lost": self.lost,
            "longestWaitMs": u64::try_from(self.longest.0.as_millis()).unwrap_or(u64::MAX),
            "longestWaitPartition": self.longest.1,
            "findings": self.findings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(ledger: &mut Ledger, answer: Answer) -> u64 {
        let number = ledger.ask();
        ledger.answered(number, answer);
        number
    }

    #[test]
    fn what_is_acknowledged_is_open_until_it_is_done() {
        let mut ledger = Ledger::default();
        let number = ledger.ask();
        assert_eq!(ledger.open(), 1);
        ledger.answered(number, Answer::Acknowledged);
        ledger.job(number, 7);
        // A worker that was lost gets it again.
        ledger.job(number, 7);
        assert_eq!(ledger.open(), 1);
        ledger.completed(number);
        assert_eq!(ledger.open(), 0);
        ledger.waited(2, Duration::from_millis(30));
        ledger.waited(1, Duration::from_millis(20));
        let seen = ledger.take();
        assert_eq!((seen.acknowledged(), seen.findings().len()), (1, 0));
        assert_eq!(seen.json()["longestWaitPartition"], 2);
    }

    #[test]
    fn each_broken_promise_is_found() {
        let mut ledger = Ledger::default();
        answered(&mut ledger, Answer::Acknowledged);
        let seen = ledger.take();
        assert_eq!(seen.json()["lost"], 1);
        assert!(seen.findings()[0].what.contains("is not done"), "{seen:?}");
        assert_eq!(ledger.take(), Seen::default());

        let twice = answered(&mut ledger, Answer::None);
        ledger.job(twice, 1);
        ledger.completed(twice);
        ledger.job(twice, 1);
        ledger.job(twice, 2);
        let refused = answered(&mut ledger, Answer::Refused);
        ledger.job(refused, 3);
        ledger.job(99, 4);
        let seen = ledger.take();
        let findings: Vec<&str> = seen.findings().iter().map(|it| it.what.as_str()).collect();
        let findings = findings.join("\n");
        for what in ["came again", "done twice", "was refused, and has job 3", "nobody had"] {
            assert!(findings.contains(what), "{what}: {findings}");
        }
    }

    #[test]
    fn what_got_no_answer_may_be_done_or_not() {
        let mut ledger = Ledger::default();
        let done = answered(&mut ledger, Answer::None);
        answered(&mut ledger, Answer::None);
        ledger.job(done, 1);
        ledger.completed(done);
        assert_eq!(ledger.open(), 0);
        assert!(ledger.take().findings().is_empty());
    }
}
