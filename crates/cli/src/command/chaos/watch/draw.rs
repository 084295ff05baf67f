//! The live view as lines.

use std::time::{Duration, Instant};

use skep_chaos::Phase;

use super::cluster::ClusterView;
use super::model::{Model, Step};

/// Steps that are shown at most: the running ones and the last that ended.
const STEPS_MAX: usize = 8;

/// Verdicts that are shown at most.
const VERDICTS_MAX: usize = 4;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Title,
    Plain,
    Good,
    Bad,
}

/// A line and how it looks.
pub(super) type Row = (Look, String);

/// Draws all of it, as things are `now`.
pub(super) fn draw(model: &Model, cluster: Option<&ClusterView>, now: Instant) -> Vec<Row> {
    let mut rows = vec![(Look::Title, headline(model, now))];
    rows.extend(model.steps.iter().rev().take(STEPS_MAX).rev().map(|step| step_row(step, now)));
    if let Some(until) = model.paused_until {
        let left = until.saturating_duration_since(now);
        rows.push((Look::Plain, format!("  .. pausing, {} left", seconds(left))));
    }
    for verdict in model.verdicts.iter().rev().take(VERDICTS_MAX).rev() {
        rows.push((Look::Bad, format!("  {verdict}")));
    }
    if let Some(cluster) = cluster {
        rows.extend(cluster_rows(cluster));
    }
    rows
}

fn headline(model: &Model, now: Instant) -> String {
    let state = match (model.end, model.phase) {
        (Some((_, true)), _) => "deviated".to_owned(),
        (Some((status, false)), _) => format!("{status:?}").to_lowercase(),
        (None, Some(phase)) => match model.to_come {
            0 => name(phase),
            more => format!("{}, {more} to come", name(phase)),
        },
        (None, None) => "validating".to_owned(),
    };
    format!("{}  {}  [{state}]", model.title, seconds(now - model.began))
}

fn name(phase: Phase) -> String {
    format!("{phase:?}").to_lowercase()
}

fn step_row(step: &Step, now: Instant) -> Row {
    let (look, mark, time) = match step.ended {
        Some(ended) if ended.good => (Look::Good, "ok", seconds(ended.took)),
        Some(ended) => (Look::Bad, "!!", seconds(ended.took)),
        None => (Look::Plain, "..", running(step, now)),
    };
    let phase = name(step.phase);
    (look, format!("  {mark} {phase:9}  {}  {time}", step.title))
}

fn running(step: &Step, now: Instant) -> String {
    let elapsed = now - step.began;
    match step.limit {
        Some(limit) => {
            format!("{}, {} left", seconds(elapsed), seconds(limit.saturating_sub(elapsed)))
        }
        None => seconds(elapsed),
    }
}

fn cluster_rows(cluster: &ClusterView) -> Vec<Row> {
    let mut rows = vec![(Look::Title, "cluster".to_owned())];
    let width = cluster.nodes.iter().map(|node| node[0].len()).max().unwrap_or_default();
    for [name, state, roles] in &cluster.nodes {
        let look = if state == "running" { Look::Plain } else { Look::Bad };
        rows.push((look, format!("  {name:width$}  {state:8}  {roles}")));
    }
    let records: Vec<String> =
        cluster.records.iter().map(|(partition, count)| format!("{partition}: {count}")).collect();
    if !records.is_empty() {
        rows.push((Look::Plain, format!("  records  {}", records.join("  "))));
    }
    for fault in &cluster.faults {
        let left = fault.remaining_ms.map(|ms| seconds(Duration::from_millis(ms)));
        let left = left.map_or_else(String::new, |left| format!(", {left} left"));
        let hits = fault.hits.map_or_else(String::new, |hits| format!(", hit {hits} times"));
        rows.push((Look::Bad, format!("  fault  {}{left}{hits}", fault.text)));
    }
    rows
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use skep_chaos::{Event, Status};

    use super::*;

    #[test]
    fn what_runs_shows_how_long_it_has_and_what_is_broken() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut model = Model::new(began);
        let experiment = json!({});
        model.see(&Event::RunStarted { title: "Bees", experiment: &experiment }, began);
        model.see(&Event::PhaseStarted { phase: Phase::Method, activities: 2 }, began);
        let activity = json!({"type": "action", "name": "Smoke", "provider": {"timeout": 5}});
        let started = |id| Event::ActivityStarted {
            phase: Phase::Method,
            id,
            activity: &activity,
            background: false,
        };
        model.see(&started(1), at(500));
        let cluster = ClusterView {
            nodes: vec![
                ["broker-0".into(), "running".into(), "1 leader".into()],
                ["broker-1".into(), "paused".into(), String::new()],
            ],
            records: [(1, 7)].into(),
            ..ClusterView::default()
        };
        let text = |model: &Model, now| -> Vec<String> {
            draw(model, Some(&cluster), now).into_iter().map(|(_, line)| line).collect()
        };
        assert_eq!(
            text(&model, at(1_500)),
            [
                "Bees  1.5 s  [method, 1 to come]",
                "  .. method     Action: Smoke  1.0 s, 4.0 s left",
                "cluster",
                "  broker-0  running   1 leader",
                "  broker-1  paused    ",
                "  records  1: 7",
            ]
        );
        let pausing = Event::Pausing { phase: Phase::Method, seconds: 2.0, before: false };
        model.see(&pausing, at(2_000));
        assert!(text(&model, at(3_000)).contains(&"  .. pausing, 1.0 s left".to_owned()));
        model.see(&Event::Ended { status: Status::Completed, deviated: false }, at(4_000));
        assert_eq!(text(&model, at(4_000))[0], "Bees  4.0 s  [completed]");
    }
}
