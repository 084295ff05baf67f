//! What a frame is for, as faults of messages name it. Read from its bytes, and only while such a fault is
//! armed.

use skep_env::fault::MessageKind;
use skep_protocol::{
    CommandDistributionIntent, DeploymentIntent, MessageSubscriptionIntent,
    ProcessMessageSubscriptionIntent, ResourceDeletionIntent, ScaleIntent, ValueType,
};

use crate::cluster::frame::FrameKind;
use crate::replication::message_kind;

/// A command that one partition sends to another.
pub(crate) struct BetweenPartitions {
    value_type: ValueType,
    intent: u8,
    /// Its name in faults.
    pub(crate) name: &'static str,
    kind: MessageKind,
}

const fn request(value_type: ValueType, intent: u8, name: &'static str) -> BetweenPartitions {
    BetweenPartitions { value_type, intent, name, kind: MessageKind::Request }
}

const fn answer(value_type: ValueType, intent: u8, name: &'static str) -> BetweenPartitions {
    BetweenPartitions { value_type, intent, name, kind: MessageKind::Acknowledgement }
}

/// All of them: what asks, and what acknowledges.
pub(crate) const BETWEEN_PARTITIONS: [BetweenPartitions; 11] = {
    use MessageSubscriptionIntent as MessageSide;
    use ProcessMessageSubscriptionIntent as InstanceSide;
    use ValueType::*;
    [
        request(Deployment, DeploymentIntent::Distribute as u8, "DEPLOYMENT.DISTRIBUTE"),
        request(ResourceDeletion, ResourceDeletionIntent::Delete as u8, "RESOURCE_DELETION.DELETE"),
        request(Scale, ScaleIntent::ScaleUp as u8, "SCALE.SCALE_UP"),
        answer(
            CommandDistribution,
            CommandDistributionIntent::Acknowledge as u8,
            "COMMAND_DISTRIBUTION.ACKNOWLEDGE",
        ),
        request(MessageSubscription, MessageSide::Create as u8, "MESSAGE_SUBSCRIPTION.CREATE"),
        answer(
            ProcessMessageSubscription,
            InstanceSide::Create as u8,
            "PROCESS_MESSAGE_SUBSCRIPTION.CREATE",
        ),
        request(MessageSubscription, MessageSide::Delete as u8, "MESSAGE_SUBSCRIPTION.DELETE"),
        answer(
            ProcessMessageSubscription,
            InstanceSide::Delete as u8,
            "PROCESS_MESSAGE_SUBSCRIPTION.DELETE",
        ),
        request(
            ProcessMessageSubscription,
            InstanceSide::Correlate as u8,
            "PROCESS_MESSAGE_SUBSCRIPTION.CORRELATE",
        ),
        answer(MessageSubscription, MessageSide::Correlate as u8, "MESSAGE_SUBSCRIPTION.CORRELATE"),
        answer(
            ProcessMessageSubscription,
            InstanceSide::Acknowledge as u8,
            "PROCESS_MESSAGE_SUBSCRIPTION.ACKNOWLEDGE",
        ),
    ]
};

/// What is known of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) kind: MessageKind,
    pub(super) name: Option<&'static str>,
    pub(super) partition: Option<u32>,
}

/// Where a command begins in a frame that nobody answers, and in a request of a gateway.
const COMMAND_AT: usize = 5;
/// Where a message of a replica begins.
const RAFT_AT: usize = 13;
/// Where the reply of a replica begins, and the byte that says whether there is one.
const REPLY_AT: usize = 14;
const REPLY_FAILED_AT: usize = 9;

/// What a frame is for.
pub(super) fn of(kind: FrameKind, bytes: &[u8]) -> Known {
    let plain = |kind| Known { kind, name: None, partition: None };
    match kind {
        FrameKind::Command => of_command(bytes),
        FrameKind::Submit => Known { partition: u32_at(bytes, 9), ..plain(MessageKind::Client) },
        FrameKind::RaftRequest => Known {
            partition: u32_at(bytes, 9),
            ..plain(message_kind(bytes.get(RAFT_AT..).unwrap_or_default()))
        },
        FrameKind::RaftReply if bytes.get(REPLY_FAILED_AT) == Some(&0) => {
            plain(message_kind(bytes.get(REPLY_AT..).unwrap_or_default()))
        }
        FrameKind::RaftReply => plain(MessageKind::Append),
        FrameKind::Answer
        | FrameKind::StreamOpen
        | FrameKind::StreamClose
        | FrameKind::StreamJobs
        | FrameKind::Settled
        | FrameKind::Interest
        | FrameKind::Announce => plain(MessageKind::Client),
        FrameKind::Manage | FrameKind::Managed => plain(MessageKind::Management),
        FrameKind::Hello
        | FrameKind::Refused
        | FrameKind::Heartbeat
        | FrameKind::Status
        | FrameKind::Config => plain(MessageKind::Gossip),
    }
}

