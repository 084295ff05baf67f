//! INCIDENT.

use skep_protocol::{IncidentIntent, IncidentRecord, Key, NO_KEY};

use crate::state::{JobState, State};

pub(crate) fn apply(state: &mut State, key: Key, intent: IncidentIntent, value: &IncidentRecord) {
    match intent {
        IncidentIntent::Created => {
            state.incidents.insert_new(key, value.clone());
            if value.job_key == NO_KEY {
                state.incidents_by_element.insert(value.element_instance_key, key);
                return;
            }
            state.incidents_by_job.insert(value.job_key, key);
            // A job with an incident is handed to nobody.
            if state.jobs.get(&value.job_key).is_some_and(|job| job.is(JobState::Activatable)) {
                super::job::change(state, value.job_key, JobState::Failed, |_| {});
            }
        }
        IncidentIntent::Resolved => {
            state.incidents.remove(&key);
            if value.job_key == NO_KEY {
                state.incidents_by_element.remove(&value.element_instance_key);
                return;
            }
            state.incidents_by_job.remove(&value.job_key);
            if state.jobs.get(&value.job_key).is_some_and(|job| job.is(JobState::Failed)) {
                super::job::change(state, value.job_key, JobState::Activatable, |_| {});
            }
        }
        IncidentIntent::Resolve => {}
    }
}
