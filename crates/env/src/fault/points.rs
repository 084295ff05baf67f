//! The faults that are armed in a node.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::armed::Armed;
use super::clock::{ChaosClock, Error};
use super::message::Route;
use super::{
    CrashPoint, FaultKind, FaultSpec, FaultStatus, NODE_ANY, Refusal, crash, metrics as names,
    pause,
};
use crate::{Clock, SeededRandom, task};

/// Faults that are armed at a time at most: each message is held against all of them.
const FAULTS_MAX: usize = 64;

/// Faults that have ended and are still told of.
const ENDED_MAX: usize = 32;

/// How long after the answer a process stops that was told to: the answer has to get out.
const PAUSE_AFTER: Duration = Duration::from_millis(100);

/// What a node is, as far as faults have to know.
pub struct FaultParts {
    /// How faults call this node: `broker-0`, or `gateway`.
    pub own: String,
    /// The clock of the node, unless it is moved by hand.
    pub clock: Option<Arc<ChaosClock>>,
    /// What the life of faults is measured by.
    pub time: Arc<dyn Clock>,
    /// Whether the node has a disk that faults can reach.
    pub has_disk: bool,
    /// The places that a crash can be armed at.
    pub crash_points: Vec<CrashPoint>,
    /// The commands between partitions that a fault can name.
    pub commands: Vec<&'static str>,
    /// Ends the process, at the place of this name.
    pub end: Box<dyn Fn(&str) + Send + Sync>,
}

/// What faults of messages may name right now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// The other nodes.
    pub nodes: Vec<String>,
    /// How many partitions there are.
    pub partitions: u32,
}

/// The faults of one node.
pub struct FaultPoints {
    pub(super) parts: FaultParts,
    this: Weak<Self>,
    pub(super) of_messages: AtomicBool,
    pub(super) of_disk: AtomicBool,
    pub(super) state: Mutex<State>,
    /// Wakes what a slow disk holds.
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    made: u64,
    /// By the order in which they were armed.
    pub(super) armed: BTreeMap<u64, Armed>,
    ended: VecDeque<FaultStatus>,
}

impl fmt::Debug for FaultPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultPoints").field("own", &self.parts.own).finish_non_exhaustive()
    }
}

impl FaultPoints {
    /// A node with nothing armed.
    #[must_use]
    pub fn new(parts: FaultParts) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            parts,
            this: this.clone(),
            of_messages: AtomicBool::new(false),
            of_disk: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// How faults call this node.
    #[must_use]
    pub fn own(&self) -> &str {
        &self.parts.own
    }

    /// The places that a crash can be armed at.
    #[must_use]
    pub fn crash_points(&self) -> &[CrashPoint] {
        &self.parts.crash_points
    }

    /// The commands between partitions that a fault can name.
    #[must_use]
    pub fn commands(&self) -> &[&'static str] {
        &self.parts.commands
    }

    /// Arms a fault; it acts when this returns, but for a pause, which begins as soon as the answer has
    /// had time to leave. To be called inside a runtime.
    ///
    /// # Errors
    /// When it could not hit anything; the reason says what to do.
    pub fn arm(&self, spec: FaultSpec, targets: &Targets) -> Result<FaultStatus, Refusal> {
        spec.check()?;
        let route = self.check_targets(&spec, targets)?;
        let now_us = self.parts.time.monotonic_us();
        let life = Duration::from_millis(spec.ttl_ms);
        let expires_us = now_us.saturating_add(u64::try_from(life.as_micros()).unwrap_or(u64::MAX));
        let (number, id) = self.insert(spec.clone(), route, now_us, expires_us)?;
        let this = self.this.clone();
        let expiry = task::spawn(async move {
            tokio::time::sleep(life).await;
            if let Some(this) = this.upgrade() {
                this.end_one(number, "expired");
            }
        });
        let mut state = self.state.lock();
        let Some(armed) = state.armed.get_mut(&number) else {
            return Err(Refusal::conflict(format!(
                "the fault {id} was cleared while it was armed"
            )));
        };
        armed.expiry = Some(expiry.abort_handle());
        if spec.fault == FaultKind::Pause {
            armed.hit();
        }
        let status = armed.status(now_us);
        self.retune(&state);
        drop(state);
        tracing::warn!(
            id,
            fault = spec.fault.name(),
            ttl_ms = spec.ttl_ms,
            "fault armed: {}",
            status.text
        );
        metrics::counter!(names::ARMED_TOTAL, "fault" => spec.fault.name()).increment(1);
        self.apply_clock();
        if spec.fault == FaultKind::Pause {
            begin_pause(life);
        }
        Ok(status)
    }

