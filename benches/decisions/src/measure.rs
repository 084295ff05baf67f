//! Time of one call on this core, and what this core is.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds, of which the best counts: whatever else the machine does only makes a round slower.
const ROUNDS: u32 = 9;

/// How long a round takes.
const ROUND: Duration = Duration::from_millis(40);

/// Nanoseconds of one call, the best round.
pub fn nanoseconds<R>(mut call: impl FnMut() -> R) -> f64 {
    let mut batch = 1u32;
    // As many calls between two looks at the clock as take about a hundredth of a round.
    loop {
        let start = Instant::now();
        for _ in 0..batch {
            black_box(call());
        }
        if start.elapsed() > ROUND / 100 || batch > 1 << 20 {
            break;
        }
        batch *= 2;
    }
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let (start, mut calls) = (Instant::now(), 0u32);
        while start.elapsed() < ROUND {
            for _ in 0..batch {
                black_box(call());
            }
            calls += batch;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}

/// The model of the processor.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

/// How long a fixed piece of arithmetic takes: a thousand dependent steps of a random generator.
pub fn yardstick() -> f64 {
    nanoseconds(|| {
        let mut state = black_box(1u64);
        for _ in 0..1_000 {
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        }
        state
    })
}
