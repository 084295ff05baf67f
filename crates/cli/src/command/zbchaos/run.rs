//! What keeps one run of an experiment apart from another on the same cluster.

/// The variable that names the run.
pub(crate) const RUN_VARIABLE: &str = "SKEP_CHAOS_RUN";

/// The run that this command is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Run(pub(super) String);

/// Whatever the built-in models name that a cluster knows by its name: processes, decisions, graphs,
/// job types, messages.
const NAMES: [&str; 14] = [
    "benchmark",
    "benchmark-task",
    "oneReceiveMsgEvent",
    "msg",
    "chaosTimerStart",
    "chaos",
    "multiVersion",
    "fancyDecision",
    "fancyDecisions",
    "fancyDecisionName",
    "acknowledged",
    "acknowledgedDecision",
    "acknowledgedDecisions",
    "chaosTimer",
];

impl Run {
    /// The run that the environment names.
    pub(super) fn of_environment() -> Self {
        Self::named(&std::env::var(RUN_VARIABLE).unwrap_or_default())
    }

    /// Only what may stand in an id of a model is kept of a name.
    pub(super) fn named(name: &str) -> Self {
        Self(name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
    }

    /// A name of a built-in model as it is in this run; others stay as they are.
    pub(super) fn name(&self, name: &str) -> String {
        if self.0.is_empty() || !NAMES.contains(&name) {
            return name.to_owned();
        }
        format!("{name}-{}", self.0)
    }

    /// The text of a built-in model as it is in this run.
    pub(super) fn model(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        // They stand alone in their attributes.
        NAMES.iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("\"{name}\""), &format!("\"{}\"", self.name(name)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_built_in_models_carry_the_run_and_others_do_not() {
        let run = Run::named("a 1/b");
        assert_eq!(run.name("benchmark"), "benchmark-a1b");
        assert_eq!(run.name("order"), "order");
        assert_eq!(
            run.model(r#"<process id="benchmark" name="benchmark process">"#),
            r#"<process id="benchmark-a1b" name="benchmark process">"#
        );
        let none = Run::default();
        assert_eq!(
            (none.name("benchmark"), none.model("\"msg\"")),
            ("benchmark".into(), "\"msg\"".into())
        );
    }
}
