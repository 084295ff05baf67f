//! The loops that make the load: starting instances in a closed or an open loop, and working on
//! their jobs as they are pushed or polled. All of it runs on one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::task::spawn_local;

use super::refusal::Refusal;
use super::target::Target;
use super::tracker::{Progress, Tracker};
use super::wire::Job;
use super::workload::{Start, Workload};
use crate::limits::{
    BENCH_BACKLOG_POLL_INTERVAL, BENCH_OPEN_IN_FLIGHT_MAX, BENCH_POLLERS, BENCH_REFUSED_PAUSE,
};

/// When instances are started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// As soon as another has finished: so many are in flight all the time.
    Closed { in_flight: usize },
    /// By the clock, whatever the cluster does: so many a second.
    Open { rate: f64 },
}

/// A run in progress.
pub(crate) struct Load {
    target: Target,
    workload: Workload,
    pace: Pace,
    is_pushed: bool,
    work_time: Duration,
    /// Instances that may still be started, when their number is given.
    instances_left: Cell<Option<u64>>,
    tracker: RefCell<Tracker>,
    /// A permit is an instance that may be in flight.
    slots: Semaphore,
    in_flight_max: usize,
    /// Told when every instance that may be started is complete.
    done: Notify,
    is_stopped: Cell<bool>,
    sequence: Cell<i64>,
    origin: Instant,
}

/// How a run is made.
pub(crate) struct LoadOptions {
    pub(crate) workload: Workload,
    pub(crate) pace: Pace,
    pub(crate) is_pushed: bool,
    pub(crate) work_time: Duration,
    pub(crate) instances: Option<u64>,
    /// Number of the first instance, different in each run: a message of another run must not be
    /// taken for one of this.
    pub(crate) first_sequence: i64,
}

impl Load {
    pub(crate) fn new(target: Target, options: &LoadOptions) -> Rc<Self> {
        let in_flight_max = match options.pace {
            Pace::Closed { in_flight } => in_flight,
            Pace::Open { .. } => BENCH_OPEN_IN_FLIGHT_MAX,
        };
        Rc::new(Self {
            target,
            workload: options.workload,
            pace: options.pace,
            is_pushed: options.is_pushed,
            work_time: options.work_time,
            instances_left: Cell::new(options.instances),
            tracker: RefCell::new(Tracker::new(options.workload.jobs_per_instance())),
            slots: Semaphore::new(in_flight_max),
            in_flight_max,
            done: Notify::new(),
            is_stopped: Cell::new(false),
            sequence: Cell::new(options.first_sequence),
            origin: Instant::now(),
        })
    }

    /// Starts all loops. Must be called inside a `LocalSet`.
    pub(crate) fn begin(self: &Rc<Self>) {
        if self.workload.jobs_per_instance() > 0 {
            self.begin_work();
        }
        match self.pace {
            Pace::Closed { in_flight } => {
                for _ in 0..in_flight {
                    let load = Rc::clone(self);
                    spawn_local(async move { load.start_whenever_there_is_room().await });
                }
            }
            Pace::Open { rate } => {
                let load = Rc::clone(self);
                spawn_local(async move { load.start_by_the_clock(rate).await });
            }
        }
    }

    fn begin_work(self: &Rc<Self>) {
        if self.is_pushed {
            let load = Rc::clone(self);
            spawn_local(async move { load.take_pushed_jobs().await });
            let load = Rc::clone(self);
            spawn_local(async move { load.poll_for_jobs(false).await });
        } else {
            for _ in 0..BENCH_POLLERS {
                let load = Rc::clone(self);
                spawn_local(async move { load.poll_for_jobs(true).await });
            }
        }
    }

    /// Starts no more instances; work goes on.
    pub(crate) fn stop(&self) {
        self.is_stopped.set(true);
    }

