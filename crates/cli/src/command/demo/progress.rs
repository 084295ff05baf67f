//! What the demo shows: one moving line on a terminal, plain lines elsewhere, and a summary.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use skep_gateway::management::MetricsHandle;
use skep_gateway::server::BoundAddresses;

use super::orders::Counters;
use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::server::reachable;

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Local(format!("cannot write to stdout: {error}")))
}

/// The server is up.
pub(super) fn started(
    addresses: &BoundAddresses,
    config: &ServerConfig,
    took: Duration,
) -> Result<(), Failure> {
    print(&format!(
        "skep {} is up after {} ms: gRPC {}, REST http://{}/v2, {} partition(s), data in {}",
        env!("CARGO_PKG_VERSION"),
        took.as_millis(),
        reachable(addresses.grpc),
        reachable(addresses.rest),
        config.partitions,
        if config.in_memory { "memory".to_owned() } else { config.data_dir.display().to_string() },
    ))
}

/// The server stays up.
pub(super) fn kept(addresses: &BoundAddresses) -> Result<(), Failure> {
    print(&format!(
        "\nThe server stays up until Ctrl-C. Try, in another terminal:\n  \
         skep status --address {grpc}\n  \
         skep create instance order --variables '{{\"orderId\": \"mine\", \"number\": 1, \"total\": 5}}' --address {grpc}\n  \
         skep evaluate decision price --variables '{{\"number\": 20, \"total\": 80}}' --address {grpc}\n  \
         curl http://{management}/metrics",
        grpc = reachable(addresses.grpc),
        management = reachable(addresses.management),
    ))
}

/// Follows the counters.
pub(super) struct Progress {
    metrics: MetricsHandle,
    counters: Arc<Counters>,
    bar: Option<ProgressBar>,
    last: (Duration, u64, u64),
}

impl Progress {
    pub(super) fn new(metrics: MetricsHandle, counters: Arc<Counters>) -> Self {
        let bar = std::io::stdout().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        Self { metrics, counters, bar, last: (Duration::ZERO, 0, 0) }
    }

    /// Shows where things are.
    pub(super) fn tick(&mut self, elapsed: Duration) -> Result<(), Failure> {
        let finished = self.counters.finished.load(Ordering::Relaxed);
        let jobs = self.counters.jobs.load(Ordering::Relaxed);
        let (before, finished_before, jobs_before) = self.last;
        let seconds = (elapsed - before).as_secs_f64().max(0.001);
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        self.last = (elapsed, finished, jobs);
        let line = format!(
            "{:>3} s  orders {} started, {} finished ({:.0}/s), {} under way; jobs {} ({:.0}/s); timers {}; messages {}",
            elapsed.as_secs(),
            self.counters.started.load(Ordering::Relaxed),
            finished,
            rate(finished, finished_before),
            self.counters.open(),
            jobs,
            rate(jobs, jobs_before),
            self.commands("TIMER", "TRIGGER"),
            self.counters.messages.load(Ordering::Relaxed),
        );
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
                Ok(())
            }
            None => print(&line),
        }
    }

    /// Commands of one kind that the server has processed, from its metrics.
    fn commands(&self, value_type: &str, intent: &str) -> u64 {
        let value_type = format!("value_type=\"{value_type}\"");
        let intent = format!("intent=\"{intent}\"");
        self.metrics
            .render()
            .lines()
            .filter(|line| {
                line.starts_with("skep_commands_total{")
                    && line.contains(&value_type)
                    && line.contains(&intent)
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// The closing summary; an error when an order did not finish.
    pub(super) fn summary(self, elapsed: Duration) -> Result<(), Failure> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let counters = &self.counters;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (started, finished) = (count(&counters.started), count(&counters.finished));
        let seconds = elapsed.as_secs_f64().max(0.001);
        print(&format!(
            "\nAfter {seconds:.1} s\n  \
             orders      {started} started, {finished} finished ({:.0}/s)\n  \
             decisions   {} prices by a graph of 4 decisions, {:.2} in discounts\n  \
             jobs        {} completed ({:.0}/s), {} failed and tried again, {} threw an error\n  \
             timers      {} fired\n  \
             messages    {} published\n  \
             order time  {} (the carrier alone takes 500 ms)\n  \
             publishing  {}",
            finished as f64 / seconds,
            count(&counters.priced),
            count(&counters.discounts) as f64 / 100.0,
            count(&counters.jobs),
            count(&counters.jobs) as f64 / seconds,
            count(&counters.jobs_failed),
            count(&counters.errors_thrown),
            self.commands("TIMER", "TRIGGER"),
            count(&counters.messages),
            latencies(&counters.order_us.lock()),
            latencies(&counters.message_us.lock()),
        ))?;
        if count(&counters.refused) > 0 {
            print(&format!(
                "  refused     {} orders found the server full and came again",
                count(&counters.refused)
            ))?;
        }
        if finished == started && started > 0 {
            return print("Every order that was started has finished.");
        }
        let cause = counters.last_error.lock().clone();
        Err(Failure::Local(format!(
            "{} of {started} orders did not finish{}",
            started - finished,
            cause.map(|cause| format!("; the last error was: {cause}")).unwrap_or_default()
        )))
    }
}

fn latencies(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    format!("p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.95), at(0.99))
}
