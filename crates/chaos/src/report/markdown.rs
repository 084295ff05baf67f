//! For tickets and pull requests.

use super::html::{met, outcome};
use super::rows::rows;
use crate::journal::Journal;

/// The journal as Markdown.
#[must_use]
pub fn markdown(journal: &Journal) -> String {
    let mut text = format!("# {}\n\n", inline(journal.title()));
    if let Some(description) = journal.experiment.get("description").and_then(|d| d.as_str()) {
        text.push_str(&format!("{}\n\n", inline(description)));
    }
    text.push_str(&format!(
        "**Outcome: {}**. Began {}, took {:.1} s. Hypothesis before the method: {}, after it: {}.\n",
        outcome(journal),
        journal.start,
        journal.duration.unwrap_or(0.0),
        met(journal.steady_states.before.as_ref()),
        met(journal.steady_states.after.as_ref()),
    ));
    if !journal.verdicts.is_empty() {
        text.push_str("\n## Verdicts\n\n");
        for verdict in &journal.verdicts {
            text.push_str(&format!("- {}\n", inline(&verdict.message)));
        }
    }
    text.push_str(
        "\n## Activities\n\n| at | phase | activity | took | result |\n|---:|---|---|---:|---|\n",
    );
    for row in rows(journal) {
        let result = if row.good { row.result.clone() } else { format!("**{}**", row.result) };
        text.push_str(&format!(
            "| {:.1} s | {} | {}: {} | {:.3} s | {} |\n",
            row.start,
            row.phase,
            row.kind,
            inline(&row.name),
            row.duration,
            inline(&result)
        ));
    }
    text
}

/// One line, without what would end a cell or begin HTML.
fn inline(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}
