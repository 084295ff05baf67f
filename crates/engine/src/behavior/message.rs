//! Correlating messages on the message's side (`spec/engine.md` 7.3).

use std::ops::ControlFlow;

use skep_protocol::{
    Command, Key, MessageRecord, MessageStartEventSubscriptionIntent,
    MessageStartEventSubscriptionRecord, MessageSubscriptionIntent, MessageSubscriptionRecord,
    NO_KEY, Payload, ProcessMessageSubscriptionIntent, ProcessMessageSubscriptionRecord,
    key::partition_of,
};

use super::creation::NewInstance;
use crate::context::Context;

/// What a message found.
#[derive(Default)]
pub(crate) struct Correlated {
    /// Subscriptions that it is on its way to.
    pub(crate) subscriptions: usize,
    /// The first instance that it started.
    pub(crate) started_instance_key: Option<Key>,
}

impl Context<'_> {
    /// Offers a new message to open subscriptions, then to start events. Once per process id.
    pub(crate) fn correlate_message(&mut self, key: Key, message: &MessageRecord) -> Correlated {
        let mut processes: Vec<String> = Vec::new();
        let mut subscriptions = Vec::new();
        let from = (message.name.clone(), message.correlation_key.clone(), NO_KEY);
        let to = (message.name.clone(), message.correlation_key.clone(), Key::MAX);
        self.state.message_subscriptions_by_name.scan(
            &from,
            Some(&to),
            &mut |(_, _, subscription), ()| {
                subscriptions.push(*subscription);
                ControlFlow::Continue(())
            },
        );
        let mut correlated = Correlated::default();
        for subscription_key in subscriptions {
            let Some(row) = self.state.message_subscriptions.get(&subscription_key) else {
                continue;
            };
            let busy = row.record.interrupting && !row.correlating.is_empty();
            if busy || processes.contains(&row.record.bpmn_process_id) {
                continue;
            }
            processes.push(row.record.bpmn_process_id.clone());
            self.correlate_to_subscription(subscription_key, &row.record, key, message);
            correlated.subscriptions += 1;
        }
        correlated.started_instance_key =
            self.correlate_to_start_events(key, message, &mut processes);
        correlated
    }

    /// Sends a message to the instance of a subscription.
    pub(crate) fn correlate_to_subscription(
        &mut self,
        subscription_key: Key,
        subscription: &MessageSubscriptionRecord,
        message_key: Key,
        message: &MessageRecord,
    ) {
        let row = self
            .state
            .message_subscriptions
            .get(&subscription_key)
            .filter(|_| !subscription.interrupting);
        let record = MessageSubscriptionRecord {
            message_key,
            variables: message.variables.clone(),
            sequence: row.map_or(0, |row| row.sequence + 1),
            ..subscription.clone()
        };
        self.event(
            subscription_key,
            Payload::MessageSubscription(MessageSubscriptionIntent::Correlating, record.clone()),
        );
        self.send_to_instance_side(&record, ProcessMessageSubscriptionIntent::Correlate);
    }

    /// Tells the instance's side what happened to its subscription.
    pub(crate) fn send_to_instance_side(
        &mut self,
        record: &MessageSubscriptionRecord,
        intent: ProcessMessageSubscriptionIntent,
    ) {
        let (partition, command) = to_instance_side(record, intent);
        self.send(partition, command);
    }

    fn correlate_to_start_events(
        &mut self,
        message_key: Key,
        message: &MessageRecord,
        processes: &mut Vec<String>,
    ) -> Option<Key> {
        let mut first = None;
        for subscription in self.start_subscriptions(&message.name) {
            if processes.contains(&subscription.bpmn_process_id) {
                continue;
            }
            if let Some(started) = self.start_by_message(&subscription, message_key, message) {
                processes.push(subscription.bpmn_process_id.clone());
                first = first.or(Some(started));
            }
        }
        first
    }

    fn start_subscriptions(&self, message_name: &str) -> Vec<MessageStartEventSubscriptionRecord> {
        let mut subscriptions = Vec::new();
        let from = (message_name.to_owned(), NO_KEY, String::new());
        let to = (message_name.to_owned(), Key::MAX, String::new());
        self.state.message_start_subscriptions.scan(&from, Some(&to), &mut |_, subscription| {
            subscriptions.push(subscription.clone());
            ControlFlow::Continue(())
        });
        subscriptions
    }

    /// Starts an instance unless one with the same correlation key runs already.
    fn start_by_message(
        &mut self,
        subscription: &MessageStartEventSubscriptionRecord,
        message_key: Key,
        message: &MessageRecord,
    ) -> Option<Key> {
        let lock = (subscription.bpmn_process_id.clone(), message.correlation_key.clone());
        if !message.correlation_key.is_empty() && self.state.message_locks.contains(&lock) {
            return None;
        }
        let definition = self.definition(subscription.process_definition_key)?;
        let (start, _) = definition.process.find(&subscription.start_event_id)?;
        let process_instance_key = self.next_key();
        let record = MessageStartEventSubscriptionRecord {
            correlation_key: message.correlation_key.clone(),
            message_key,
            process_instance_key,
            variables: message.variables.clone(),
            ..subscription.clone()
        };
        self.event(
            process_instance_key,
            Payload::MessageStartEventSubscription(
                MessageStartEventSubscriptionIntent::Correlated,
                record,
            ),
        );
        let start = Some((start, message.variables.clone()));
        self.create_instance(
            process_instance_key,
            &definition,
            NewInstance { start, ..NewInstance::default() },
        );
        Some(process_instance_key)
    }

    /// The instance that held the lock of a correlation key ended: the next buffered message for it
    /// starts the next instance.
    pub(crate) fn start_next_by_message(&mut self, bpmn_process_id: &str, correlation_key: &str) {
        let Some(definition_key) = self.latest_definition_key(bpmn_process_id) else { return };
        let Some(definition) = self.definition(definition_key) else { return };
        let mut oldest: Option<(Key, MessageRecord, MessageStartEventSubscriptionRecord)> = None;
        for name in super::super::command::deployment::message_start_names(&definition) {
            let Some(subscription) = self
                .start_subscriptions(&name)
                .into_iter()
                .find(|subscription| subscription.process_definition_key == definition_key)
            else {
                continue;
            };
            if let Some((key, message)) =
                self.oldest_message(&name, correlation_key, bpmn_process_id)
                && oldest.as_ref().is_none_or(|(other, ..)| key < *other)
            {
                oldest = Some((key, message, subscription));
            }
        }
        if let Some((key, message, subscription)) = oldest {
            self.start_by_message(&subscription, key, &message);
        }
    }

    /// The oldest buffered message that has not been correlated to the process yet.
    pub(crate) fn oldest_message(
        &self,
        name: &str,
        correlation_key: &str,
        bpmn_process_id: &str,
    ) -> Option<(Key, MessageRecord)> {
        let mut found = None;
        let from = (name.to_owned(), correlation_key.to_owned(), NO_KEY);
        let to = (name.to_owned(), correlation_key.to_owned(), Key::MAX);
        self.state.messages_by_name.scan(&from, Some(&to), &mut |(_, _, key), ()| {
            let correlated =
                self.state.message_correlations.contains(&(*key, bpmn_process_id.to_owned()));
            let message =
                self.state.messages.get(key).filter(|message| message.deadline_ms > self.now_ms);
            match message {
                Some(message) if !correlated => {
                    found = Some((*key, message));
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        });
        found
    }
}

/// The command that tells the instance's side something, and where it goes.
pub(crate) fn to_instance_side(
    record: &MessageSubscriptionRecord,
    intent: ProcessMessageSubscriptionIntent,
) -> (u32, Command) {
    let value = ProcessMessageSubscriptionRecord {
        process_instance_key: record.process_instance_key,
        element_instance_key: record.element_instance_key,
        message_name: record.message_name.clone(),
        correlation_key: record.correlation_key.clone(),
        bpmn_process_id: record.bpmn_process_id.clone(),
        message_key: record.message_key,
        variables: record.variables.clone(),
        interrupting: record.interrupting,
        tenant_id: record.tenant_id.clone(),
        subscription_key: record.subscription_key,
        sequence: record.sequence,
        ..ProcessMessageSubscriptionRecord::default()
    };
    let partition = partition_of(record.process_instance_key);
    (partition, Command::new(NO_KEY, Payload::ProcessMessageSubscription(intent, value)))
}
