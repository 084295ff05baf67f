//! Runs of small experiments.

use serde_json::json;

use super::*;
use crate::document::{Language, read};
use crate::outcome::VerdictKind;
use crate::program::NoPrograms;

/// Collects the lines of the log.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl Observer for Lines {
    fn see(&self, event: &Event<'_>) {
        if let Event::Said { level, message } = event
            && *level > Level::Debug
        {
            self.0.lock().push(format!("{level} {message}"));
        }
    }
}

async fn ran_with(
    experiment: Value,
    options: RunOptions,
    signals: Signals,
) -> (Result<RunReport, RunError>, Vec<String>) {
    let document = read("x.json", &experiment.to_string(), Language::Json).expect("JSON");
    let lines = Arc::new(Lines::default());
    let report = run(document, options, Arc::new(NoPrograms), lines.clone(), signals).await;
    let lines = lines.0.lock().clone();
    (report, lines)
}

async fn ran(experiment: Value, judging: Judging) -> (RunReport, Vec<String>) {
    let options = RunOptions { judging, ..RunOptions::default() };
    let (report, lines) = ran_with(experiment, options, Signals::none()).await;
    (report.expect("a journal"), lines)
}

fn shell(kind: &str, name: &str, script: &str) -> Value {
    json!({"type": kind, "name": name,
        "provider": {"type": "process", "path": "sh", "arguments": ["-c", script]}})
}

fn with(mut activity: Value, key: &str, value: Value) -> Value {
    activity[key] = value;
    activity
}

fn experiment(probe: Value, method: Value) -> Value {
    json!({"title": "t", "description": "d", "method": method,
        "steady-state-hypothesis": {"title": "h", "probes": [with(probe, "tolerance", json!(0))]}})
}

#[tokio::test]
async fn a_good_run_says_what_the_original_says() {
    let experiment =
        experiment(shell("probe", "p", "true"), json!([shell("action", "a", "exit 1")]));
    let (report, lines) = ran(experiment, Judging::Compat).await;
    assert_eq!(
        lines,
        [
            "INFO Validating the experiment's syntax",
            "INFO Experiment looks valid",
            "INFO Running experiment: t",
            "INFO Steady-state strategy: default",
            "INFO Rollbacks strategy: default",
            "INFO Steady state hypothesis: h",
            "INFO Probe: p",
            "INFO Steady state hypothesis is met!",
            "INFO Playing your experiment's method now...",
            "INFO Action: a",
            "WARNING This process returned a non-zero exit code. This may indicate some error and \
             not what you expected. Please have a look at the logs.",
            "INFO Steady state hypothesis: h",
            "INFO Probe: p",
            "INFO Steady state hypothesis is met!",
            "INFO Let's rollback...",
            "INFO No declared rollbacks, let's move on.",
            "INFO Experiment ended with status: completed",
        ]
    );
    assert_eq!((report.outcome, report.outcome.exit_code()), (Outcome::Passed, 0));
    assert_eq!(report.journal.run[0].output["status"], json!(1));
}

#[tokio::test]
async fn strictly_an_action_that_says_it_failed_did() {
    let experiment = experiment(
        shell("probe", "p", "true"),
        json!([
            shell("action", "a", "exit 3"),
            with(
                shell("probe", "q", "echo no"),
                "tolerance",
                json!({"type": "regex", "pattern": "^yes", "target": "stdout"})
            ),
            shell("probe", "just looking", "exit 1"),
        ]),
    );
    let (report, lines) = ran(experiment, Judging::Strict).await;
    assert_eq!(report.outcome.exit_code(), 12);
    assert_eq!(report.journal.status, Some(Status::Failed));
    let messages: Vec<&str> =
        report.journal.verdicts.iter().map(|verdict| verdict.message.as_str()).collect();
    assert_eq!(
        messages,
        ["action 'a' failed: its exit code is 3", "probe 'q' is not in the given tolerance"]
    );
    assert!(lines.contains(&"ERROR Verdict: probe 'q' is not in the given tolerance".to_owned()));
    assert!(lines.contains(&"INFO Let's rollback...".to_owned()), "faults are healed: {lines:?}");
    assert_eq!(
        lines.last().map(String::as_str),
        Some("ERROR Outcome: activity failed (exit code 12)")
    );
}

#[tokio::test]
async fn a_gate_that_is_not_met_has_its_own_code() {
    let experiment =
        experiment(shell("probe", "p", "exit 1"), json!([shell("action", "a", "true")]));
    let (report, _) = ran(experiment.clone(), Judging::Compat).await;
    assert_eq!((report.journal.status, report.outcome.exit_code()), (Some(Status::Completed), 0));
    let (report, _) = ran(experiment, Judging::Strict).await;
    assert_eq!((report.journal.status, report.outcome.exit_code()), (Some(Status::Failed), 10));
    assert_eq!(report.journal.run, []);
    assert_eq!(report.journal.verdicts[0].kind, VerdictKind::Gate);
}

