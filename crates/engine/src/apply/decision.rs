//! DECISION and DECISION_REQUIREMENTS. Every write is an upsert: the same event applied twice leaves
//! the state of once.

use std::ops::ControlFlow;

use skep_protocol::{
    DecisionIntent, DecisionRecord, DecisionRequirementsIntent, DecisionRequirementsRecord, Key,
};

use crate::state::State;

pub(crate) fn apply(state: &mut State, key: Key, intent: DecisionIntent, value: &DecisionRecord) {
    let version = (value.decision_id.clone(), value.version);
    let deployment = (value.deployment_key, value.decision_id.clone());
    let graph = (value.decision_requirements_key, key);
    match intent {
        DecisionIntent::Created => {
            state.decisions.insert(key, value.clone());
            state.decision_versions.insert(version, key);
            let highest =
                state.decision_versions_highest.get(&value.decision_id).unwrap_or_default();
            state
                .decision_versions_highest
                .insert(value.decision_id.clone(), highest.max(value.version));
            state.decisions_by_deployment.insert(deployment, key);
            state.decisions_by_requirements.insert(graph, ());
        }
        DecisionIntent::Deleted => {
            state.decisions.remove(&key);
            state.decision_versions.remove(&version);
            state.decisions_by_deployment.remove(&deployment);
            state.decisions_by_requirements.remove(&graph);
        }
    }
    if !value.version_tag.is_empty() {
        update_version_tag(state, value);
    }
}

/// The tag names the latest of the decisions that carry it, if there is one.
fn update_version_tag(state: &mut State, value: &DecisionRecord) {
    let id = (value.decision_id.clone(), value.version_tag.clone());
    let mut latest = None;
    state.decision_versions.scan(
        &(value.decision_id.clone(), 0),
        Some(&(value.decision_id.clone(), u32::MAX)),
        &mut |_, key| {
            let tagged = state.decisions.get(key);
            if tagged.is_some_and(|decision| decision.version_tag == value.version_tag) {
                latest = Some(*key);
            }
            ControlFlow::Continue(())
        },
    );
    match latest {
        Some(key) => state.decision_version_tags.insert(id, key),
        None => state.decision_version_tags.remove(&id),
    }
}

pub(crate) fn apply_requirements(
    state: &mut State,
    key: Key,
    intent: DecisionRequirementsIntent,
    value: &DecisionRequirementsRecord,
) {
    let id = &value.decision_requirements_id;
    let version = (id.clone(), value.version);
    match intent {
        DecisionRequirementsIntent::Created => {
            state.decision_requirements.insert(key, value.clone());
            state.decision_requirements_versions.insert(version, key);
            let highest = state.decision_requirements_versions_highest.get(id).unwrap_or_default();
            state
                .decision_requirements_versions_highest
                .insert(id.clone(), highest.max(value.version));
        }
        DecisionRequirementsIntent::Deleted => {
            state.decision_requirements.remove(&key);
            state.decision_requirements_versions.remove(&version);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::{Backing, NoBacking};

    fn deployed(state: &mut State, version: u32) {
        let graph = DecisionRequirementsRecord {
            decision_requirements_id: "fees".to_owned(),
            version,
            decision_requirements_key: 10 + u64::from(version),
            ..DecisionRequirementsRecord::default()
        };
        let decision = DecisionRecord {
            decision_id: "fee".to_owned(),
            version,
            decision_key: 20 + u64::from(version),
            decision_requirements_key: graph.decision_requirements_key,
            version_tag: "stable".to_owned(),
            deployment_key: 30 + u64::from(version),
            ..DecisionRecord::default()
        };
        let created = DecisionRequirementsIntent::Created;
        apply_requirements(state, graph.decision_requirements_key, created, &graph);
        apply(state, decision.decision_key, DecisionIntent::Created, &decision);
    }

    /// A receiver that took note of a distribution rejects the second delivery. Even one that did
    /// not must end with one version and without a failure.
    #[test]
    fn applying_twice_leaves_the_state_of_once() {
        let backing: Arc<dyn Backing> = Arc::new(NoBacking);
        let mut state = State::new(&backing).unwrap();
        deployed(&mut state, 1);
        deployed(&mut state, 2);
        let once = state.dump();
        // Out of order too: the older one does not become the latest again.
        deployed(&mut state, 2);
        deployed(&mut state, 1);
        assert_eq!(state.dump(), once);
        assert_eq!(state.latest_decision("fee"), Some(22));
        assert_eq!(
            state.decision_version_tags.get(&("fee".to_owned(), "stable".to_owned())),
            Some(22)
        );
    }
}
