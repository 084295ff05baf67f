//! Activities: probes and actions.

use serde_json::Value;

use super::Check;
use crate::options::Judging;
use crate::provider::process;
use crate::python;
use crate::template::only_placeholder;
use crate::tolerance::check::check as check_tolerance;

/// Modules that are known well enough to say what they are for.
const KNOWN_MODULES: [(&str, &str); 6] = [
    ("chaosk8s", "Kubernetes"),
    ("chaosaws", "AWS"),
    ("chaosazure", "Azure"),
    ("chaosgcp", "Google Cloud"),
    ("chaostoxi", "Toxiproxy"),
    ("chaosprometheus", "Prometheus"),
];

impl Check<'_> {
    /// Checks an activity, or a reference to one. Stops at what makes the rest meaningless.
    pub(super) fn activity(&mut self, activity: &Value, path: &str) {
        let Some(map) = activity.as_object().filter(|map| !map.is_empty()) else {
            return self.error(path, "empty activity is no activity");
        };
        if let Some(reference) = map.get("ref").filter(|reference| !reference.is_null()) {
            if reference.as_str().is_none_or(str::is_empty) {
                self.error(path, "reference to activity must be non-empty strings");
            }
            return;
        }
        self.kind(activity, path);
        let text = |key: &str| map.get(key).filter(|value| python::truth(value));
        if text("name").is_none() {
            self.error(path, "an activity must have a name");
        }
        if map
            .get("timeout")
            .is_some_and(|value| !(value.is_number() || value.is_boolean() || value.is_null()))
        {
            self.error(&format!("{path}/timeout"), "activity timeout must be a number");
        } else if self.judging == Judging::Strict && map.contains_key("timeout") {
            let message = "the timeout of an activity is not used; it belongs into its provider";
            self.warning(&format!("{path}/timeout"), message);
        }
        self.pauses(activity, path);
        if map.get("background").is_some_and(|value| !value.is_boolean()) {
            self.error(&format!("{path}/background"), "activity background must be a boolean");
        }
        self.provider(activity, path);
    }

    fn kind(&mut self, activity: &Value, path: &str) {
        match activity.get("type").filter(|value| python::truth(value)) {
            None => self.error(path, "an activity must have a type"),
            Some(kind) if matches!(kind.as_str(), Some("probe" | "action")) => {}
            Some(kind) => {
                let message = format!("'{}' is not a supported activity type", python::text(kind));
                self.error(&format!("{path}/type"), message);
            }
        }
    }

    fn pauses(&mut self, activity: &Value, path: &str) {
        for when in ["before", "after"] {
            let Some(pause) = activity.get("pauses").and_then(|pauses| pauses.get(when)) else {
                continue;
            };
            let fits = match pause {
                Value::String(text) => text.starts_with("${") && text.ends_with('}'),
                Value::Number(number) => {
                    !self.strict() || number.as_f64().is_some_and(|pause| pause >= 0.0)
                }
                Value::Null => true,
                _ => !self.strict(),
            };
            if !fits {
                let message = format!(
                    "activity {when} pause must be a number or a pattern to a variable from the \
                     configuration or secrets"
                );
                self.error(&format!("{path}/pauses/{when}"), message);
            }
        }
    }

    fn provider(&mut self, activity: &Value, path: &str) {
        let Some(provider) = activity.get("provider").filter(|value| python::truth(value)) else {
            return self.error(path, "an activity requires a provider");
        };
        let path = format!("{path}/provider");
        match provider.get("type").filter(|value| python::truth(value)) {
            None => self.error(&path, "a provider must have a type"),
            Some(kind) => match kind.as_str() {
                Some("process") => self.process(activity, provider, &path),
                Some("http") => self.http(provider, &path),
                Some("python") => self.python(activity, provider, &path),
                _ => {
                    let message = format!("unknown provider type '{}'", python::text(kind));
                    self.error(&format!("{path}/type"), message);
                }
            },
        }
    }

    fn process(&mut self, activity: &Value, provider: &Value, at: &str) {
        let path = provider.get("path").and_then(Value::as_str).unwrap_or("");
        if path.is_empty() {
            return self.error(at, "a process activity must have a path");
        }
        // The original looks for `~/file` when it runs it, but not here.
        let found = self.programs.resolve(path).is_some()
            || process::which(path).is_some()
            || (self.strict() && process::which(&process::expand_user(path)).is_some());
        if !found {
            let name = python::text(activity.get("name").unwrap_or(&Value::Null));
            let message = format!("path '{path}' cannot be found, in activity '{name}'");
            self.error(&format!("{at}/path"), message);
        }
        if self.strict() {
            let timeout = provider.get("timeout").unwrap_or(&Value::Null);
            if !timeout.is_null() && process::seconds(timeout).is_none() {
                let message = "the timeout of a process must be a number of seconds";
                self.error(&format!("{at}/timeout"), message);
            }
        }
    }

    fn http(&mut self, provider: &Value, at: &str) {
        if !provider.get("url").is_some_and(python::truth) {
            self.error(at, "a HTTP activity must have a URL");
        }
        if provider.get("headers").is_some_and(|value| python::truth(value) && !value.is_object()) {
            let message = "a HTTP activities expect headers as a mapping";
            self.error(&format!("{at}/headers"), message);
        }
    }

    /// There is no Python here.
    fn python(&mut self, activity: &Value, provider: &Value, at: &str) {
        let text = |key: &str| provider.get(key).and_then(Value::as_str).unwrap_or("?");
        let (module, function) = (text("module"), text("func"));
        let name = python::text(activity.get("name").unwrap_or(&Value::Null));
        let package = module.split('.').next().unwrap_or(module);
        let known = KNOWN_MODULES
            .iter()
            .find(|(known, _)| *known == package)
            .map_or(String::new(), |(_, what)| {
                format!(" (the Chaos Toolkit's extension for {what})")
            });
        let message = format!(
            "python providers are not supported: activity '{name}' calls {module}.{function}{known}. \
             Use a process or http provider, or run this experiment with the Chaos Toolkit itself"
        );
        self.error(&format!("{at}/type"), message);
    }

    /// Checks the tolerance of a probe.
    pub(super) fn tolerance(&mut self, probe: &Value, tolerance: &Value, path: &str) {
        let at = format!("{path}/tolerance");
        if let Some((below, message)) = check_tolerance(tolerance) {
            return self.error(&format!("{at}{below}"), message);
        }
        let kind = tolerance.get("type").and_then(Value::as_str);
        if kind == Some("probe") {
            self.activity(tolerance, &at);
            let arguments = tolerance.get("provider").and_then(|p| p.get("arguments"));
            if self.strict() && !arguments.is_some_and(Value::is_object) {
                let message = "the probe of a tolerance gets the result as an argument called \
                               `value`: its provider needs `arguments`, a map which may be empty";
                self.error(&format!("{at}/provider"), message);
            }
            return;
        }
        if self.strict() && gives_a_map(probe) {
            self.never_met(tolerance, kind, &at);
        }
    }

    /// What a result of a process or an HTTP call, a map, is never compared with.
    fn never_met(&mut self, tolerance: &Value, kind: Option<&str>, at: &str) {
        let targeted = tolerance
            .get("target")
            .and_then(Value::as_str)
            .is_some_and(|target| !target.is_empty());
        let parts = "`status`, `stdout`, `stderr` of a process, `status`, `headers`, `body` of an \
                     HTTP call";
        match (tolerance, kind) {
            (Value::Bool(_), _) => {
                self.error(at, "a boolean tolerance is never met: the result is a map");
            }
            (Value::String(text), _) if only_placeholder(text).is_none() => {
                self.error(
                    at,
                    format!(
                        "a string tolerance is never met: the result is a map; use a tolerance of \
                         type regex or jsonpath with a `target`: {parts}"
                    ),
                );
            }
            (_, Some(kind @ ("regex" | "range"))) if !targeted => {
                self.error(at, format!("a {kind} tolerance needs a `target` here: {parts}"));
            }
            _ => {}
        }
    }
}

fn gives_a_map(probe: &Value) -> bool {
    let kind = probe.get("provider").and_then(|p| p.get("type")).and_then(Value::as_str);
    matches!(kind, Some("process" | "http"))
}
