//! Creating and cancelling jobs.

use skep_bpmn::model::{JobTask, UserTaskJob};
use skep_protocol::{Header, JobIntent, JobRecord, Key, NO_KEY, Payload};

use crate::context::Context;
use crate::limits::JOB_RETRIES_DEFAULT;
use crate::outcome::Effect;
use crate::problem::Outcome;
use crate::state::ElementInstance;

/// Job type of job-based user tasks.
const USER_TASK_JOB_TYPE: &str = "io.camunda.zeebe:userTask";

/// What is evaluated before a job is created.
pub(crate) struct JobProperties {
    job_type: String,
    retries: i32,
    headers: Vec<Header>,
}

fn header(key: &str, value: impl Into<String>) -> Header {
    Header { key: key.to_owned(), value: value.into() }
}

fn headers(model: &[(std::sync::Arc<str>, std::sync::Arc<str>)]) -> Vec<Header> {
    model.iter().map(|(key, value)| header(key, value.as_ref())).collect()
}

impl Context<'_> {
    /// Evaluates the attributes of a job task.
    pub(crate) fn job_properties(&self, task: &JobTask, scope_key: Key) -> Outcome<JobProperties> {
        let job_type = self.evaluate_string(&task.job_type, scope_key)?;
        let retries = match &task.retries {
            Some(value) => {
                i32::try_from(self.evaluate_integer(value, scope_key)?).unwrap_or(i32::MAX)
            }
            None => JOB_RETRIES_DEFAULT,
        };
        Ok(JobProperties { job_type, retries, headers: headers(&task.headers) })
    }

    /// Evaluates the attributes of a job-based user task; they travel as reserved headers.
    pub(crate) fn user_task_properties(
        &self,
        task: &UserTaskJob,
        scope_key: Key,
    ) -> Outcome<JobProperties> {
        let mut headers = headers(&task.headers);
        if let Some(form_key) = &task.form_key {
            headers.push(header("io.camunda.zeebe:formKey", form_key.as_ref()));
        }
        if let Some(assignee) = &task.assignee {
            let assignee = self.evaluate_string(assignee, scope_key)?;
            headers.push(header("io.camunda.zeebe:assignee", assignee));
        }
        let lists = [
            ("io.camunda.zeebe:candidateGroups", &task.candidate_groups),
            ("io.camunda.zeebe:candidateUsers", &task.candidate_users),
        ];
        for (name, value) in lists {
            if let Some(value) = value {
                let list = self.evaluate_string_list(value, scope_key)?;
                let items: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
                headers.push(header(name, format!("[{}]", items.join(","))));
            }
        }
        let dates = [
            ("io.camunda.zeebe:dueDate", &task.due_date),
            ("io.camunda.zeebe:followUpDate", &task.follow_up_date),
        ];
        for (name, value) in dates {
            if let Some(value) = value {
                headers.push(header(name, self.evaluate_date_text(value, scope_key)?));
            }
        }
        Ok(JobProperties { job_type: USER_TASK_JOB_TYPE.to_owned(), retries: 1, headers })
    }

    /// Creates the job of an element.
    pub(crate) fn create_job(
        &mut self,
        key: Key,
        instance: &ElementInstance,
        properties: JobProperties,
    ) {
        let value = &instance.record;
        let record = JobRecord {
            job_type: properties.job_type.clone(),
            element_id: value.element_id.clone(),
            element_instance_key: key,
            bpmn_process_id: value.bpmn_process_id.clone(),
            process_definition_version: value.version,
            process_definition_key: value.process_definition_key,
            process_instance_key: value.process_instance_key,
            headers: properties.headers,
            retries: properties.retries,
            tenant_id: value.tenant_id.clone(),
            ..JobRecord::default()
        };
        let job_key = self.next_key();
        self.event(job_key, Payload::Job(JobIntent::Created, record));
        self.effect(Effect::JobsAvailable { job_type: properties.job_type });
    }

    /// Cancels the job of an element that goes away, whatever its state.
    pub(crate) fn cancel_job(&mut self, job_key: Key) {
        if job_key == NO_KEY {
            return;
        }
        if let Some(job) = self.state.jobs.get(&job_key) {
            self.event(job_key, Payload::Job(JobIntent::Canceled, job.record));
            self.resolve_incident_of_job(job_key);
        }
    }
}
