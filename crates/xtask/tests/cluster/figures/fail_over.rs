//! How long a partition is without a leader: killed, and handed over in order.

use super::{Measured, fresh, ms, plot, quantile};
use crate::cluster::{Cluster, Kill};
use crate::load::Load;
use crate::look;
use crate::settings::{Mode, Settings};
use crate::work;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a partition may take to answer again before the measurement is given up.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Load between two faults.
const CALM: Duration = Duration::from_millis(1_000);

/// How long a cluster may take to serve again with all nodes.
const HEAL_MAX: Duration = Duration::from_secs(60);

/// Hand-overs that are measured.
const HAND_OVERS: usize = 10;

/// A window around a hand-over, long enough for what it causes.
const WINDOW: Duration = Duration::from_secs(2);

/// Kills that are drawn.
const DRAWN: usize = 6;

/// Kills the leader of each partition in turn, and takes the time until every partition has answered a creation that was sent after the
/// kill. 100 creations a second, so 10 ms is as exact as it gets.
pub(super) fn killed(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "kill", false)?;
    let runtime = work::runtime();
    let mut load = runtime.block_on(Load::start(&cluster, settings.rate_per_s));
    let partitions = cluster.partitions();
    let rounds = if settings.mode == Mode::Full { settings.rounds } else { 5 };
    let (mut times, mut marks) = (Vec::new(), Vec::new());
    std::thread::sleep(CALM);
    for round in 0..rounds {
        let status = cluster.status()?;
        let partition = u64::from(round) % partitions + 1;
        let leader = status.leaders().get(&partition).cloned();
        let leader = leader.ok_or_else(|| format!("partition {partition} has no leader"))?;
        let kill = Cluster::kill_process(status.pid(&leader)?)?;
        marks.push((load.clock.at_us(kill.at), leader.clone()));
        times.push(first_success_everywhere(&load, partitions, kill)?);
        cluster.run(&["restart", &leader, "--kill", "--wait", "0"])?;
        cluster.wait_until_it_serves(HEAL_MAX)?;
        std::thread::sleep(CALM);
    }
    runtime.block_on(load.stop_creating());
    runtime.block_on(load.stop_working());
    let violations = load.ledger.verdict().iter().filter(|text| !text.contains("never be")).count();
    draw(settings, &load, partitions, marks)?;
    cluster.delete()?;
    let raw = json!({"killsMs": times, "violations": violations});
    times.sort_unstable();
    let cells = vec![
        format!("{} ms", quantile(&times, 0.5)),
        format!(
            "{} ms ({} kills, longest {} ms)",
            quantile(&times, 0.99),
            times.len(),
            quantile(&times, 1.0)
        ),
    ];
    Ok((cells, raw))
}

/// Draws the first kills into the folder of the run.
fn draw(
    settings: &Settings,
    load: &Load,
    partitions: u64,
    mut marks: Vec<(u64, String)>,
) -> Result<(), String> {
    marks.truncate(DRAWN);
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return Ok(()) };
    let margin = 1_000_000;
    let window = first.0.saturating_sub(margin)..last.0 + 2 * margin;
    let at_ms = |at: u64| (at - window.start) / 1_000;
    let rows: Vec<plot::Row> = (1..=partitions)
        .map(|partition| {
            let answers = load.availability.answers_us(partition, &window);
            (partition, answers.into_iter().map(at_ms).collect())
        })
        .collect();
    let marks: Vec<_> = marks.into_iter().map(|(at, node)| (at_ms(at), node)).collect();
    let title = format!("{} creations a second, leaders killed", settings.rate_per_s);
    let text = plot::svg(&title, &rows, &marks, at_ms(window.end));
    let path = settings.folder.join("fail-over.svg");
    std::fs::write(&path, text)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!("plot: {}", path.display());
    Ok(())
}

/// Milliseconds from the kill until every partition has answered something that was asked when the process was gone.
fn first_success_everywhere(load: &Load, partitions: u64, kill: Kill) -> Result<u64, String> {
    let (at, since) = (load.clock.at_us(kill.at), load.clock.at_us(kill.dead));
    let last = look::until(ANSWER_MAX, Duration::from_millis(5), || {
        let first: Option<Vec<u64>> = (1..=partitions)
            .map(|partition| load.availability.first_success_us(partition, since))
            .collect();
        Ok(first.and_then(|first| first.into_iter().max()))
    })?;
    let last =
        last.ok_or_else(|| format!("not every partition answers {ANSWER_MAX:?} after a kill"))?;
    Ok((last - at) / 1_000)
}

/// Moves leaders in order, and takes the longest time that a partition did not answer. Five times as many creations as for kills: the gaps
/// are short.
pub(super) fn handed_over(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "hand-over", false)?;
    let runtime = work::runtime();
    let mut load = runtime.block_on(Load::start(&cluster, settings.rate_per_s * 5));
    std::thread::sleep(CALM);
    let (mut gaps, mut moved) = (Vec::new(), 0);
    for round in 0..HAND_OVERS {
        // A broker that was away leads nothing; the rebalancing gives it back what it should lead.
        let brokers = cluster.brokers();
        let broker = &brokers[round % brokers.len()];
        cluster.run(&["restart", broker, "--wait", "60"])?;
        std::thread::sleep(CALM);
        let before = cluster.status()?.leaders();
        let began = Instant::now();
        cluster.run(&["rebalance"])?;
        std::thread::sleep(WINDOW);
        let window = load.clock.at_us(began)..load.clock.now_us();
        let after = cluster.status()?.leaders();
        for (partition, leader) in &before {
            if after.get(partition).is_some_and(|now| now != leader) {
                moved += 1;
                gaps.push(load.availability.longest_gap_us(*partition, &window) / 1_000);
            }
        }
    }
    runtime.block_on(load.stop_creating());
    runtime.block_on(load.stop_working());
    cluster.delete()?;
    if gaps.is_empty() {
        return Err("no leader was moved".to_owned());
    }
    let raw = json!({"gapsMs": gaps, "handOvers": moved, "windowMs": ms(WINDOW)});
    gaps.sort_unstable();
    let cell = format!(
        "{} ms (median {} ms of {moved} hand-overs)",
        quantile(&gaps, 1.0),
        quantile(&gaps, 0.5)
    );
    Ok((vec![cell], raw))
}
