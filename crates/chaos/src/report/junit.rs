//! For build servers: a test suite with a case for each activity and one for the experiment.

use super::escaped;
use super::html::{is_good, outcome};
use super::rows::rows;
use crate::journal::Journal;

/// The journal as JUnit XML.
#[must_use]
pub fn junit(journal: &Journal) -> String {
    let rows = rows(journal);
    let suite = escaped(journal.title());
    // Without strict judging what happens in the method is not a failure of the experiment.
    let strict = journal.outcome.is_some();
    let failed =
        |phase: &str, good: bool| !good && (strict || !matches!(phase, "method" | "rollbacks"));
    let mut cases = String::new();
    let mut failures = 0;
    for row in &rows {
        cases.push_str(&format!(
            "    <testcase classname=\"{suite}.{}\" name=\"{}\" time=\"{:.6}\"",
            row.phase,
            escaped(&row.name),
            row.duration
        ));
        if failed(row.phase, row.good) {
            failures += 1;
            cases.push_str(&format!(
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                escaped(&row.result),
                escaped(&row.detail)
            ));
        } else {
            cases.push_str("/>\n");
        }
    }
    let time = journal.duration.unwrap_or(0.0);
    cases.push_str(&format!(
        "    <testcase classname=\"{suite}\" name=\"outcome\" time=\"{time:.6}\""
    ));
    if is_good(journal) {
        cases.push_str("/>\n");
    } else {
        failures += 1;
        let messages: Vec<&str> =
            journal.verdicts.iter().map(|verdict| verdict.message.as_str()).collect();
        cases.push_str(&format!(
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(&outcome(journal)),
            escaped(&messages.join("\n"))
        ));
    }
    let tests = rows.len() + 1;
    let (start, node) = (escaped(&journal.start), escaped(&journal.node));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" \
         failures=\"{failures}\" time=\"{time:.6}\">\n  <testsuite name=\"{suite}\" \
         tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{time:.6}\" \
         timestamp=\"{start}\" hostname=\"{node}\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}
