//! Which version of a decision is meant.

use skep_protocol::Key;

use super::State;

impl State {
    /// The latest version of a decision.
    pub(crate) fn latest_decision(&self, decision_id: &str) -> Option<Key> {
        let id = decision_id.to_owned();
        let highest = self.decision_versions_highest.get(&id)?;
        (1..=highest).rev().find_map(|version| self.decision_versions.get(&(id.clone(), version)))
    }

    /// The latest version of a decision requirements graph.
    pub(crate) fn latest_decision_requirements(&self, requirements_id: &str) -> Option<Key> {
        let id = requirements_id.to_owned();
        let highest = self.decision_requirements_versions_highest.get(&id)?;
        (1..=highest)
            .rev()
            .find_map(|version| self.decision_requirements_versions.get(&(id.clone(), version)))
    }
}
