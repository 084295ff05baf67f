//! Every message, and where it points.

use serde_json::json;

use super::*;
use crate::document::{Language, read};
use crate::program::NoPrograms;

fn found(text: &str, judging: Judging) -> Vec<String> {
    let document = read("x.json", text, Language::Json).expect("JSON");
    check(&document, judging, &NoPrograms, &Variables::default())
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// An experiment with one activity in its method.
fn with_activity(activity: Value) -> String {
    json!({"title": "t", "description": "d", "method": [activity]}).to_string()
}

fn with_tolerance(tolerance: Value) -> String {
    let probe = json!({"type": "probe", "name": "p", "tolerance": tolerance,
        "provider": {"type": "process", "path": "true"}});
    let hypothesis = json!({"title": "h", "probes": [probe]});
    json!({"title": "t", "description": "d", "steady-state-hypothesis": hypothesis, "method": []})
        .to_string()
}

fn has(text: &str, judging: Judging, part: &str) {
    let found = found(text, judging);
    assert!(found.iter().any(|finding| finding.contains(part)), "{part} is not in {found:?}");
}

#[test]
fn a_good_experiment_has_no_findings() {
    let text = with_tolerance(json!(0));
    assert_eq!(found(&text, Judging::Strict), [""; 0]);
    assert_eq!(found(&text, Judging::Compat), [""; 0]);
}

#[test]
fn everything_is_found_with_its_place() {
    let text = "{\n  \"title\": \"\",\n  \"method\": [\n    {\"type\": \"what\", \"name\": \"a\",\n     \
                \"provider\": {\"type\": \"process\", \"path\": \"no-such\"}},\n    {\"ref\": \"b\"}\n  ]\n}";
    assert_eq!(
        found(text, Judging::Strict),
        [
            "x.json:2:12: experiment requires a title",
            "x.json:1:1: experiment requires a description",
            "x.json:4:14: 'what' is not a supported activity type",
            "x.json:5:46: path 'no-such' cannot be found, in activity 'a'",
            "x.json:6:13: referenced activity 'b' could not be found in the experiment",
        ]
    );
}

#[test]
fn the_head_is_checked() {
    for (text, part) in [
        (json!({}), "an empty experiment is not an experiment"),
        (json!([1]), "an empty experiment is not an experiment"),
        (json!({"title": "t"}), "experiment requires a description"),
        (json!({"title": 1, "description": "d"}), "experiment title must be a string"),
        (json!({"title": "t", "description": "d"}), "an experiment requires a method, which"),
        (json!({"title": "t", "method": {}}), "`method` must be a list"),
        (json!({"title": "t", "tags": ["a", ""]}), "tags must be a non-empty string"),
        (json!({"title": "t", "extensions": [{"name": " "}]}), "All extensions require"),
        (json!({"title": "t", "secrets": []}), "`secrets` must be a map"),
        (json!({"title": "t", "steady-state-hypothesis": {}}), "hypothesis requires a title"),
        (json!({"title": "t", "steady-state-hypothesis": 1}), "hypothesis must be a map"),
    ] {
        has(&text.to_string(), Judging::Compat, part);
    }
    let runtime = json!({"title": "t", "runtime": {"rollbacks": {"strategy": "x"},
        "hypothesis": {"strategy": "y"}}});
    has(&runtime.to_string(), Judging::Strict, "unknown strategy of the rollbacks: 'x'");
    has(&runtime.to_string(), Judging::Strict, "unknown strategy of the hypothesis: 'y'");
}

#[test]
fn activities_are_checked() {
    let process = json!({"type": "process", "path": "true"});
    for (activity, part) in [
        (json!({}), "empty activity is no activity"),
        (json!({"ref": ""}), "reference to activity must be non-empty strings"),
        (json!({"name": "a"}), "an activity must have a type"),
        (json!({"type": "probe"}), "an activity must have a name"),
        (json!({"type": "probe", "name": "a"}), "an activity requires a provider"),
        (
            json!({"type": "probe", "name": "a", "provider": {"a": 1}}),
            "a provider must have a type",
        ),
        (
            json!({"type": "probe", "name": "a", "provider": {"type": "x"}}),
            "unknown provider type 'x'",
        ),
        (json!({"name": "a", "timeout": "1", "provider": process}), "timeout must be a number"),
        (
            json!({"name": "a", "background": 1, "provider": process}),
            "background must be a boolean",
        ),
        (json!({"name": "a", "pauses": {"before": "5"}}), "activity before pause must be a number"),
        (json!({"name": "a", "pauses": {"after": "x"}}), "activity after pause must be a number"),
        (
            json!({"name": "a", "provider": {"type": "process"}}),
            "process activity must have a path",
        ),
        (json!({"name": "a", "provider": {"type": "http"}}), "a HTTP activity must have a URL"),
        (
            json!({"name": "a", "provider": {"type": "http", "url": "u", "headers": [1]}}),
            "expect headers as a mapping",
        ),
        (
            json!({"name": "a", "provider": {"type": "python", "module": "chaosk8s.pod", "func": "f"}}),
            "calls chaosk8s.pod.f (the Chaos Toolkit's extension for Kubernetes)",
        ),
    ] {
        has(&with_activity(activity), Judging::Compat, part);
    }
}

#[test]
fn strictly_more_is_found() {
    for (tolerance, part) in [
        (json!(true), "a boolean tolerance is never met"),
        (json!("x"), "a string tolerance is never met"),
        (json!({"type": "regex", "pattern": "x"}), "a regex tolerance needs a `target`"),
        (json!({"type": "range", "range": [1, 2]}), "a range tolerance needs a `target`"),
        (
            json!({"type": "probe", "name": "q", "provider": {"type": "process", "path": "true"}}),
            "gets the result as an argument called `value`",
        ),
    ] {
        let text = with_tolerance(tolerance);
        has(&text, Judging::Strict, part);
        assert_eq!(found(&text, Judging::Compat), [""; 0], "{text}");
    }
    let rollback =
        json!({"title": "t", "description": "d", "method": [], "rollbacks": [{"ref": "x"}]});
    has(&rollback.to_string(), Judging::Strict, "referenced activity 'x'");
    assert_eq!(found(&rollback.to_string(), Judging::Compat), [""; 0]);
}

#[test]
fn controls_are_checked() {
    let with = |control: Value| {
        json!({"title": "t", "description": "d", "method": [], "controls": [control]}).to_string()
    };
    let python = json!({"name": "c", "provider": {"type": "python", "module": "m"}});
    has(&with(python.clone()), Judging::Strict, "python controls are not supported");
    has(&with(python), Judging::Compat, "Could not find Python module 'm' in control 'c'");
    for (control, part) in [
        (json!({}), "A control must have a `name`"),
        (json!({"name": "c"}), "Control 'c' must have a `provider`"),
        (json!({"name": "c", "provider": {"type": "python"}}), "must have a module path"),
        (json!({"name": "c", "scope": "x", "provider": {}}), "scope property must be"),
        (json!({"name": "c", "ref": "x", "provider": {}}), "declaration cannot be found"),
    ] {
        has(&with(control), Judging::Compat, part);
    }
}

#[test]
fn arguments_as_a_map_are_warned_of_once() {
    let activity = json!({"type": "action", "name": "a",
        "provider": {"type": "process", "path": "true", "arguments": {"-a": 1}}});
    let text = json!({"title": "t", "description": "d", "method": [activity, activity]});
    let document = read("x.json", &text.to_string(), Language::Json).expect("JSON");
    let findings = check(&document, Judging::Compat, &NoPrograms, &Variables::default());
    assert_eq!(findings.len(), 1);
    assert!(findings[0].warning && findings[0].message.contains("are deprecated"));
}
