//! The figures of a cluster for `docs/benchmarks.md`: one function a figure or a few that one setting gives.
//!
//! Each starts a cluster of its own in an empty folder, so that none inherits what another left.

mod deploy;
mod fail_over;
mod machine;
mod plot;
mod throughput;

use crate::cluster::Cluster;
use crate::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

/// A line of the table.
pub(crate) struct Figure {
    name: &'static str,
    must: &'static str,
    aim: &'static str,
}

const fn figure(name: &'static str, must: &'static str, aim: &'static str) -> Figure {
    Figure { name, must, aim }
}

/// What a measurement gives: the cell of each figure, and the raw numbers.
pub(crate) type Measured = Result<(Vec<String>, Value), String>;

/// Figures that one setting gives.
struct Group {
    name: &'static str,
    figures: &'static [Figure],
    measure: fn(&Settings) -> Measured,
}

const GROUPS: [Group; 7] = [
    Group {
        name: "start",
        figures: &[
            figure("start of the whole cluster to all leaders, median (max)", "3 s", "1 s"),
            figure("idle RSS per broker, largest", "60 MB", "30 MB"),
        ],
        measure: machine::start_and_idle,
    },
    Group {
        name: "throughput",
        figures: &[
            figure("`one_task` 500 B, 128 in flight", "2 000 PI/s", "4 000 PI/s"),
            figure("server CPU per instance, all nodes", "500 us", "250 us"),
        ],
        measure: throughput::plain,
    },
    Group {
        name: "slow-link",
        figures: &[figure("throughput with +100 ms on one link", "80 %", "95 %")],
        measure: throughput::slow_link,
    },
    Group {
        name: "kill",
        figures: &[
            figure(
                "leader killed under load: first success on every partition, p50",
                "600 ms",
                "300 ms",
            ),
            figure("the same, p99", "1.5 s", "1 s"),
        ],
        measure: fail_over::killed,
    },
    Group {
        name: "hand-over",
        figures: &[figure("planned leader hand-over: longest gap", "200 ms", "50 ms")],
        measure: fail_over::handed_over,
    },
    Group {
        name: "deployments",
        figures: &[figure("1 000 deployments, on all partitions", "5 s", "1 s")],
        measure: deploy::a_thousand,
    },
    Group {
        name: "cut",
        figures: &[
            figure(
                "leaders of partitions 1 and 3 cut for 30 s: slowest of five deploys",
                "0.2 s",
                "0.05 s",
            ),
            figure(
                "the same, heal to newest version startable on the far partition",
                "2 s",
                "0.5 s",
            ),
        ],
        measure: deploy::while_cut,
    },
];

/// Measures and prints a table in Markdown; the raw numbers go into the report.
pub(crate) fn run(settings: &Settings) {
    let probes = machine::probes(settings).unwrap_or_else(|message| json!({"failed": message}));
    println!("probes before: {probes}");
    let mut table = String::from("| figure | must | aim | Skep |\n|---|---|---|---|\n");
    let mut raw = serde_json::Map::new();
    let wanted = |group: &&Group| {
        settings.only.as_deref().is_none_or(|only| only.split(',').any(|part| part == group.name))
    };
    for group in GROUPS.iter().filter(wanted) {
        println!("measuring {} ...", group.name);
        // One figure that cannot be had does not take the others away.
        let (cells, numbers) = (group.measure)(settings).unwrap_or_else(|message| {
            println!("{}: {message}", group.name);
            let cell = format!("- ({})", message.lines().next().unwrap_or_default());
            (vec![cell; group.figures.len()], json!({"failed": message}))
        });
        for (figure, cell) in group.figures.iter().zip(cells) {
            let row = format!("| {} | {} | {} | {cell} |\n", figure.name, figure.must, figure.aim);
            print!("{row}");
            table.push_str(&row);
        }
        raw.insert(group.name.to_owned(), numbers);
    }
    let after = machine::probes(settings).unwrap_or_else(|message| json!({"failed": message}));
    println!("\n{table}\nprobes before: {probes}\nprobes after: {after}");
    if let Some(path) = &settings.report {
        let report =
            json!({"table": table, "figures": raw, "probesBefore": probes, "probesAfter": after});
        std::fs::write(path, format!("{report:#}\n"))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}

/// An empty cluster for a measurement.
fn fresh(settings: &Settings, name: &str, netns: bool) -> Result<Cluster, String> {
    Cluster::start(settings, &settings.folder.join(name), netns && settings.netns)
}

/// A share of sorted numbers: 0.5 is the middle one.
fn quantile(sorted: &[u64], share: f64) -> u64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).ceil() as usize;
    sorted.get(index.min(last)).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