    /// Whether every instance that may be started was started and is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.instances_left.get() == Some(0) && self.is_idle()
    }

    /// Whether nothing is in flight.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight() == 0
    }

    /// Instances that were sent for and are not complete.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight_max - self.slots.available_permits().min(self.in_flight_max)
    }

    /// Waits until every instance that may be started is complete; for ever when their number is
    /// not limited.
    pub(crate) async fn done(&self) {
        self.done.notified().await;
    }

    /// The state of all instances and what was measured.
    pub(crate) fn tracker(&self) -> std::cell::RefMut<'_, Tracker> {
        self.tracker.borrow_mut()
    }

    /// Why the cluster cannot be reached any more, if so.
    pub(crate) fn broken(&self) -> Option<String> {
        self.target.broken()
    }

    /// Microseconds since the run was made.
    pub(crate) fn now_us(&self) -> u64 {
        self.origin.elapsed().as_micros() as u64
    }

    async fn start_whenever_there_is_room(&self) {
        while let Some(()) = self.take_slot().await {
            self.start_one(self.now_us()).await;
        }
    }

    async fn start_by_the_clock(self: Rc<Self>, rate: f64) {
        let period_us = 1_000_000.0 / rate;
        let mut count: u64 = 0;
        loop {
            let intended_us = (count as f64 * period_us) as u64;
            let due = self.origin + Duration::from_micros(intended_us);
            if due > Instant::now() {
                // Timers tick by the millisecond: whatever is due then starts together.
                tokio::time::sleep_until(due.into()).await;
            }
            let Some(()) = self.take_slot().await else { return };
            count += 1;
            let load = Rc::clone(&self);
            spawn_local(async move { load.start_one(intended_us).await });
        }
    }

    /// Waits until an instance may be started; `None` when no more shall be.
    async fn take_slot(&self) -> Option<()> {
        let slot = self.slots.acquire().await.ok()?;
        if self.is_stopped.get() {
            return None;
        }
        match self.instances_left.get() {
            Some(0) => return None,
            Some(left) => self.instances_left.set(Some(left - 1)),
            None => {}
        }
        slot.forget();
        Some(())
    }

    async fn start_one(&self, intended_us: u64) {
        let sequence = self.sequence.get() + 1;
        self.sequence.set(sequence);
        match self.target.start(sequence).await {
            Ok(instance) => {
                let is_end = self.workload.start() == Start::CreateWithResult;
                let now_us = self.now_us();
                let mut tracker = self.tracker.borrow_mut();
                self.proceed(&tracker.started(instance, intended_us, now_us, is_end));
            }
            Err(refusal) => {
                self.tracker.borrow_mut().measured.refused("start", &refusal);
                // An open loop does not come back to what was refused; a closed one tries again.
                if matches!(self.pace, Pace::Closed { .. }) {
                    if let Some(left) = self.instances_left.get() {
                        self.instances_left.set(Some(left + 1));
                    }
                    tokio::time::sleep(BENCH_REFUSED_PAUSE).await;
                }
                self.proceed(&Progress::Complete);
            }
        }
    }

    fn proceed(&self, progress: &Progress) {
        if *progress == Progress::Complete {
            self.slots.add_permits(1);
            if self.is_done() {
                self.done.notify_one();
            }
        }
    }

    async fn take_pushed_jobs(self: &Rc<Self>) {
        loop {
            let outcome = self.take_from_one_stream().await;
            if let Err(refusal) = outcome {
                self.tracker.borrow_mut().measured.refused("stream", &refusal);
            }
            if self.is_stopped.get() && self.is_idle() {
                return;
            }
            tokio::time::sleep(BENCH_REFUSED_PAUSE).await;
        }
    }

    async fn take_from_one_stream(self: &Rc<Self>) -> Result<(), Refusal> {
        if let Some(mut stream) = self.target.stream().await? {
            while let Some(message) = stream.next().await? {
                self.work_on(self.target.job(&message));
            }
        }
        Ok(())
    }

    /// Polls on and on: waiting when it is the only source, now and then beside a stream.
    async fn poll_for_jobs(self: &Rc<Self>, is_only_source: bool) {
        loop {
            match self.target.activate(is_only_source).await {
                Ok(jobs) => {
                    let is_empty = jobs.is_empty();
                    for job in jobs {
                        self.work_on(job);
                    }
                    if is_empty && !is_only_source {
                        tokio::time::sleep(BENCH_BACKLOG_POLL_INTERVAL).await;
                    }
                }
                Err(refusal) => {
                    self.tracker.borrow_mut().measured.refused("poll", &refusal);
                    tokio::time::sleep(BENCH_REFUSED_PAUSE).await;
                }
            }
        }
    }

    fn work_on(self: &Rc<Self>, job: Job) {
        self.tracker.borrow_mut().arrived(job.instance, self.now_us());
        let load = Rc::clone(self);
        spawn_local(async move {
            if !load.work_time.is_zero() {
                tokio::time::sleep(load.work_time).await;
            }
            load.complete(job).await;
        });
    }

    async fn complete(&self, job: Job) {
        loop {
            match self.target.complete(job.key).await {
                Ok(()) => {
                    let now_us = self.now_us();
                    let mut tracker = self.tracker.borrow_mut();
                    self.proceed(&tracker.job_completed(job.instance, now_us));
                    return;
                }
                Err(refusal) => {
                    self.tracker.borrow_mut().measured.refused("complete", &refusal);
                    if !refusal.is_backpressure {
                        return;
                    }
                    tokio::time::sleep(BENCH_REFUSED_PAUSE).await;
                }
            }
        }
    }
}
