//! The world of one simulation: a thread whose time stands still until nobody has anything to do,
//! and then jumps to the next point in time that somebody waits for.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, Once};
use std::time::Duration;

use skep_env::task::spawn_locally;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::net::SimNetwork;
use crate::seeds::Seeds;
use crate::trace::{Event, Kind, Trace};

/// How a simulation is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Keeps every event, to see where two runs part.
    pub record: bool,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Simulated<T> {
    /// What the scenario gave; the panic's text when it panicked.
    pub value: Result<T, String>,
    /// Hash over all events: equal for equal runs.
    pub trace_hash: u64,
    /// How many events there were.
    pub events: u64,
    /// Simulated time that has passed.
    pub simulated: Duration,
    /// Panics of production code, with their places. None is acceptable.
    pub panics: Vec<String>,
    /// The events, when they were recorded.
    pub recorded: Vec<Event>,
}

/// The world, for whoever acts in it. Clones are the same world.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    seeds: Seeds,
    start: Instant,
    trace: Arc<Trace>,
    network: SimNetwork,
}

impl World {
    /// Where random numbers come from.
    #[must_use]
    pub fn seeds(&self) -> Seeds {
        self.0.seeds
    }

    /// What has happened.
    #[must_use]
    pub fn trace(&self) -> &Arc<Trace> {
        &self.0.trace
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &SimNetwork {
        &self.0.network
    }

    /// When it began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.0.start
    }

    /// Simulated time since then.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.0.start)
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seeds", &self.0.seeds).finish_non_exhaustive()
    }
}

thread_local! {
    /// Panics on this thread, while it simulates.
    pub(crate) static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

thread_local! {
    /// The node whose code runs.
    static ACTING: Cell<Option<u32>> = const { Cell::new(None) };
}

thread_local! {
    /// When the simulation of this thread began.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Simulated time since the start, and the node whose code runs; `None` where nothing is simulated.
#[must_use]
pub fn whereabouts() -> Option<(Duration, Option<u32>)> {
    let began = BEGAN.get()?;
    Some((Instant::now().saturating_duration_since(began), ACTING.get()))
}

/// Runs code of a node: what panics in it is a panic of the node.
pub(crate) fn acting<T>(node: Option<u32>, body: impl FnOnce() -> T) -> T {
    let before = ACTING.replace(node);
    let result = body();
    ACTING.set(before);
    result
}

/// Panics of simulating threads are collected instead of printed.
fn collect_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // What reads records panics at an offence, and catches it.
            if skep_check::is_reading() {
                return;
            }
            let simulating = PANICS.try_with(|panics| match panics.try_borrow_mut() {
                Ok(mut panics) => panics.as_mut().map(|it| it.push(describe(info))).is_some(),
                Err(_) => false,
            });
            if simulating != Ok(true) {
                before(info);
            }
        }));
    });
}

fn describe(info: &std::panic::PanicHookInfo<'_>) -> String {
    match ACTING.get() {
        Some(node) => format!("node {node} {info}"),
        None => info.to_string(),
    }
}

/// Runs a scenario in a world of its own, in which `seed` decides everything.
pub fn simulate<T>(
    seed: u64,
    options: Options,
    scenario: impl AsyncFnOnce(World) -> T,
) -> Simulated<T> {
    collect_panics();
    PANICS.set(Some(Vec::new()));
    spawn_locally(true);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"));
    let tasks = LocalSet::new();
    let mut kept = None;
    let value = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(tasks.run_until(async {
            BEGAN.set(Some(Instant::now()));
            let trace = Arc::new(Trace::new(options.record));
            trace.add(Kind::Note, [seed, 0, 0, 0]);
            let seeds = Seeds::new(seed);
            let network = SimNetwork::new(seeds.part("network"), trace.clone());
            tokio::task::spawn_local(network.clone().run());
            let world = World(Rc::new(Inner { seeds, start: Instant::now(), trace, network }));
            kept = Some(world.clone());
            scenario(world).await
        }))
    }));
    let (mut trace_hash, mut events) = (0, 0);
    let (mut simulated, mut recorded) = (Duration::ZERO, Vec::new());
    if let Some(world) = kept {
        let _inside = runtime.enter();
        (trace_hash, events) = world.trace().hash();
        simulated = world.elapsed();
        recorded = world.trace().take_recorded();
    }
    {
        let _inside = runtime.enter();
        drop(tasks);
    }
    BEGAN.set(None);
    spawn_locally(false);
    let panics = PANICS.take().unwrap_or_default();
    let value = value.map_err(|_| panics.last().cloned().unwrap_or_default());
    Simulated { value, trace_hash, events, simulated, panics, recorded }
}
