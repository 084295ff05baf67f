//! The receiver's side: takes each distribution once, in order, and acknowledges it every time.

use skep_protocol::{
    Command, CommandDistributionIntent, CommandDistributionRecord, Key, NO_KEY, PartitionId,
    Payload, RejectionType, key::partition_of,
};

use crate::context::Context;

/// Does what a distributed command says, unless it was done already or another has to come first.
pub(crate) fn receive(
    context: &mut Context<'_>,
    command: &Command,
    apply: impl FnOnce(&mut Context<'_>),
) {
    let origin = partition_of(command.key);
    let last = context.state.distributions_received.get(&origin).unwrap_or_default();
    let known = command.key <= last;
    #[cfg(feature = "mutation")]
    let (known, last) = match known && crate::mutation::is("distribution is applied again") {
        true => (false, command.predecessor),
        false => (known, last),
    };
    if known {
        let reason =
            format!("Expected a distribution that is new, but '{}' is known already", command.key);
        context.reject(command, RejectionType::AlreadyExists, reason);
        return acknowledge(context, origin, last);
    }
    // Without a predecessor it is the oldest that is not acknowledged: all before it are here.
    if command.predecessor != NO_KEY && command.predecessor != last {
        let reason = format!(
            "Expected distribution '{}' behind '{}', but the last one here is '{last}'; it will come again",
            command.key, command.predecessor
        );
        return context.reject(command, RejectionType::InvalidState, reason);
    }
    apply(context);
    let record = CommandDistributionRecord {
        partition_id: context.settings.partition_id,
        value_type: command.payload.value_type() as u32,
        intent: u32::from(command.payload.intent_number()),
        ..CommandDistributionRecord::default()
    };
    context.event(
        command.key,
        Payload::CommandDistribution(CommandDistributionIntent::Received, record),
    );
    acknowledge(context, origin, command.key);
}

/// Everything up to this distribution is here.
fn acknowledge(context: &mut Context<'_>, origin: PartitionId, last: Key) {
    let acknowledgement = CommandDistributionRecord {
        partition_id: context.settings.partition_id,
        ..CommandDistributionRecord::default()
    };
    let payload =
        Payload::CommandDistribution(CommandDistributionIntent::Acknowledge, acknowledgement);
    context.send(origin, Command::new(last, payload));
}
