//! Command distribution: from the partition that decided to all others, at least once, in order for
//! each receiver, until each has acknowledged (`spec/engine.md` 4.8; architecture decision 10).

use prost::Message;
use skep_protocol::{
    Command, CommandDistributionIntent, CommandDistributionRecord, DeploymentIntent,
    DeploymentRecord, Key, PartitionId, Payload, RejectionType, ValueType, key::partition_of,
};

use crate::context::Context;
use crate::outcome::Effect;
use crate::state::State;

/// Begins to distribute a command under its own key. The receivers get `payload`.
pub(super) fn start(context: &mut Context<'_>, key: Key, payload: &Payload) {
    let others: Vec<PartitionId> = (1..=context.settings.partitions)
        .filter(|partition| *partition != context.settings.partition_id)
        .collect();
    if others.is_empty() {
        return;
    }
    let mut command = Vec::with_capacity(payload.encoded_len());
    payload.encode_value(&mut command);
    let record = CommandDistributionRecord {
        partition_id: 0,
        value_type: payload.value_type() as u32,
        intent: u32::from(payload.intent_number()),
        command: command.into(),
        command_key: key,
    };
    let event = |intent, record| Payload::CommandDistribution(intent, record);
    context.event(key, event(CommandDistributionIntent::Started, record.clone()));
    for partition_id in others {
        let idle = head(context.state, partition_id).is_none();
        let pending = CommandDistributionRecord {
            partition_id,
            command: bytes::Bytes::new(),
            ..record.clone()
        };
        context.event(key, event(CommandDistributionIntent::Distributing, pending));
        if idle {
            send_head(context, partition_id);
        }
    }
}

/// The oldest distribution that a partition has not acknowledged: the only one that is sent to it.
pub(crate) fn head(state: &State, partition_id: PartitionId) -> Option<Key> {
    let mut first = None;
    state.distributions_pending.scan(
        &(partition_id, 0),
        Some(&(partition_id + 1, 0)),
        &mut |(_, key), ()| {
            first = Some(*key);
            std::ops::ControlFlow::Break(())
        },
    );
    first
}

/// The command that a pending distribution sends.
pub(crate) fn command_of(state: &State, key: Key) -> Option<Command> {
    let record = state.distributions.get(&key)?;
    let (value_type, intent) =
        (u8::try_from(record.value_type).ok()?, u8::try_from(record.intent).ok()?);
    let payload = Payload::decode(value_type, intent, record.command).ok().flatten()?;
    Some(Command::new(key, payload))
}

fn send_head(context: &mut Context<'_>, partition_id: PartitionId) {
    let command = head(context.state, partition_id).and_then(|key| command_of(context.state, key));
    if let Some(command) = command {
        context.send(partition_id, command);
    }
}

/// The receiver's side: does it once, acknowledges it every time.
pub(super) fn receive(
    context: &mut Context<'_>,
    command: &Command,
    apply: impl FnOnce(&mut Context<'_>),
) {
    let origin = partition_of(command.key);
    let last = context.state.distributions_received.get(&origin).unwrap_or_default();
    if command.key <= last {
        let reason =
            format!("Expected a distribution that is new, but '{}' is known already", command.key);
        context.reject(command, RejectionType::AlreadyExists, reason);
    } else {
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
    }
    let acknowledgement = CommandDistributionRecord {
        partition_id: context.settings.partition_id,
        ..CommandDistributionRecord::default()
    };
    let payload =
        Payload::CommandDistribution(CommandDistributionIntent::Acknowledge, acknowledgement);
    context.send(origin, Command::new(command.key, payload));
}

/// A receiver has it: the next one follows; when all have it, whoever waits hears of it.
pub(super) fn acknowledge(
    context: &mut Context<'_>,
    command: &Command,
    value: &CommandDistributionRecord,
) {
    let key = command.key;
    if !context.state.distributions_pending.contains(&(value.partition_id, key)) {
        let reason = format!(
            "Expected an acknowledgement of partition '{}' that is new, but distribution '{key}' has it already",
            value.partition_id
        );
        return context.reject(command, RejectionType::NotFound, reason);
    }
    context.event(
        key,
        Payload::CommandDistribution(CommandDistributionIntent::Acknowledged, value.clone()),
    );
    send_head(context, value.partition_id);
    let open = (1..=context.settings.partitions)
        .any(|partition| context.state.distributions_pending.contains(&(partition, key)));
    if !open {
        finish(context, key);
    }
}

fn finish(context: &mut Context<'_>, key: Key) {
    let Some(record) = context.state.distributions.get(&key) else { return };
    let is_deployment = record.value_type == ValueType::Deployment as u32;
    let deployment =
        DeploymentRecord::decode(record.command.clone()).ok().filter(|_| is_deployment);
    let record = CommandDistributionRecord { command: bytes::Bytes::new(), ..record };
    context.event(key, Payload::CommandDistribution(CommandDistributionIntent::Finished, record));
    if let Some(mut deployment) = deployment {
        deployment.resources.clear();
        context.event(key, Payload::Deployment(DeploymentIntent::FullyDistributed, deployment));
    }
    if let Some((request, response, _)) = context.waiting.distributions.remove(&key) {
        context.effect(Effect::Respond { request, response });
    }
}