    fn insert(
        &self,
        spec: FaultSpec,
        route: Option<Route>,
        now_us: u64,
        expires_us: u64,
    ) -> Result<(u64, String), Refusal> {
        let mut state = self.state.lock();
        if state.armed.len() >= FAULTS_MAX {
            return Err(Refusal::conflict(format!(
                "{FAULTS_MAX} faults are armed here already; clear some first"
            )));
        }
        state.made += 1;
        let number = state.made;
        let id = spec.id.clone().unwrap_or_else(|| format!("{}-{number}", spec.fault.name()));
        if state.armed.values().any(|armed| armed.id == id) {
            return Err(Refusal::conflict(format!(
                "there is a fault {id} already; clear it first, or choose another id"
            )));
        }
        let armed = Armed {
            id: id.clone(),
            route,
            began_us: now_us,
            expires_us,
            seen: 0,
            hits: 0,
            room: spec.room_bytes.unwrap_or_default(),
            random: SeededRandom::new(spec.seed.unwrap_or(number)),
            expiry: None,
            spec,
        };
        state.armed.insert(number, armed);
        Ok((number, id))
    }

    fn check_targets(&self, spec: &FaultSpec, targets: &Targets) -> Result<Option<Route>, Refusal> {
        match spec.fault {
            FaultKind::DiskFull | FaultKind::SlowFsync | FaultKind::DiskError
                if !self.parts.has_disk =>
            {
                Err(Refusal::conflict(format!(
                    "{} keeps nothing on a disk; arm it at a broker with a data folder",
                    self.parts.own
                )))
            }
            FaultKind::Clock if self.parts.clock.is_none() => Err(Refusal::conflict(
                "this clock is moved by hand (--virtual-time); use POST /actuator/clock/add",
            )),
            FaultKind::Crash => {
                let point = spec.point.as_deref().unwrap_or_default();
                if self.parts.crash_points.iter().any(|known| known.name == point) {
                    return Ok(None);
                }
                Err(Refusal::not_found(format!(
                    "there is no place '{point}'; GET /actuator/chaos/points lists them"
                )))
            }
            kind if kind.is_of_messages() => self.check_messages(spec, targets).map(Some),
            _ => Ok(None),
        }
    }

    fn check_messages(&self, spec: &FaultSpec, targets: &Targets) -> Result<Route, Refusal> {
        let route = Route::of(spec, &self.parts.own)?;
        if targets.nodes.is_empty() {
            return Err(Refusal::conflict(format!(
                "{} knows no other node: there are no messages that could be lost",
                self.parts.own
            )));
        }
        if let Some(peer) = route.peer()
            && !targets.nodes.iter().any(|node| node == peer)
        {
            return Err(Refusal::not_found(format!(
                "{} knows no {peer}; it knows {}, and {NODE_ANY} for all of them",
                self.parts.own,
                targets.nodes.join(", ")
            )));
        }
        if let Some(partition) = spec.partition
            && partition > targets.partitions
        {
            return Err(Refusal::not_found(format!(
                "there is no partition {partition}; there are {} (0 is the configuration of the cluster)",
                targets.partitions
            )));
        }
        if let Some(name) = &spec.name
            && !self.parts.commands.contains(&name.as_str())
        {
            return Err(Refusal::not_found(format!(
                "no command {name} goes from partition to partition; there are {}",
                self.parts.commands.join(", ")
            )));
        }
        Ok(route)
    }

