//! Whether an experiment is one: what the Chaos Toolkit finds, in its words and its order, and strictly also
//! what it overlooks. All of it is found, not only the first.

mod activity;
mod control;

use serde_json::Value;

use super::{Document, Finding};
use crate::configuration;
use crate::options::{Judging, Variables};
use crate::program::Programs;

/// What a check needs to know.
pub(crate) struct Check<'a> {
    pub(crate) document: &'a Document,
    pub(crate) judging: Judging,
    pub(crate) programs: &'a dyn Programs,
    pub(crate) findings: Vec<Finding>,
}

/// Everything that is wrong with an experiment. With [`Judging::Compat`] only what the Chaos Toolkit looks at.
pub(crate) fn check(
    document: &Document,
    judging: Judging,
    programs: &dyn Programs,
    variables: &Variables,
) -> Vec<Finding> {
    let mut check = Check { document, judging, programs, findings: Vec::new() };
    if document.value.as_object().is_none_or(serde_json::Map::is_empty) {
        check.error("", "an empty experiment is not an experiment");
        return check.findings;
    }
    check.head();
    check.findings.extend(configuration::check(document, judging, variables));
    if check.strict() {
        check.dynamic_configuration();
    }
    check.hypothesis();
    check.method();
    check.rollbacks();
    check.runtime();
    check.deprecations();
    check.controls();
    check.findings
}

