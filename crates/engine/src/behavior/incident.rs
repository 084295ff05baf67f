//! Raising and ending incidents.

use skep_protocol::{ErrorType, IncidentIntent, IncidentRecord, Key, NO_KEY, Payload};

use crate::context::Context;
use crate::problem::Problem;
use crate::state::{ElementInstance, Job};

impl Context<'_> {
    /// Stops an element with an incident. One element has at most one.
    pub(crate) fn raise(&mut self, key: Key, instance: &ElementInstance, problem: Problem) {
        if self.state.incidents_by_element.contains(&key) {
            return;
        }
        let record = IncidentRecord {
            error_type: problem.error_type as i32,
            error_message: problem.message,
            bpmn_process_id: instance.record.bpmn_process_id.clone(),
            process_definition_key: instance.record.process_definition_key,
            process_instance_key: instance.record.process_instance_key,
            element_id: instance.record.element_id.clone(),
            element_instance_key: key,
            job_key: NO_KEY,
            variable_scope_key: problem.variable_scope_key.unwrap_or(key),
            tenant_id: instance.record.tenant_id.clone(),
            retry_step: problem.retry.map(|step| step.encode()).unwrap_or_default(),
        };
        let incident_key = self.next_key();
        self.event(incident_key, Payload::Incident(IncidentIntent::Created, record));
    }

    /// Stops a job with an incident.
    pub(crate) fn raise_for_job(
        &mut self,
        job_key: Key,
        job: &Job,
        error_type: ErrorType,
        message: String,
    ) {
        if self.state.incidents_by_job.contains(&job_key) {
            return;
        }
        let record = job_incident(job_key, job, error_type, message);
        let incident_key = self.next_key();
        self.event(incident_key, Payload::Incident(IncidentIntent::Created, record));
    }

    /// Stops a job with the incident of a problem that can be tried again.
    pub(crate) fn stop_job_at(&mut self, job_key: Key, problem: Problem) {
        let Some(job) = self.state.jobs.get(&job_key) else { return };
        if self.state.incidents_by_job.contains(&job_key) {
            return;
        }
        let record = IncidentRecord {
            retry_step: problem.retry.map(|step| step.encode()).unwrap_or_default(),
            ..job_incident(job_key, &job, problem.error_type, problem.message)
        };
        let incident_key = self.next_key();
        self.event(incident_key, Payload::Incident(IncidentIntent::Created, record));
    }

    /// Ends the incident of an element that goes away or goes on.
    pub(crate) fn resolve_incident_of(&mut self, element_instance_key: Key) {
        if let Some(key) = self.state.incidents_by_element.get(&element_instance_key) {
            self.resolve_incident(key);
        }
    }

    /// Ends the incident of a job that goes away or goes on.
    pub(crate) fn resolve_incident_of_job(&mut self, job_key: Key) {
        if let Some(key) = self.state.incidents_by_job.get(&job_key) {
            self.resolve_incident(key);
        }
    }

    fn resolve_incident(&mut self, key: Key) {
        if let Some(record) = self.state.incidents.get(&key) {
            self.event(key, Payload::Incident(IncidentIntent::Resolved, record));
        }
    }
}

fn job_incident(job_key: Key, job: &Job, error_type: ErrorType, message: String) -> IncidentRecord {
    IncidentRecord {
        error_type: error_type as i32,
        error_message: message,
        bpmn_process_id: job.record.bpmn_process_id.clone(),
        process_definition_key: job.record.process_definition_key,
        process_instance_key: job.record.process_instance_key,
        element_id: job.record.element_id.clone(),
        element_instance_key: job.record.element_instance_key,
        job_key,
        variable_scope_key: job.record.element_instance_key,
        tenant_id: job.record.tenant_id.clone(),
        retry_step: bytes::Bytes::new(),
    }
}
