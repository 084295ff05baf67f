//! Follows each instance from its start to its last job.

use std::collections::HashMap;

use super::measure::Measurements;

/// What is known of one instance in flight.
struct Instance {
    /// When it was meant to start, microseconds; unknown until its start is answered. Jobs may
    /// arrive before that.
    intended_us: Option<u64>,
    /// When its next job became available as far as the generator can know, microseconds.
    available_us: Option<u64>,
    jobs_left: u32,
}

/// The instances in flight.
pub(crate) struct Tracker {
    jobs_per_instance: u32,
    instances: HashMap<i64, Instance>,
    pub(crate) measured: Measurements,
}

/// What an event meant for the load.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The instance goes on.
    Running,
    /// The instance is complete: another may take its place.
    Complete,
}

impl Tracker {
    pub(crate) fn new(jobs_per_instance: u32) -> Self {
        Self { jobs_per_instance, instances: HashMap::new(), measured: Measurements::new() }
    }

    /// The start of an instance was answered. With `is_end`, that answer was its result.
    pub(crate) fn started(
        &mut self,
        instance: i64,
        intended_us: u64,
        now_us: u64,
        is_end: bool,
    ) -> Progress {
        let latency_us = now_us.saturating_sub(intended_us);
        self.measured.started((!is_end).then_some(latency_us));
        if self.jobs_per_instance == 0 {
            self.measured.completed(latency_us);
            return Progress::Complete;
        }
        let known = self.known(instance);
        known.intended_us = Some(intended_us);
        if known.jobs_left == 0 {
            return self.complete(instance, now_us);
        }
        known.available_us.get_or_insert(now_us);
        Progress::Running
    }

    /// A job arrived at the worker.
    pub(crate) fn arrived(&mut self, instance: i64, now_us: u64) {
        let known = self.known(instance);
        // It came before the answer that made it available: no time was lost at all.
        let available_us = known.available_us.replace(u64::MAX).unwrap_or(now_us);
        if available_us != u64::MAX {
            self.measured.delivered(now_us.saturating_sub(available_us));
        }
    }

    /// The completion of a job was answered.
    pub(crate) fn job_completed(&mut self, instance: i64, now_us: u64) -> Progress {
        let known = self.known(instance);
        known.jobs_left = known.jobs_left.saturating_sub(1);
        known.available_us = Some(now_us);
        if known.jobs_left == 0 && known.intended_us.is_some() {
            return self.complete(instance, now_us);
        }
        Progress::Running
    }

    fn known(&mut self, instance: i64) -> &mut Instance {
        let jobs_left = self.jobs_per_instance;
        self.instances.entry(instance).or_insert(Instance {
            intended_us: None,
            available_us: None,
            jobs_left,
        })
    }

    fn complete(&mut self, instance: i64, now_us: u64) -> Progress {
        if let Some(Instance { intended_us: Some(intended_us), .. }) =
            self.instances.remove(&instance)
        {
            self.measured.completed(now_us.saturating_sub(intended_us));
        }
        Progress::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_complete_with_its_last_job() {
        let mut tracker = Tracker::new(2);
        assert_eq!(tracker.started(7, 100, 150, false), Progress::Running);
        tracker.arrived(7, 170);
        assert_eq!(tracker.job_completed(7, 200), Progress::Running);
        tracker.arrived(7, 230);
        assert_eq!(tracker.job_completed(7, 300), Progress::Complete);
        assert_eq!((tracker.instances.len(), tracker.measured.completed), (0, 1));
        let instance = tracker.measured.instance.summary().expect("one");
        assert_eq!(instance.max_ms, 0.2);
        let delivery = tracker.measured.delivery.summary().expect("two");
        assert_eq!((delivery.count, delivery.max_ms), (2, 0.03));
    }

    #[test]
    fn a_job_may_overtake_the_answer_to_its_start() {
        let mut tracker = Tracker::new(1);
        tracker.arrived(7, 120);
        assert_eq!(tracker.job_completed(7, 140), Progress::Running);
        assert_eq!(tracker.started(7, 100, 150, false), Progress::Complete);
        assert_eq!((tracker.instances.len(), tracker.measured.completed), (0, 1));
    }

    #[test]
    fn jobs_of_other_runs_do_not_count() {
        let mut tracker = Tracker::new(1);
        tracker.arrived(9, 120);
        assert_eq!(tracker.job_completed(9, 140), Progress::Running);
        assert_eq!(tracker.measured.completed, 0);
    }

    #[test]
    fn without_jobs_the_answer_is_the_end() {
        let mut tracker = Tracker::new(0);
        assert_eq!(tracker.started(1, 0, 10, false), Progress::Complete);
        assert_eq!(tracker.started(2, 0, 10, true), Progress::Complete);
        assert_eq!(tracker.measured.create.summary().expect("the first").count, 1);
        assert_eq!((tracker.measured.started, tracker.measured.completed), (2, 2));
    }
}