#[tokio::test]
async fn a_deviation_has_its_own_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x").display().to_string();
    let experiment = experiment(
        shell("probe", "p", &format!("test ! -e {file}")),
        json!([shell("action", "a", &format!("touch {file}"))]),
    );
    let (report, lines) = ran(experiment, Judging::Strict).await;
    assert!(report.journal.deviated);
    assert_eq!(report.outcome.exit_code(), 11);
    assert!(lines.contains(
        &"CRITICAL Steady state probe 'p' is not in the given tolerance so failing this experiment"
            .to_owned()
    ));
}

#[tokio::test]
async fn a_hypothesis_that_fails_meanwhile_counts_strictly() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, seen) = (folder.path().join("x"), folder.path().join("seen"));
    let (file, seen) = (file.display(), seen.display());
    let probe = format!("test ! -e {file} || {{ touch {seen}; exit 1; }}");
    let action = format!("touch {file}; while ! test -e {seen}; do sleep 0.01; done; rm {file}");
    let experiment =
        experiment(shell("probe", "p", &probe), json!([shell("action", "a", &action)]));
    for (judging, code) in [(Judging::Strict, 11), (Judging::Compat, 0)] {
        let _ = std::fs::remove_file(seen.to_string());
        let options = RunOptions {
            judging,
            hypothesis_strategy: Some(HypothesisStrategy::Continuously),
            hypothesis_frequency: 0.01,
            ..RunOptions::default()
        };
        let (report, lines) = ran_with(experiment.clone(), options, Signals::none()).await;
        assert_eq!(report.expect("a journal").outcome.exit_code(), code, "{lines:#?}");
    }
}

#[tokio::test]
async fn a_signal_interrupts_and_kills_what_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 1000", file.display());
    let mut experiment =
        experiment(shell("probe", "p", "true"), json!([shell("action", "a", &script)]));
    experiment["rollbacks"] = json!([shell("action", "r", "true")]);
    for (signal, rolled_back) in [
        (Signal::Interrupt, true),
        (Signal::Terminate, true),
        (Signal::Leave, true),
        (Signal::LeaveNow, false),
    ] {
        let _ = std::fs::remove_file(&file);
        let (sender, signals) = Signals::channel();
        let options = RunOptions {
            rollback_strategy: Some(RollbackStrategy::Always),
            ..RunOptions::default()
        };
        let running = ran_with(experiment.clone(), options, signals);
        let signalling = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
            assert!(sender.send(signal));
        };
        let ((report, lines), ()) = tokio::join!(running, signalling);
        let report = report.expect("a journal");
        assert_eq!(report.outcome.exit_code(), 13, "{lines:#?}");
        assert_eq!(report.journal.status, Some(Status::Interrupted));
        assert_eq!(report.journal.run[0].status, None);
        assert_eq!(report.journal.rollbacks.len(), usize::from(rolled_back), "{signal:?}");
    }
}

#[tokio::test]
async fn secrets_are_in_neither_log_nor_journal() {
    let mut experiment = experiment(
        shell("probe", "p", "true"),
        json!([shell("action", "a", "echo ${token} >&2; echo ${plain}")]),
    );
    experiment["secrets"] =
        json!({"g": {"plain": "hunter2", "token": {"type": "env", "key": "T"}}});
    experiment["title"] = json!("with ${plain}");
    let mut options = RunOptions::default();
    options.variables.environment.push(("T".to_owned(), "swordfish".to_owned()));
    let (report, lines) = ran_with(experiment, options, Signals::none()).await;
    let text = report.expect("a journal").journal.to_text() + &lines.join("\n");
    assert!(!text.contains("hunter2") && !text.contains("swordfish"), "{text}");
    assert!(text.contains("with ********"), "{text}");
}

#[tokio::test]
async fn what_the_original_crashes_on_has_no_journal_in_compat() {
    let mut experiment = experiment(shell("probe", "p", "true"), json!([]));
    experiment["steady-state-hypothesis"]["probes"][0]["tolerance"] =
        json!({"type": "regex", "pattern": "x"});
    let options = RunOptions { judging: Judging::Compat, ..RunOptions::default() };
    let (report, _) = ran_with(experiment, options, Signals::none()).await;
    assert!(matches!(report, Err(RunError::Crashed(_))));
}
