//! What came of the experiments: a line each on the way, a table at the end, and files.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use skep_chaos::report::escaped;

use super::figure::{self, Bar};
use super::journal::Journal;
use crate::failure::Failure;
use crate::output::rows_as_table;
use crate::witness::Seen;

/// The file of the picture.
const FIGURE: &str = "unavailability.svg";

/// Lines of a log that are shown with a failure.
const LOG_LINES: usize = 8;

/// What came of one experiment.
#[derive(Debug)]
pub(super) struct Verdict {
    path: String,
    /// Exit code of the run; none when a signal ended it.
    code: Option<i32>,
    took: Duration,
    journal: Journal,
    /// What the witness saw, if there was one.
    seen: Option<Seen>,
    /// The end of the log, when it did not pass, and what the witness found.
    why: String,
}

impl Verdict {
    pub(super) fn of(
        path: &str,
        code: Option<i32>,
        took: Duration,
        journal: Journal,
        log: &Path,
        seen: Option<Seen>,
    ) -> Self {
        let mut why: Vec<String> = Vec::new();
        if code != Some(0) {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let from = log.lines().count().saturating_sub(LOG_LINES);
            why.extend(log.lines().skip(from).map(ToOwned::to_owned));
        }
        let findings = seen.iter().flat_map(Seen::findings);
        why.extend(findings.map(|it| format!("{}: {}", it.checker, it.what)));
        Self { path: path.to_owned(), code, took, journal, seen, why: why.join("\n") }
    }

    fn passed(&self) -> bool {
        self.code == Some(0) && !self.broke_promises()
    }

    /// Something was lost, or done twice.
    fn broke_promises(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| !seen.findings().is_empty())
    }

    /// The longest time that a partition did not acknowledge anything, for people.
    fn longest_wait(&self) -> String {
        match &self.seen {
            Some(seen) => format!("{} ms", seen.longest().as_millis()),
            None => "-".to_owned(),
        }
    }

    fn acknowledged(&self) -> u64 {
        self.seen.as_ref().map_or(0, Seen::acknowledged)
    }

    /// In a few words.
    fn word(&self) -> &'static str {
        match self.code {
            Some(0) if self.broke_promises() => "promises broken",
            Some(0) => "passed",
            Some(10) => "not ready before",
            Some(11) => "deviated",
            Some(12) => "a step failed",
            Some(13) | None => "interrupted",
            Some(_) => "could not be run",
        }
    }

    /// For the one who waits.
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{} after {} s, {} activities, status {}{}",
            self.word(),
            self.took.as_secs(),
            self.journal.activities,
            self.journal.status,
            if self.journal.deviated { ", deviated" } else { "" }
        );
        if self.seen.is_some() {
            line.push_str(&format!(
                ", {} acknowledged, longest wait {}",
                self.acknowledged(),
                self.longest_wait()
            ));
        }
        for why in self.why.lines() {
            line.push_str(&format!("\n    {why}"));
        }
        line
    }

    fn json(&self) -> Value {
        json!({
            "path": self.path,
            "title": self.journal.title,
            "verdict": self.word(),
            "exitCode": self.code,
            "status": self.journal.status,
            "deviated": self.journal.deviated,
            "activities": self.journal.activities,
            "faults": self.journal.faults,
            "witness": self.seen.as_ref().map(Seen::json),
            "tookMs": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "log": self.why,
        })
    }
}

/// What came of all of them.
pub(super) struct Report {
    plan: &'static str,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) interrupted: bool,
}

impl Report {
    pub(super) fn new(plan: &'static str) -> Self {
        Self { plan, verdicts: Vec::new(), interrupted: false }
    }

