//! What the suite reads in the journal of an experiment.

use std::path::Path;

use serde_json::Value;

/// Words that a step which makes a fault begins with: verbs, and names of programs that are one.
const FAULTS: [&str; 9] = [
    "disconnect",
    "terminate",
    "restart",
    "shutdown",
    "stress",
    "dataloss",
    "lose",
    "memory",
    "cluster",
];

/// Verbs and options that end a fault or look at one.
const NO_FAULTS: [&str; 5] = ["--end", "recover", "wait", "status", "prepare"];

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) title: String,
    pub(super) status: String,
    pub(super) deviated: bool,
    /// Activities that were run.
    pub(super) activities: usize,
    /// Those of the method that made a fault.
    pub(super) faults: usize,
}

impl Journal {
    /// Of a file; without one nothing was run.
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Self::of(&serde_json::from_str(&text).unwrap_or_default())
    }

    fn of(journal: &Value) -> Self {
        let run = |part: &str| journal[part].as_array().map_or(&[][..], Vec::as_slice);
        Self {
            title: journal["experiment"]["title"].as_str().unwrap_or_default().to_owned(),
            status: journal["status"].as_str().unwrap_or("not run").to_owned(),
            deviated: journal["deviated"].as_bool().unwrap_or(false),
            activities: run("run").len() + run("rollbacks").len(),
            faults: run("run").iter().filter(|step| makes_fault(step)).count(),
        }
    }
}

/// Whether a step has succeeded that troubles the cluster: `zbchaos disconnect brokers`,
/// `disconnect-leaders-one-way.sh`.
fn makes_fault(step: &Value) -> bool {
    let provider = &step["activity"]["provider"];
    let path = provider["path"].as_str().unwrap_or_default();
    let program = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let arguments = provider["arguments"].as_array().map_or(&[][..], Vec::as_slice);
    let mut words = arguments.iter().filter_map(Value::as_str);
    let ends = words.clone().any(|word| NO_FAULTS.contains(&word));
    let verb = if program == "zbchaos" { words.next().unwrap_or_default() } else { program };
    step["status"] == "succeeded" && !ends && FAULTS.iter().any(|fault| verb.starts_with(fault))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_that_trouble_the_cluster_are_counted() {
        let step = |path: &str, arguments: &[&str], status: &str| {
            let provider = json!({"type": "process", "path": path, "arguments": arguments});
            json!({"activity": {"type": "action", "provider": provider}, "status": status})
        };
        let journal = json!({
            "experiment": {"title": "A day"},
            "status": "completed",
            "deviated": false,
            "run": [
                step("zbchaos", &["terminate", "broker", "--nodeId", "1"], "succeeded"),
                step("zbchaos", &["verify", "readiness"], "succeeded"),
                step("zbchaos", &["lose", "--end"], "succeeded"),
                step("zbchaos", &["disconnect", "brokers"], "failed"),
                step("disconnect-leaders-one-way.sh", &[], "succeeded"),
                step("connect-leaders.sh", &[], "succeeded"),
            ],
            "rollbacks": [step("zbchaos", &["connect", "brokers"], "succeeded")],
        });
        let read = Journal::of(&journal);
        assert_eq!((read.activities, read.faults), (7, 2));
        assert_eq!((read.title.as_str(), read.status.as_str()), ("A day", "completed"));
        assert_eq!(Journal::read(Path::new("/nowhere")).status, "not run");
    }
}
