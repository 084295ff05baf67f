//! What an experiment will do, step by step, in words.

use serde_json::Value;

use crate::program::Programs;
use crate::python;

/// A line for each step.
#[must_use]
pub fn explain(experiment: &Value, programs: &dyn Programs) -> String {
    let mut lines = Vec::new();
    let title = python::text(experiment.get("title").unwrap_or(&Value::Null));
    lines.push(format!("Experiment: {title}"));
    let hypothesis = experiment.get("steady-state-hypothesis");
    let probes = hypothesis.and_then(|hypothesis| hypothesis.get("probes"));
    if let Some(title) = hypothesis.and_then(|hypothesis| hypothesis.get("title")) {
        lines.push(format!("\nHypothesis, checked before and after: {}", python::text(title)));
    }
    steps(probes, programs, &mut lines);
    lines.push("\nMethod:".to_owned());
    steps(experiment.get("method"), programs, &mut lines);
    lines.push("\nRollbacks:".to_owned());
    steps(experiment.get("rollbacks"), programs, &mut lines);
    lines.join("\n")
}

fn steps(activities: Option<&Value>, programs: &dyn Programs, lines: &mut Vec<String>) {
    let activities = activities.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if activities.is_empty() {
        lines.push("  nothing".to_owned());
    }
    for (index, activity) in activities.iter().enumerate() {
        if let Some(reference) = activity.get("ref") {
            lines.push(format!("  {}. again: {}", index + 1, python::text(reference)));
            continue;
        }
        let text = |key: &str| python::text(activity.get(key).unwrap_or(&Value::Null));
        let background = if activity.get("background").is_some_and(python::truth) {
            ", beside what follows"
        } else {
            ""
        };
        lines.push(format!("  {}. {}: {}{background}", index + 1, text("type"), text("name")));
        pause(activity, "before", lines);
        lines.push(format!("     {}", deed(activity, programs)));
        if let Some(tolerance) = activity.get("tolerance") {
            lines.push(format!("     good is: {}", good(tolerance)));
        }
        pause(activity, "after", lines);
    }
}

fn pause(activity: &Value, when: &str, lines: &mut Vec<String>) {
    if let Some(pause) = activity.get("pauses").and_then(|pauses| pauses.get(when)) {
        lines.push(format!("     waits {} s {when} it", python::text(pause)));
    }
}

fn deed(activity: &Value, programs: &dyn Programs) -> String {
    let provider = activity.get("provider").unwrap_or(&Value::Null);
    let part = |key: &str| provider.get(key).map(python::text).unwrap_or_default();
    let arguments = match provider.get("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(items)) => items.iter().map(python::text).collect::<Vec<_>>().join(" "),
        Some(other) => python::text(other),
    };
    let limit = match provider.get("timeout") {
        Some(limit) => format!(", for at most {} s", python::text(limit)),
        None => String::new(),
    };
    match provider.get("type").and_then(Value::as_str) {
        Some("process") => {
            let built_in =
                if programs.resolve(&part("path")).is_some() { " (built in)" } else { "" };
            format!("runs {}{built_in} {arguments}{limit}", part("path"))
        }
        Some("http") => {
            let method = provider.get("method").map_or_else(|| "GET".to_owned(), python::text);
            format!("calls {method} {} {arguments}{limit}", part("url"))
        }
        _ => "does nothing that is known here".to_owned(),
    }
}

fn good(tolerance: &Value) -> String {
    let target = tolerance.get("target").map_or_else(|| "the result".to_owned(), python::text);
    let part = |key: &str| python::text(tolerance.get(key).unwrap_or(&Value::Null));
    match (tolerance, tolerance.get("type").and_then(Value::as_str)) {
        (Value::Number(number), _) => format!("exit code or status {number}"),
        (Value::Array(_), _) => format!("one of, or between, {}", python::text(tolerance)),
        (_, Some("regex")) => format!("{target} has something like {}", part("pattern")),
        (_, Some("jsonpath")) => format!("{target} has something at {}", part("path")),
        (_, Some("range")) => format!("{target} is within {}", part("range")),
        (_, Some("probe")) => format!("the probe {} says so", part("name")),
        _ => python::text(tolerance),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::program::NoPrograms;

    #[test]
    fn every_step_is_told() {
        let experiment = json!({"title": "t",
            "steady-state-hypothesis": {"title": "h", "probes": [
                {"type": "probe", "name": "p", "tolerance": 0,
                 "provider": {"type": "process", "path": "true", "timeout": 5}}]},
            "method": [
                {"type": "action", "name": "a", "background": true, "pauses": {"after": 3},
                 "provider": {"type": "http", "url": "http://x", "arguments": {"a": 1}}},
                {"ref": "p"}]});
        assert_eq!(
            explain(&experiment, &NoPrograms),
            "Experiment: t\n\nHypothesis, checked before and after: h\n  1. probe: p\n     \
             runs true , for at most 5 s\n     good is: exit code or status 0\n\nMethod:\n  \
             1. action: a, beside what follows\n     calls GET http://x {'a': 1}\n     \
             waits 3 s after it\n  2. again: p\n\nRollbacks:\n  nothing"
        );
    }
}
