//! Measures what fault points cost where none is armed: nanoseconds of a piece of work without a fault point, with
//! one in a node that was not started for chaos, and with one in a node that was. Best of many rounds, which take turns,
//! so that a machine that slows down slows down all of them. Build with `--release`:
//! `cargo run --release -p skep-env --example fault_points`.
#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_env::fault::{ChaosClock, FaultParts, FaultPoints};
use skep_env::{Clock, SystemClock};

const ROUNDS: u32 = 400;
const CALLS: u32 = 20_000;

/// Nanoseconds of one call of each piece of work, the best round.
fn measure<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    for _ in 0..ROUNDS {
        for (work, best) in works.iter_mut().zip(&mut best) {
            let began = Instant::now();
            work();
            *best = best.min(began.elapsed().as_nanos() as f64 / f64::from(CALLS));
        }
    }
    best
}

/// What a link does with a frame, as far as it matters here: it goes into a queue, and out again.
#[derive(Default)]
struct Queue(Mutex<VecDeque<Bytes>>);

impl Queue {
    fn pass(&self, frame: &Bytes) {
        self.0.lock().push_back(frame.clone());
        black_box(self.0.lock().pop_front());
    }
}

fn points() -> Arc<FaultPoints> {
    FaultPoints::new(FaultParts {
        own: "broker-0".to_owned(),
        clock: None,
        time: Arc::new(SystemClock),
        has_disk: true,
        crash_points: Vec::new(),
        commands: Vec::new(),
        end: Box::new(|_| ()),
    })
}

/// A frame on a link: no fault point, a node without chaos, a node with it.
fn frames() -> [f64; 3] {
    let (queue, frame) = (Queue::default(), Bytes::from_static(&[7; 256]));
    let through = |points: &Option<Arc<FaultPoints>>| {
        let points = black_box(points);
        for _ in 0..CALLS {
            match points {
                Some(points) if points.has_messages() => unreachable!("nothing is armed"),
                _ => queue.pass(&frame),
            }
        }
    };
    let (none, some) = (None, Some(points()));
    measure([
        &mut || (0..CALLS).for_each(|_| queue.pass(&frame)),
        &mut || through(&none),
        &mut || through(&some),
    ])
}

/// A place of a crash behind a step of work: no place, and one that is not armed.
fn crashes() -> [f64; 2] {
    let step = |sum: u64| black_box(sum.wrapping_mul(31).wrapping_add(7));
    measure([&mut || _ = (0..CALLS).fold(1, |sum, _| step(sum)), &mut || {
        _ = (0..CALLS).fold(1, |sum, _| {
            let sum = step(sum);
            skep_env::crash_point!("nowhere");
            sum
        });
    }])
}

/// The time: the clock of a node without chaos, which is not wrapped, and that of a node with it.
fn clocks() -> [f64; 2] {
    let system: Arc<dyn Clock> = Arc::new(SystemClock);
    let chaos: Arc<dyn Clock> = Arc::new(ChaosClock::new(system.clone()));
    let ask = |clock: &Arc<dyn Clock>| {
        let clock = black_box(clock);
        for _ in 0..CALLS {
            black_box(clock.now_ms());
        }
    };
    measure([&mut || ask(&system), &mut || ask(&chaos)])
}

fn main() {
    let mut out = std::io::stdout().lock();
    let [bare, without, with] = frames();
    let [no_place, place] = crashes();
    let [clock, wrapped] = clocks();
    let lines = [
        format!(
            "frame on a link: {bare:.2} ns bare, {without:.2} ns without --chaos, {with:.2} ns with --chaos"
        ),
        format!(
            "crash point: {no_place:.2} ns without the place, {place:.2} ns with it, not armed"
        ),
        format!("clock: {clock:.2} ns without --chaos, {wrapped:.2} ns with --chaos"),
    ];
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
}