    /// What is armed.
    #[must_use]
    pub fn list(&self) -> Vec<FaultStatus> {
        let now_us = self.parts.time.monotonic_us();
        self.state.lock().armed.values().map(|armed| armed.status(now_us)).collect()
    }

    /// What has ended lately, the last one last.
    #[must_use]
    pub fn ended(&self) -> Vec<FaultStatus> {
        self.state.lock().ended.iter().cloned().collect()
    }

    /// Ends a fault; none when there is no such fault.
    pub fn clear(&self, id: &str) -> Option<FaultStatus> {
        let found = {
            let state = self.state.lock();
            state.armed.iter().find(|(_, armed)| armed.id == id).map(|(number, _)| *number)
        };
        self.end_one(found?, "cleared")
    }

    /// Ends all faults.
    pub fn clear_all(&self) -> Vec<FaultStatus> {
        let numbers: Vec<_> = self.state.lock().armed.keys().copied().collect();
        numbers.into_iter().filter_map(|number| self.end_one(number, "cleared")).collect()
    }

    fn end_one(&self, number: u64, how: &'static str) -> Option<FaultStatus> {
        let mut state = self.state.lock();
        let armed = state.armed.remove(&number)?;
        let fault = armed.spec.fault.name();
        let status = FaultStatus { remaining_ms: 0, ..armed.status(u64::MAX) };
        state.ended.push_back(status.clone());
        if state.ended.len() > ENDED_MAX {
            state.ended.pop_front();
        }
        self.retune(&state);
        self.changed.notify_all();
        drop(state);
        if how == "cleared"
            && let Some(expiry) = armed.expiry
        {
            expiry.abort();
        }
        metrics::counter!(names::ENDED_TOTAL, "fault" => fault, "how" => how).increment(1);
        tracing::warn!(id = armed.id, fault, hits = armed.hits, "fault {how}: {}", status.text);
        self.apply_clock();
        Some(status)
    }

    /// Lets the places that ask know whether asking makes sense.
    fn retune(&self, state: &State) {
        let any = |is_it: &dyn Fn(FaultKind) -> bool| {
            state.armed.values().any(|armed| is_it(armed.spec.fault))
        };
        self.of_messages.store(any(&FaultKind::is_of_messages), Ordering::Release);
        let of_disk = |kind| {
            matches!(kind, FaultKind::DiskFull | FaultKind::SlowFsync | FaultKind::DiskError)
        };
        self.of_disk.store(any(&of_disk), Ordering::Release);
        if let Some(this) = self.this.upgrade() {
            crash::set(&this, any(&|kind| kind == FaultKind::Crash));
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a few")]
        metrics::gauge!(names::ARMED).set(state.armed.len() as f64);
    }

    /// Makes the clock as wrong as it is to be. Outside of the lock: whoever waits for a time reads it.
    fn apply_clock(&self) {
        let Some(clock) = &self.parts.clock else { return };
        let errors = {
            let state = self.state.lock();
            let of_clock =
                state.armed.values().filter(|armed| armed.spec.fault == FaultKind::Clock);
            let error = |armed: &Armed| Error {
                offset_ms: armed.spec.offset_ms.unwrap_or_default(),
                drift_ppm: armed.spec.drift_ppm.unwrap_or_default(),
                since_us: armed.began_us,
            };
            of_clock.map(error).collect()
        };
        clock.set(errors);
    }
}

/// Lets the process stand still, soon.
fn begin_pause(length: Duration) {
    task::spawn(async move {
        tokio::time::sleep(PAUSE_AFTER).await;
        let paused = tokio::task::spawn_blocking(move || pause::pause(length)).await;
        if let Ok(Err(error)) = paused {
            tracing::error!(%error, "the process cannot stop itself");
        }
    });
}
