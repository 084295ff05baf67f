//! PROCESS_INSTANCE CANCEL.

use skep_protocol::{Command, NO_KEY, Payload, ProcessInstanceIntent, RejectionType};

use crate::context::Context;
use crate::state::Lifecycle;
use crate::step::Step;

pub(super) fn cancel(context: &mut Context<'_>, command: &Command) {
    let key = command.key;
    let instance = context.state.element_instances.get(&key).filter(|instance| {
        instance.record.flow_scope_key == NO_KEY && !instance.is(Lifecycle::Terminating)
    });
    let Some(instance) = instance else {
        let reason = format!(
            "Expected to cancel a process instance with key '{key}', but no such process was found"
        );
        return context.reject(command, RejectionType::NotFound, reason);
    };
    if instance.record.parent_process_instance_key != NO_KEY {
        let root = root_of(context, instance.record.parent_process_instance_key);
        let reason = format!(
            "Expected to cancel a process instance with key '{key}', but it is created by a parent process instance. \
             Cancel the root process instance '{root}' instead."
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    context.step(Step::Terminate { key });
    context.respond_accepted(
        key,
        Payload::ProcessInstance(ProcessInstanceIntent::Cancel, instance.record),
    );
}

fn root_of(context: &Context<'_>, mut key: u64) -> u64 {
    while let Some(instance) = context.state.element_instances.get(&key) {
        if instance.record.parent_process_instance_key == NO_KEY {
            break;
        }
        key = instance.record.parent_process_instance_key;
    }
    key
}
