//! The origin's side: begins distributions and hears of acknowledgements.

use std::ops::ControlFlow;

use prost::Message;
use skep_protocol::{
    Command, CommandDistributionIntent, CommandDistributionRecord, DeploymentIntent,
    DeploymentRecord, Key, PartitionId, Payload, RejectionType, ValueType,
};

use crate::command::scale;
use crate::context::Context;
use crate::limits::ACKNOWLEDGED_MAX;
use crate::outcome::Effect;
use crate::state::State;

/// Begins to distribute a command to other partitions under its own key, which has to be newer than
/// that of every distribution before it.
pub(crate) fn start(
    context: &mut Context<'_>,
    key: Key,
    payload: &Payload,
    receivers: &[PartitionId],
) {
    if receivers.is_empty() {
        return;
    }
    let mut command = Vec::with_capacity(payload.encoded_len());
    payload.encode_value(&mut command);
    let record = CommandDistributionRecord {
        value_type: payload.value_type() as u32,
        intent: u32::from(payload.intent_number()),
        command: command.into(),
        command_key: key,
        ..CommandDistributionRecord::default()
    };
    let event = |intent, record| Payload::CommandDistribution(intent, record);
    context.event(key, event(CommandDistributionIntent::Started, record.clone()));
    for partition_id in receivers {
        let pending = CommandDistributionRecord {
            partition_id: *partition_id,
            predecessor: context.state.distributions_last.get(partition_id).unwrap_or_default(),
            command: bytes::Bytes::new(),
            ..record.clone()
        };
        context.event(key, event(CommandDistributionIntent::Distributing, pending));
        context.distribute_to(*partition_id);
    }
}

/// The command that a pending distribution sends.
pub(super) fn command_of(state: &State, key: Key, predecessor: Key) -> Option<Command> {
    let record = state.distributions.get(&key)?;
    let (value_type, intent) =
        (u8::try_from(record.value_type).ok()?, u8::try_from(record.intent).ok()?);
    let payload = Payload::decode(value_type, intent, record.command).ok().flatten()?;
    Some(Command { predecessor, ..Command::new(key, payload) })
}

/// A receiver has everything up to a distribution: more may follow; when all receivers have one,
/// whoever waits hears of it.
pub(crate) fn acknowledge(
    context: &mut Context<'_>,
    command: &Command,
    value: &CommandDistributionRecord,
) {
    let partition_id = value.partition_id;
    let mut keys = Vec::new();
    context.state.distributions_pending.scan(
        &(partition_id, 0),
        Some(&(partition_id, command.key.saturating_add(1))),
        &mut |(_, key), _| {
            keys.push(*key);
            if keys.len() < ACKNOWLEDGED_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    );
    let Some(last) = keys.last().copied() else {
        let reason = format!(
            "Expected an acknowledgement of partition '{partition_id}' that is new, but distribution '{}' has it already",
            command.key
        );
        return context.reject(command, RejectionType::NotFound, reason);
    };
    for key in keys {
        let record = CommandDistributionRecord { partition_id, ..value.clone() };
        let payload = Payload::CommandDistribution(CommandDistributionIntent::Acknowledged, record);
        context.event(key, payload);
        finish(context, key);
    }
    scale::acknowledged(context, partition_id, last);
    context.receivers.acknowledged(partition_id, last, context.now_ms);
    context.answer_who_waits_for(partition_id, last);
    context.distribute_to(partition_id);
}

/// All receivers of a distribution have it, unless one has not.
fn finish(context: &mut Context<'_>, key: Key) {
    let open = (1..=context.partition_count())
        .any(|partition| context.state.distributions_pending.contains(&(partition, key)));
    if open {
        return;
    }
    let Some(record) = context.state.distributions.get(&key) else { return };
    let is_deployment = record.value_type == ValueType::Deployment as u32;
    let deployment =
        DeploymentRecord::decode(record.command.clone()).ok().filter(|_| is_deployment);
    let record = CommandDistributionRecord { command: bytes::Bytes::new(), ..record };
    context.event(key, Payload::CommandDistribution(CommandDistributionIntent::Finished, record));
    // A new partition gets old deployments under keys of their own.
    if let Some(mut deployment) = deployment.filter(|deployment| deployment.deployment_key == key) {
        deployment.resources.clear();
        context.event(key, Payload::Deployment(DeploymentIntent::FullyDistributed, deployment));
    }
}

impl Context<'_> {
    /// Sends what is pending for a partition and may be on its way to it.
    fn distribute_to(&mut self, partition: PartitionId) {
        self.receivers.fill(self.state, partition, self.now_ms, &mut self.outcome.effects);
    }

    fn answer_who_waits_for(&mut self, partition: PartitionId, last: Key) {
        for waiter in &mut self.waiting.distributions {
            waiter.on.retain(|(receiver, key)| *receiver != partition || *key > last);
        }
        for waiter in self.waiting.distributions.extract_if(.., |waiter| waiter.on.is_empty()) {
            let (request, response) = (waiter.request, waiter.response);
            self.outcome.effects.push(Effect::Respond { request, response });
        }
    }

    /// The last distribution that each of the other partitions has not acknowledged.
    pub(crate) fn pending_of_others(&self) -> Vec<(PartitionId, Key)> {
        let last = |partition| {
            let key = self.state.distributions_last.get(&partition)?;
            let pending = self.state.distributions_pending.contains(&(partition, key));
            pending.then_some((partition, key))
        };
        self.others().into_iter().filter_map(last).collect()
    }

    /// The other partitions that new deployments are distributed to: all but those whose turn with
    /// everything that is deployed comes anyway.
    pub(crate) fn receivers_of_deployments(&self) -> Vec<PartitionId> {
        let mut others = self.others();
        others.retain(|partition| {
            self.state.bootstraps.get(partition).is_none_or(|row| row.complete)
        });
        others
    }

    /// The other partitions.
    pub(crate) fn others(&self) -> Vec<PartitionId> {
        let own = self.settings.partition_id;
        (1..=self.partition_count()).filter(|partition| *partition != own).collect()
    }
}
