//! PROCESS_INSTANCE_BATCH CONTINUE: takes up steps that did not fit an earlier slice.

use skep_protocol::{Command, Payload, ProcessInstanceBatchIntent, RejectionType};

use crate::context::Context;
use crate::step::Step;

pub(super) fn go_on(context: &mut Context<'_>, command: &Command) {
    let Some(mut record) = context.state.batches.get(&command.key) else {
        let reason =
            format!("Expected to go on with batch '{}', but it is done already", command.key);
        context.reject(command, RejectionType::NotFound, reason);
        return;
    };
    context.steps_done = record.steps_done;
    context.steps.extend(std::mem::take(&mut record.steps).into_iter().filter_map(Step::decode));
    context.event(
        command.key,
        Payload::ProcessInstanceBatch(ProcessInstanceBatchIntent::Continued, record),
    );
}
