//! Tasks that wait for a worker or a message, and embedded sub-processes.

use bytes::Bytes;
use skep_bpmn::model::{JobTask, Scope, UserTaskJob};
use skep_protocol::ProcessInstanceIntent;

use super::Current;
use crate::context::Context;
use crate::problem::{Outcome, Problem};

impl Context<'_> {
    /// A task with a job. JOB CREATED comes before ELEMENT_ACTIVATED (`spec/engine.md` 4.7).
    pub(super) fn activate_job_task(&mut self, current: &Current, task: &JobTask) -> Outcome {
        let properties = self.job_properties(task, current.key)?;
        let waits = self.evaluate_waits(current)?;
        self.open_waits(current, waits);
        self.create_job(current.key, &current.instance, properties);
        self.write(current, ProcessInstanceIntent::ElementActivated);
        Ok(())
    }

    /// A job-based user task.
    pub(super) fn activate_user_task(&mut self, current: &Current, task: &UserTaskJob) -> Outcome {
        let properties = self.user_task_properties(task, current.key)?;
        let waits = self.evaluate_waits(current)?;
        self.open_waits(current, waits);
        self.create_job(current.key, &current.instance, properties);
        self.write(current, ProcessInstanceIntent::ElementActivated);
        Ok(())
    }

    /// A catch event, receive task or event-based gateway: opens its subscriptions and waits.
    pub(super) fn activate_waiting(&mut self, current: &Current) -> Outcome {
        let waits = self.evaluate_waits(current)?;
        self.open_waits(current, waits);
        self.write(current, ProcessInstanceIntent::ElementActivated);
        Ok(())
    }

    /// An embedded sub-process: its none start event follows.
    pub(super) fn activate_sub_process(&mut self, current: &Current, scope: &Scope) -> Outcome {
        let waits = self.evaluate_waits(current)?;
        let start = scope
            .none_start
            .ok_or_else(|| Problem::internal("a sub-process has no start event"))?;
        self.open_waits(current, waits);
        self.write(current, ProcessInstanceIntent::ElementActivated);
        self.enter_triggered(&current.definition, start, current.key, Bytes::new());
        Ok(())
    }
}
