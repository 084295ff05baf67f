//! A round: an experiment that is a function of the seed, the number of the round and the cluster.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use skep_env::{Random, SeededRandom};

use super::catalog::{self, Step};
use super::shape::Shape;

/// Seconds that a step may take: a cluster that heals has minutes.
const STEP_SECONDS: u64 = 300;

/// Faults of one round at most: they overlap.
const FAULTS_MAX: u64 = 3;

/// The experiment of a round; `program` runs its steps.
pub(super) fn experiment(seed: u64, round: u64, shape: Shape, program: &Path) -> Value {
    let random = SeededRandom::new(seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let probe = |step: &Step| activity("probe", step, program);
    let whole: Vec<Value> = catalog::whole(shape).iter().map(probe).collect();
    let capture =
        Step { name: "Remember the incidents".to_owned(), words: words("zbchaos capture") };
    let mut method = vec![activity("action", &capture, program)];
    let mut names = BTreeSet::new();
    for _ in 0..=random.below(2) {
        let mut works = catalog::work(&random);
        // Two that deploy the same versions at once would take each other's.
        if !works.iter().all(|work| names.insert(work.name.clone())) {
            continue;
        }
        let last = works.pop();
        method.extend(works.iter().map(probe));
        if let Some(work) = last {
            let mut work = probe(&work);
            work["background"] = true.into();
            work["tolerance"] = json!(catalog::WORK_MAY_END_WITH);
            method.push(work);
        }
    }
    let faults: Vec<_> =
        (0..=random.below(FAULTS_MAX)).map(|_| catalog::fault(&random, shape)).collect();
    for fault in &faults {
        // A probe, because only those have a tolerance.
        let mut begin = activity("probe", &fault.begin, program);
        begin["tolerance"] = json!(catalog::FAULT_MAY_END_WITH);
        if fault.lasts_s > 0 {
            begin["pauses"] = json!({ "after": fault.lasts_s });
        }
        method.push(begin);
    }
    let ends: Vec<Value> = faults
        .iter()
        .filter_map(|fault| fault.end.as_ref())
        .map(|end| activity("action", end, program))
        .collect();
    method.extend(ends);
    let clear =
        Step { name: "End all faults".to_owned(), words: words("chaos faults clear --all") };
    json!({
        "version": "0.1.0",
        "title": format!("Soak {seed}, round {round}"),
        "description": "Made by chance: faults and work at the same time; afterwards everything has to be whole.",
        "steady-state-hypothesis": { "title": "The cluster is whole", "probes": whole },
        "method": method,
        "rollbacks": [activity("action", &clear, program)],
    })
}

/// Since when a round had no fault, epoch milliseconds: when all nodes were ready afterwards. None when
/// they were not. `ended_ms`: when the round ended; its journal says how long each step took.
pub(super) fn healed_ms(journal: &Path, ended_ms: i64) -> Option<i64> {
    let journal: Value = serde_json::from_slice(&std::fs::read(journal).ok()?).ok()?;
    let probes = journal["steady_states"]["after"]["probes"].as_array()?;
    let (ready, later) = probes.split_first()?;
    if ready["status"] != "succeeded" {
        return None;
    }
    let rollbacks = journal["rollbacks"].as_array().into_iter().flatten();
    let seconds: f64 =
        later.iter().chain(rollbacks).filter_map(|step| step["duration"].as_f64()).sum();
    Some(ended_ms - (seconds * 1000.0) as i64)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn activity(kind: &str, step: &Step, program: &Path) -> Value {
    let mut activity = json!({
        "type": kind,
        "name": step.name,
        "provider": {
            "type": "process",
            "path": program,
            "arguments": step.words,
            "timeout": STEP_SECONDS,
        },
    });
    if kind == "probe" {
        activity["tolerance"] = 0.into();
    }
    activity
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { brokers: 3, partitions: 3, has_fault_points: true };

    fn of(seed: u64, round: u64, shape: Shape) -> Value {
        experiment(seed, round, shape, Path::new("/bin/true"))
    }

    fn names(experiment: &Value) -> BTreeSet<String> {
        let method = experiment["method"].as_array().unwrap().iter();
        method.map(|step| step["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_round_is_a_function_of_its_seed() {
        assert_eq!(of(1, 2, SHAPE), of(1, 2, SHAPE));
        assert_ne!(of(1, 2, SHAPE)["method"], of(1, 3, SHAPE)["method"]);
        assert_ne!(of(1, 2, SHAPE)["method"], of(2, 2, SHAPE)["method"]);
    }

    #[test]
    fn a_round_is_healed_when_its_nodes_are_ready() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.json");
        assert_eq!(healed_ms(&file, 10_000), None, "nothing was written");
        for (status, healed) in [("succeeded", Some(6_250)), ("failed", None)] {
            let after = json!({ "probes": [
                { "status": status, "duration": 30.0 }, { "duration": 3.5 },
            ]});
            let journal =
                json!({ "steady_states": { "after": after }, "rollbacks": [{ "duration": 0.25 }] });
            std::fs::write(&file, journal.to_string()).unwrap();
            assert_eq!(healed_ms(&file, 10_000), healed);
        }
    }

    #[test]
    fn every_round_is_an_experiment_that_the_runner_takes() {
        for round in 0..200 {
            let text = of(7, round, SHAPE).to_string();
            let document = skep_chaos::read("round", &text, skep_chaos::Language::Json).unwrap();
            let options = skep_chaos::RunOptions::default();
            let (programs, quiet) = (skep_chaos::NoPrograms, skep_chaos::Quiet);
            skep_chaos::validate(&document, &options, &programs, &quiet).unwrap();
        }
    }

    #[test]
    fn all_faults_come_and_none_that_the_cluster_cannot_have() {
        let of_shape = |shape| (0..300).flat_map(move |round| names(&of(3, round, shape)));
        let all: BTreeSet<String> = of_shape(SHAPE).collect();
        for fault in
            ["Fill the disk", "Cut broker", "Trouble messages", "Let the clock", "Kill a gateway"]
        {
            assert!(all.iter().any(|name| name.starts_with(fault)), "{fault}: {all:?}");
        }
        let single = Shape { brokers: 1, partitions: 1, has_fault_points: false };
        let few: BTreeSet<String> = of_shape(single).collect();
        assert!(!few.iter().any(|name| name.contains("Cut") || name.contains("Fill")), "{few:?}");
    }
}