    fn passed(&self) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.passed()).count()
    }

    pub(super) fn json(&self) -> Value {
        let all: Vec<Value> = self.verdicts.iter().map(Verdict::json).collect();
        json!({
            "plan": self.plan,
            "experiments": all,
            "passed": self.passed(),
            "failed": self.verdicts.len() - self.passed(),
            "interrupted": self.interrupted,
        })
    }

    /// For people.
    pub(super) fn summary(&self, folder: &Path) -> String {
        let rows: Vec<Value> = self
            .verdicts
            .iter()
            .map(|one| {
                json!({
                    "experiment": one.path, "verdict": one.word(), "status": one.journal.status,
                    "seconds": one.took.as_secs(), "longest wait": one.longest_wait(),
                })
            })
            .collect();
        let table =
            rows_as_table(&["experiment", "verdict", "status", "seconds", "longest wait"], &rows);
        format!(
            "{table}\n{} of {} experiments passed{}. Report: {}",
            self.passed(),
            self.verdicts.len(),
            if self.interrupted { ", and the suite was interrupted" } else { "" },
            folder.join("report.md").display()
        )
    }

    /// Writes `report.json`, `report.md`, `junit.xml` and the picture of the waits.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        for (name, text) in [
            ("report.json", format!("{:#}\n", self.json())),
            ("report.md", self.markdown()),
            ("junit.xml", self.junit()),
            (FIGURE, self.figure()),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| Failure::file("write", &path, error))?;
        }
        Ok(())
    }

    /// The longest wait of each experiment that had a witness.
    fn figure(&self) -> String {
        let bars = self.verdicts.iter().filter_map(|one| {
            let wait_ms = one.seen.as_ref()?.longest().as_secs_f64() * 1_000.0;
            Some(Bar { name: &one.path, wait_ms, passed: one.passed() })
        });
        let bars: Vec<Bar<'_>> = bars.collect();
        let title = format!("{}: longest time until a partition acknowledged", self.plan);
        figure::svg(&title, &bars)
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Chaos suite: {}\n\n{} of {} experiments passed.\n\n\
             ![longest time until a partition acknowledged]({FIGURE})\n\n| experiment | title | verdict | status | \
             activities | faults | seconds | acknowledged | longest wait |\n|---|---|---|---|---|---|---|---|---|\n",
            self.plan,
            self.passed(),
            self.verdicts.len()
        );
        for one in &self.verdicts {
            text.push_str(&format!(
                "| [{path}]({path}/run.log) | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                one.journal.title.replace('|', "\\|"),
                one.word(),
                one.journal.status,
                one.journal.activities,
                one.journal.faults,
                one.took.as_secs(),
                one.acknowledged(),
                one.longest_wait(),
                path = one.path,
            ));
        }
        for one in self.verdicts.iter().filter(|one| !one.passed()) {
            text.push_str(&format!("\n## {}\n\n```\n{}\n```\n", one.path, one.why));
        }
        text
    }

    fn junit(&self) -> String {
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"chaos-{}\" tests=\"{}\" failures=\"{}\">\n",
            self.plan,
            self.verdicts.len(),
            self.verdicts.len() - self.passed()
        );
        for one in &self.verdicts {
            let head = format!(
                "  <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                self.plan,
                escaped(&one.path),
                one.took.as_secs_f64()
            );
            text.push_str(&head);
            if one.passed() {
                text.push_str(" />\n");
            } else {
                text.push_str(&format!(
                    ">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                    one.word(),
                    escaped(&one.why)
                ));
            }
        }
        text.push_str("</testsuite>\n");
        text
    }

    /// The exit code of the suite.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if self.interrupted {
            let message = "the suite was interrupted".to_owned();
            return Err(Failure::guided(13, message, "The report has what was run."));
        }
        match self.verdicts.len() - self.passed() {
            0 => Ok(()),
            failed => Err(Failure::guided(
                8,
                format!("{failed} of {} experiments did not pass", self.verdicts.len()),
                "The report names them, with the end of each log.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(path: &str, code: Option<i32>) -> Verdict {
        let none = Path::new("/nonexistent");
        let seen = Some(Seen::default());
        Verdict::of(path, code, Duration::from_secs(3), Journal::default(), none, seen)
    }

    #[test]
    fn one_that_does_not_pass_is_the_exit_code_of_all() {
        let mut report = Report::new("production-s");
        report.verdicts.push(verdict("a", Some(0)));
        assert!(report.verdict().is_ok());
        report.verdicts.push(verdict("b<c", Some(11)));
        assert_eq!(report.verdict().unwrap_err().exit_code(), 8);
        let text = report.junit();
        assert!(text.contains("failures=\"1\"") && text.contains("b&lt;c"), "{text}");
        assert!(report.markdown().contains("1 of 2 experiments passed"));
        assert!(report.figure().contains(">b&lt;c<"));
        assert_eq!(report.json()["experiments"][1]["verdict"], "deviated");
        assert_eq!(report.json()["experiments"][1]["witness"]["lost"], 0);
        report.interrupted = true;
        assert_eq!(report.verdict().unwrap_err().exit_code(), 13);
    }
}