/// A command from partition to partition: its partition, then version, value type and intent.
fn of_command(bytes: &[u8]) -> Known {
    let numbers = bytes.get(COMMAND_AT + 1).zip(bytes.get(COMMAND_AT + 2));
    let found = numbers.and_then(|(value_type, intent)| {
        let is_it =
            |it: &&BetweenPartitions| it.value_type as u8 == *value_type && it.intent == *intent;
        BETWEEN_PARTITIONS.iter().find(is_it)
    });
    Known {
        kind: found.map_or(MessageKind::Request, |found| found.kind),
        name: found.map(|found| found.name),
        partition: u32_at(bytes, 1),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use skep_protocol::{Command, CommandDistributionRecord, DeploymentRecord, Payload};

    use super::*;
    use crate::cluster::frame::{Frame, encode_submit};

    fn known(frame: &Frame) -> Known {
        of(frame.kind(), &frame.encode())
    }

    fn command(payload: Payload) -> Frame {
        Frame::Command { partition: 3, command: Box::new(Command::new(77, payload)) }
    }

    #[test]
    fn a_distribution_and_its_acknowledgement_are_told_apart() {
        let distribute =
            Payload::Deployment(DeploymentIntent::Distribute, DeploymentRecord::default());
        let expected = Known {
            kind: MessageKind::Request,
            name: Some("DEPLOYMENT.DISTRIBUTE"),
            partition: Some(3),
        };
        assert_eq!(known(&command(distribute)), expected);
        let acknowledge = Payload::CommandDistribution(
            CommandDistributionIntent::Acknowledge,
            CommandDistributionRecord::default(),
        );
        let expected = Known {
            kind: MessageKind::Acknowledgement,
            name: Some("COMMAND_DISTRIBUTION.ACKNOWLEDGE"),
            partition: Some(3),
        };
        assert_eq!(known(&command(acknowledge)), expected);
    }

    #[test]
    fn names_say_what_they_name() {
        for one in &BETWEEN_PARTITIONS {
            let payload = Payload::decode(one.value_type as u8, one.intent, Bytes::new());
            let payload = payload.unwrap().unwrap();
            let name = format!("{}.{}", payload.value_type().name(), payload.intent_name());
            assert_eq!(one.name, name);
        }
    }

    #[test]
    fn messages_of_replicas_are_told_apart_with_their_partition() {
        for (number, kind) in [
            (1, MessageKind::Append),
            (2, MessageKind::Vote),
            (3, MessageKind::Vote),
            (5, MessageKind::Snapshot),
        ] {
            let bytes = Bytes::from(vec![1, number, 0, 0]);
            let request = Frame::RaftRequest { request: 9, partition: 2, bytes: bytes.clone() };
            let expected = Known { kind, name: None, partition: Some(2) };
            assert_eq!(known(&request), expected);
            let reply = Frame::RaftReply { request: 9, result: Ok(bytes) };
            assert_eq!(known(&reply), Known { partition: None, ..expected });
        }
    }

    #[test]
    fn requests_of_gateways_name_their_partition() {
        let payload = Payload::Deployment(DeploymentIntent::Create, DeploymentRecord::default());
        let bytes = encode_submit(1, 2, 500, &Command::new(0, payload));
        let expected = Known { kind: MessageKind::Client, name: None, partition: Some(2) };
        assert_eq!(of(FrameKind::Submit, &bytes), expected);
        assert_eq!(known(&Frame::Heartbeat).kind, MessageKind::Gossip);
        assert_eq!(
            of(FrameKind::Command, b"").kind,
            MessageKind::Request,
            "a cut frame is no panic"
        );
    }
}
