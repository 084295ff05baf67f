//! Controls: hooks in Python around every part of a run. There is no Python here.

use serde_json::Value;

use super::Check;
use crate::python;

impl Check<'_> {
    /// Checks the controls of the experiment, the hypothesis and the activities.
    pub(super) fn controls(&mut self) {
        let controls = all_controls(&self.document.value);
        let named: Vec<&str> = controls
            .iter()
            .filter(|(_, control)| control.get("ref").is_none())
            .filter_map(|(_, control)| control.get("name").and_then(Value::as_str))
            .collect();
        for (path, control) in &controls {
            let reference = control.get("ref").and_then(Value::as_str);
            if reference.is_some_and(|reference| !named.contains(&reference)) {
                // The braces are the original's.
                self.error(path, "Control reference '{}' declaration cannot be found");
            }
            let Some(name) = control.get("name") else {
                self.error(path, "A control must have a `name` property");
                continue;
            };
            let name = python::text(name);
            let Some(provider) = control.get("provider") else {
                self.error(path, format!("Control '{name}' must have a `provider` property"));
                continue;
            };
            let scope = control.get("scope").filter(|scope| python::truth(scope));
            if scope.is_some_and(|scope| !matches!(scope.as_str(), Some("before" | "after"))) {
                let message =
                    format!("Control '{name}' scope property must be 'before' or 'after' only");
                self.error(&format!("{path}/scope"), message);
            }
            if provider.get("type").and_then(Value::as_str) == Some("python") {
                self.python_control(&name, provider, path);
            }
        }
    }

    fn python_control(&mut self, name: &str, provider: &Value, path: &str) {
        let module = provider.get("module").and_then(Value::as_str).unwrap_or("");
        if module.is_empty() {
            return self.error(path, format!("Control '{name}' must have a module path"));
        }
        if self.strict() {
            let message = format!(
                "python controls are not supported: control '{name}' is the module '{module}'. \
                 Remove it, or run with --compat, which goes on without it"
            );
            return self.error(&format!("{path}/provider"), message);
        }
        let message = format!(
            "Could not find Python module '{module}' in control '{name}'. Did you install the \
             Python module? The experiment will carry on running nonetheless."
        );
        self.warning(path, message);
    }
}

/// Every control with the path to it.
fn all_controls(experiment: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut add = |path: &str, of: Option<&Value>| {
        let controls = of.and_then(|of| of.get("controls")).and_then(Value::as_array);
        for (index, control) in controls.into_iter().flatten().enumerate() {
            all.push((format!("{path}/controls/{index}"), control.clone()));
        }
    };
    add("", Some(experiment));
    add("/steady-state-hypothesis", experiment.get("steady-state-hypothesis"));
    for (path, activity) in super::super::activities(experiment) {
        add(&path, Some(activity));
    }
    all
}
