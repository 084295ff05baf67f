//! SCALE: the partitions become more (`spec/engine.md` 4.13).
//!
//! SCALE_UP on the deployment partition raises the count, which the others learn by distribution.
//! What is deployed reaches a new partition by ordinary distributions, a slice at a time and in
//! order (`bootstrap.rs`); it is ready when it has acknowledged them. The hash of correlation keys
//! stays that of the partitions which the cluster began with.

mod bootstrap;

use skep_protocol::{
    Command, Key, NO_KEY, Payload, RejectionType, ScaleIntent, ScaleRecord, key::partition_of,
    limits::PARTITIONS_MAX,
};

use crate::context::Context;
use crate::distribute;

/// The partition that decides about the number of partitions, as about deployments.
const DECIDING_PARTITION: u32 = 1;

pub(super) fn process(
    context: &mut Context<'_>,
    command: &Command,
    intent: ScaleIntent,
    value: &ScaleRecord,
) {
    let is_distributed =
        command.key != NO_KEY && partition_of(command.key) != context.settings.partition_id;
    match intent {
        ScaleIntent::ScaleUp if is_distributed => {
            distribute::receive(context, command, |context| {
                let payload = Payload::Scale(ScaleIntent::ScaledUp, value.clone());
                context.event(command.key, payload);
            });
        }
        ScaleIntent::ScaleUp => scale_up(context, command, value),
        ScaleIntent::Status => status(context),
        ScaleIntent::Bootstrap => bootstrap::go_on(context, command, value.partition_id),
        _ => {
            let reason = format!("Expected a command, but SCALE {} is none", intent.name());
            context.reject(command, RejectionType::InvalidArgument, reason);
        }
    }
}

fn scale_up(context: &mut Context<'_>, command: &Command, value: &ScaleRecord) {
    let (desired, current) = (value.desired_partition_count, context.partition_count());
    if context.settings.partition_id != DECIDING_PARTITION {
        let reason = format!("Expected SCALE_UP on partition '{DECIDING_PARTITION}' only");
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    if desired < current || desired > PARTITIONS_MAX {
        let reason = format!(
            "Expected from '{current}' to '{PARTITIONS_MAX}' partitions, as none can be taken away, but '{desired}' were asked for"
        );
        return context.reject(command, RejectionType::InvalidArgument, reason);
    }
    let record = ScaleRecord {
        desired_partition_count: desired,
        previous_partition_count: current,
        ..ScaleRecord::default()
    };
    let payload = Payload::Scale(ScaleIntent::ScalingUp, record.clone());
    if desired == current {
        // Asked for again: it was done, or is under way.
        context.forget_command();
        return context.respond_accepted(NO_KEY, payload);
    }
    let key = context.next_key();
    context.event(key, payload.clone());
    context.respond_accepted(key, payload);
    let others = context.others();
    distribute::start(context, key, &Payload::Scale(ScaleIntent::ScaleUp, record), &others);
}

/// Tells how many partitions there are, and which have all that is deployed; writes nothing.
fn status(context: &mut Context<'_>) {
    let count = context.partition_count();
    let record = ScaleRecord {
        desired_partition_count: count,
        redistributed_partitions: (1..=count)
            .filter(|partition| !context.state.bootstraps.contains(partition))
            .collect(),
        ..ScaleRecord::default()
    };
    context.forget_command();
    context.respond_accepted(NO_KEY, Payload::Scale(ScaleIntent::StatusResponse, record));
}

/// A partition has acknowledged everything up to a distribution: perhaps it is ready now.
pub(crate) fn acknowledged(context: &mut Context<'_>, partition_id: u32, last: Key) {
    let row = context.state.bootstraps.get(&partition_id);
    if row.is_some_and(|row| row.complete && row.last_distribution_key <= last) {
        let record = ScaleRecord {
            partition_id,
            desired_partition_count: context.partition_count(),
            ..ScaleRecord::default()
        };
        context.event(NO_KEY, Payload::Scale(ScaleIntent::PartitionBootstrapped, record));
    }
}
