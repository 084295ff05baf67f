//! What is measured: latencies, counts, and how both develop second by second.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::refusal::Refusal;

/// Longest latency that is told apart, microseconds: ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;

/// Latencies of one kind of event.
pub(crate) struct Latency {
    whole: Histogram<u32>,
    second: Histogram<u32>,
}

/// Latencies in a few numbers, milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

impl Latency {
    fn new() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("these bounds are in order");
        Self { whole: histogram(), second: histogram() }
    }

    fn record(&mut self, latency_us: u64) {
        self.whole.saturating_record(latency_us);
        self.second.saturating_record(latency_us);
    }

    /// The whole measurement; `None` when nothing was recorded.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let quantile = |quantile| self.whole.value_at_quantile(quantile) as f64 / 1_000.0;
        (!self.whole.is_empty()).then(|| Summary {
            count: self.whole.len(),
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            max_ms: self.whole.max() as f64 / 1_000.0,
        })
    }

    /// Median and 99th percentile since the last call, milliseconds.
    fn take_second(&mut self) -> Option<(f64, f64)> {
        let quantile = |quantile| self.second.value_at_quantile(quantile) as f64 / 1_000.0;
        let taken = (!self.second.is_empty()).then(|| (quantile(0.5), quantile(0.99)));
        self.second.reset();
        taken
    }
}

/// One second of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Second {
    /// Seconds since the load began, warm-up included.
    pub(crate) at_s: f64,
    pub(crate) started_per_s: f64,
    pub(crate) completed_per_s: f64,
    pub(crate) refused_per_s: f64,
    pub(crate) create_p50_ms: Option<f64>,
    pub(crate) create_p99_ms: Option<f64>,
    pub(crate) instance_p50_ms: Option<f64>,
    pub(crate) instance_p99_ms: Option<f64>,
    pub(crate) is_warm_up: bool,
}

/// All that is counted and timed.
pub(crate) struct Measurements {
    /// From the intended start to the answer.
    pub(crate) create: Latency,
    /// From the answer that made a job available to its arrival at the worker.
    pub(crate) delivery: Latency,
    /// From the intended start to the answer to the last completion.
    pub(crate) instance: Latency,
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) refusals: BTreeMap<String, u64>,
    pub(crate) first_refusal: Option<String>,
    pub(crate) seconds: Vec<Second>,
    last_counts: (u64, u64, u64),
    last_at_s: f64,
}

impl Measurements {
    pub(crate) fn new() -> Self {
        Self {
            create: Latency::new(),
            delivery: Latency::new(),
            instance: Latency::new(),
            started: 0,
            completed: 0,
            refusals: BTreeMap::new(),
            first_refusal: None,
            seconds: Vec::new(),
            last_counts: (0, 0, 0),
            last_at_s: 0.0,
        }
    }

    /// An instance was started; `latency_us` is `None` when the answer came only with its end.
    pub(crate) fn started(&mut self, latency_us: Option<u64>) {
        self.started += 1;
        if let Some(latency_us) = latency_us {
            self.create.record(latency_us);
        }
    }

    pub(crate) fn delivered(&mut self, latency_us: u64) {
        self.delivery.record(latency_us);
    }

    pub(crate) fn completed(&mut self, latency_us: u64) {
        self.completed += 1;
        self.instance.record(latency_us);
    }

    /// A call that did not succeed; `doing` tells which.
    pub(crate) fn refused(&mut self, doing: &str, refusal: &Refusal) {
        *self.refusals.entry(format!("{doing} {}", refusal.code)).or_default() += 1;
        self.first_refusal.get_or_insert_with(|| format!("{doing}: {}", refusal.message));
    }

    fn refused_count(&self) -> u64 {
        self.refusals.values().sum()
    }

    /// Ends the current second and answers it.
    pub(crate) fn end_second(&mut self, at_s: f64, is_warm_up: bool) -> &Second {
        let counts = (self.started, self.completed, self.refused_count());
        let length_s = (at_s - self.last_at_s).max(1e-6);
        let rate = |now: u64, before: u64| (now - before) as f64 / length_s;
        let create = self.create.take_second();
        let instance = self.instance.take_second();
        self.seconds.push(Second {
            at_s,
            started_per_s: rate(counts.0, self.last_counts.0),
            completed_per_s: rate(counts.1, self.last_counts.1),
            refused_per_s: rate(counts.2, self.last_counts.2),
            create_p50_ms: create.map(|(p50, _)| p50),
            create_p99_ms: create.map(|(_, p99)| p99),
            instance_p50_ms: instance.map(|(p50, _)| p50),
            instance_p99_ms: instance.map(|(_, p99)| p99),
            is_warm_up,
        });
        (self.last_counts, self.last_at_s) = (counts, at_s);
        self.seconds.last().expect("one was pushed just now")
    }

    /// Forgets what the warm-up brought, except its seconds.
    pub(crate) fn end_warm_up(&mut self) {
        let seconds = std::mem::take(&mut self.seconds);
        let last_at_s = self.last_at_s;
        *self = Self { seconds, last_at_s, ..Self::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_milliseconds_of_what_was_recorded() {
        let mut latency = Latency::new();
        assert_eq!(latency.summary(), None);
        for latency_us in 1..=1_000 {
            latency.record(latency_us * 1_000);
        }
        let summary = latency.summary().expect("recorded");
        assert_eq!(summary.count, 1_000);
        assert!((summary.p50_ms - 500.0).abs() < 1.0, "{summary:?}");
        assert!((summary.p99_ms - 990.0).abs() < 1.5, "{summary:?}");
        assert!((summary.max_ms - 1_000.0).abs() < 1.5, "{summary:?}");
    }

    #[test]
    fn seconds_are_differences_and_the_warm_up_is_forgotten() {
        let mut measured = Measurements::new();
        measured.started(Some(10));
        measured.completed(20);
        assert_eq!(measured.end_second(0.5, true).completed_per_s, 2.0);
        measured.end_warm_up();
        assert_eq!((measured.started, measured.create.summary()), (0, None));
        measured.completed(20);
        let second = measured.end_second(1.5, false);
        assert_eq!((second.completed_per_s, second.create_p50_ms), (1.0, None));
        assert_eq!(measured.seconds.len(), 2);
    }
}