impl Check<'_> {
    pub(crate) fn strict(&self) -> bool {
        self.judging == Judging::Strict
    }

    pub(crate) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.findings.push(self.document.finding(path, message));
    }

    pub(crate) fn warning(&mut self, path: &str, message: impl Into<String>) {
        let finding = Finding { warning: true, ..self.document.finding(path, message) };
        self.findings.push(finding);
    }

    /// The items of a list at the top of the document.
    fn list(&mut self, name: &str) -> Vec<Value> {
        match self.document.value.get(name) {
            Some(Value::Array(items)) => items.clone(),
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                self.error(&format!("/{name}"), format!("`{name}` must be a list"));
                Vec::new()
            }
        }
    }

    fn head(&mut self) {
        for name in ["title", "description"] {
            match self.document.value.get(name) {
                Some(Value::String(text)) if !text.is_empty() => {}
                Some(other) if crate::python::truth(other) => {
                    self.error(&format!("/{name}"), format!("experiment {name} must be a string"));
                }
                _ => self.error(&format!("/{name}"), format!("experiment requires a {name}")),
            }
        }
        for (index, tag) in self.list("tags").iter().enumerate() {
            if tag.as_str().is_none_or(str::is_empty) {
                let path = format!("/tags/{index}");
                self.error(&path, "experiment tags must be a non-empty string");
            }
        }
        for (index, extension) in self.list("extensions").iter().enumerate() {
            let name = extension.get("name").and_then(Value::as_str);
            if name.is_none_or(|name| name.trim().is_empty()) {
                let path = format!("/extensions/{index}");
                self.error(&path, "All extensions require a non-empty name");
            }
        }
        for name in ["configuration", "secrets"] {
            if self.document.value.get(name).is_some_and(|value| !value.is_object()) {
                self.error(&format!("/{name}"), format!("`{name}` must be a map"));
            }
        }
    }

    fn dynamic_configuration(&mut self) {
        let Some(map) = self.document.value.get("configuration").and_then(Value::as_object) else {
            return;
        };
        for (key, probe) in configuration::dynamic(map) {
            self.activity(&probe, &format!("/configuration/{key}"));
        }
    }

    fn hypothesis(&mut self) {
        let at = "/steady-state-hypothesis";
        let hypothesis = match self.document.value.get("steady-state-hypothesis") {
            None | Some(Value::Null) => return,
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return self.error(at, "the steady state hypothesis must be a map"),
        };
        if hypothesis.get("title").and_then(Value::as_str).is_none_or(str::is_empty) {
            self.error(at, "hypothesis requires a title");
        }
        let probes = match hypothesis.get("probes") {
            None | Some(Value::Null) => return,
            Some(Value::Array(probes)) => probes.clone(),
            Some(_) => return self.error(&format!("{at}/probes"), "`probes` must be a list"),
        };
        for (index, probe) in probes.iter().enumerate() {
            let path = format!("{at}/probes/{index}");
            self.activity(probe, &path);
            if !probe.is_object() {
                continue;
            }
            match probe.get("tolerance") {
                None => self.error(&path, "hypothesis probe must have a tolerance entry"),
                Some(tolerance) => self.tolerance(probe, tolerance, &path),
            }
            if self.strict() && probe.get("type").and_then(Value::as_str) == Some("action") {
                self.error(&path, "the steady state hypothesis is made of probes, not actions");
            }
            self.reference(probe, &path);
        }
    }

    fn method(&mut self) {
        if self.document.value.get("method").is_none_or(Value::is_null) {
            // The space at the end is the original's.
            return self.error(
                "",
                "an experiment requires a method, which can be empty for only checking steady \
                 state hypothesis ",
            );
        }
        for (index, activity) in self.list("method").iter().enumerate() {
            let path = format!("/method/{index}");
            self.activity(activity, &path);
            if let Some(name) = activity.get("ref").and_then(Value::as_str)
                && !name.is_empty()
                && self.referenced(name).is_none()
            {
                let message = missing_reference(name);
                self.error(&format!("{path}/ref"), message);
            }
            self.judged_tolerance(activity, &path);
        }
    }

    fn rollbacks(&mut self) {
        for (index, activity) in self.list("rollbacks").iter().enumerate() {
            let path = format!("/rollbacks/{index}");
            self.activity(activity, &path);
            self.reference(activity, &path);
            self.judged_tolerance(activity, &path);
        }
    }

    /// Tolerances outside of the hypothesis only count when judging strictly.
    fn judged_tolerance(&mut self, activity: &Value, path: &str) {
        if let Some(tolerance) = activity.get("tolerance").filter(|_| self.strict()) {
            self.tolerance(activity, tolerance, path);
        }
    }

    /// References that the original does not look at.
    fn reference(&mut self, activity: &Value, path: &str) {
        if let Some(name) = activity.get("ref").and_then(Value::as_str)
            && self.strict()
            && self.referenced(name).is_none()
        {
            let message = missing_reference(name);
            self.error(&format!("{path}/ref"), message);
        }
    }

    /// The activity that has a name: of the method, or of the hypothesis, which wins.
    fn referenced(&self, name: &str) -> Option<&Value> {
        super::referenced(&self.document.value, name)
    }

    /// Strategies in the file, which the original ends with a stack trace for.
    fn runtime(&mut self) {
        if !self.strict() {
            return;
        }
        let strategy = |part: &str| {
            let strategy = self.document.value.get("runtime")?.get(part)?.get("strategy")?;
            Some(strategy.as_str().unwrap_or("").to_owned())
        };
        let (hypothesis, rollbacks) = (strategy("hypothesis"), strategy("rollbacks"));
        if let Some(Err(message)) =
            hypothesis.map(|text| text.parse::<crate::options::HypothesisStrategy>())
        {
            self.error("/runtime/hypothesis/strategy", message);
        }
        if let Some(Err(message)) =
            rollbacks.map(|text| text.parse::<crate::options::RollbackStrategy>())
        {
            self.error("/runtime/rollbacks/strategy", message);
        }
    }

    fn deprecations(&mut self) {
        let document = self.document;
        let arguments = super::activities(&document.value).find_map(|(path, activity)| {
            let provider = activity.get("provider")?;
            let is_map = provider.get("type")?.as_str() == Some("process")
                && provider.get("arguments")?.is_object();
            is_map.then(|| format!("{path}/provider/arguments"))
        });
        if let Some(path) = arguments {
            self.warning(
                &path,
                "Process arguments should now be a list to keep the ordering of the arguments. \
                 Dictionary arguments are deprecated for process activities.",
            );
        }
    }
}

fn missing_reference(name: &str) -> String {
    format!("referenced activity '{name}' could not be found in the experiment")
}

#[cfg(test)]
mod tests;
