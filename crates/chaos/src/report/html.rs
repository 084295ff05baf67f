//! A page for people.

use super::escaped;
use super::rows::{Row, rows};
use super::timeline::picture;
use crate::journal::{Journal, State, Status};

const STYLE: &str = "body{font-family:sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;\
vertical-align:top}pre{margin:0;white-space:pre-wrap;word-break:break-word;max-height:12rem;overflow:auto}\
.good{color:#2e7d32}.bad{color:#c62828}.badge{font-weight:bold}svg{width:100%;height:auto}";

/// The journal as a page that needs nothing beside it.
#[must_use]
pub fn html(journal: &Journal) -> String {
    let rows = rows(journal);
    let title = escaped(journal.title());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    if let Some(description) = journal.experiment.get("description").and_then(|d| d.as_str()) {
        page.push_str(&format!("<p>{}</p>\n", escaped(description)));
    }
    page.push_str(&summary(journal));
    if !journal.verdicts.is_empty() {
        page.push_str("<h2>Verdicts</h2>\n<ul>\n");
        for verdict in &journal.verdicts {
            page.push_str(&format!("<li class=\"bad\">{}</li>\n", escaped(&verdict.message)));
        }
        page.push_str("</ul>\n");
    }
    page.push_str(&format!(
        "<h2>Time line</h2>\n{}\n",
        picture(&rows, journal.duration.unwrap_or(0.0))
    ));
    page.push_str(&table(&rows));
    page.push_str("</body>\n</html>\n");
    page
}

fn summary(journal: &Journal) -> String {
    let good = is_good(journal);
    let class = if good { "good" } else { "bad" };
    let mut text = format!(
        "<table>\n<tr><th>Outcome</th><td class=\"badge {class}\">{}</td></tr>\n",
        escaped(&outcome(journal))
    );
    let mut add = |name: &str, value: &str| {
        text.push_str(&format!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(value)));
    };
    add("Began", &journal.start);
    if let Some(end) = &journal.end {
        add("Ended", end);
    }
    if let Some(duration) = journal.duration {
        add("Took", &format!("{duration:.1} s"));
    }
    add("Machine", &format!("{} ({})", journal.node, journal.platform));
    add("Run by", &journal.chaoslib_version);
    add("Hypothesis before", met(journal.steady_states.before.as_ref()));
    if !journal.steady_states.during.is_empty() {
        let during = &journal.steady_states.during;
        let not_met = during.iter().filter(|state| state.steady_state_met != Some(true)).count();
        add("Hypothesis during", &format!("{} checks, {not_met} not met", during.len()));
    }
    add("Hypothesis after", met(journal.steady_states.after.as_ref()));
    text.push_str("</table>\n");
    text
}

/// Whether nothing was wrong.
pub(super) fn is_good(journal: &Journal) -> bool {
    journal.outcome.map_or_else(
        || journal.status == Some(Status::Completed) && !journal.deviated,
        |outcome| outcome == crate::outcome::Outcome::Passed,
    )
}

/// In a word or two.
pub(super) fn outcome(journal: &Journal) -> String {
    match journal.outcome {
        Some(outcome) => outcome.to_string(),
        None if journal.deviated => "deviated".to_owned(),
        None => journal.status.map_or_else(|| "unknown".to_owned(), |status| status.to_string()),
    }
}

/// How a check went.
pub(super) fn met(state: Option<&State>) -> &'static str {
    match state.map(|state| state.steady_state_met) {
        None => "not checked",
        Some(Some(true)) => "met",
        Some(Some(false)) => "not met",
        Some(None) => "interrupted",
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = "<h2>Activities</h2>\n<table>\n<tr><th>At</th><th>Phase</th><th>Activity</th>\
                    <th>Took</th><th>Result</th><th>Details</th></tr>\n"
        .to_owned();
    for row in rows {
        let class = if row.good { "good" } else { "bad" };
        text.push_str(&format!(
            "<tr><td>{:.1} s</td><td>{}</td><td>{}: {}</td><td>{:.3} s</td>\
             <td class=\"{class}\">{}</td><td><pre>{}</pre></td></tr>\n",
            row.start,
            row.phase,
            escaped(&row.kind),
            escaped(&row.name),
            row.duration,
            escaped(&row.result),
            escaped(&row.detail),
        ));
    }
    text.push_str("</table>\n");
    text
}
