use skep_engine::{ActivatedJob, Response};
use skep_protocol::{
    JobBatchIntent, JobBatchRecord, JobIntent, JobRecord, NO_KEY, Payload, Rejection, RejectionType,
};

use super::*;
use crate::topology::{DistributionStatus, PartitionHealth, PartitionRole, PartitionStatus};

fn hello(name: NodeName, purpose: Purpose) -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        protocol_min: PROTOCOL_VERSION_MIN,
        version: "0.1.0".to_owned(),
        cluster_id: "cluster-ä".to_owned(),
        name,
        incarnation: u64::MAX,
        purpose,
        address: "127.0.0.1:26502".to_owned(),
        client_address: "127.0.0.1:26500".to_owned(),
        config_version: 7,
        partition_count: 3,
        replication_factor: 2,
        members: 7,
    }
}

fn command() -> Box<Command> {
    let value = JobBatchRecord { job_type: "pay".to_owned(), jobs_max: 9, ..Default::default() };
    let payload = Payload::JobBatch(JobBatchIntent::Activate, value);
    Box::new(Command { operation_reference: 42, checkpoint_id: 7, ..Command::new(NO_KEY, payload) })
}

fn jobs() -> RemoteJobs {
    let job = JobRecord { job_type: "pay".to_owned(), retries: 3, ..JobRecord::default() };
    let job = ActivatedJob { key: 5, job, variables: Bytes::from_static(b"\x80") };
    RemoteJobs { delivery: 8, truncated: true, jobs: vec![job.clone(), job] }
}

fn status() -> NodeStatus {
    let replica = |id, role, health| ReplicaState {
        term: 4,
        status: PartitionStatus { id, role, health, last_position: 99 },
        distributions: vec![DistributionStatus {
            partition: id,
            receiver: id + 1,
            count: 5,
            oldest_key: 7,
            oldest_since_ms: 1_700_000_000_000,
            attempts: 3,
            value_type: "DEPLOYMENT".to_owned(),
            intent: "DISTRIBUTE".to_owned(),
            away: true,
        }],
    };
    let reason = || "disk".to_owned();
    NodeStatus {
        incarnation: 1,
        sequence: 2,
        replicas: vec![
            replica(1, PartitionRole::Leader, PartitionHealth::Healthy),
            replica(2, PartitionRole::Follower, PartitionHealth::Unhealthy { reason: reason() }),
            replica(3, PartitionRole::Inactive, PartitionHealth::Dead { reason: reason() }),
        ],
    }
}

fn answers() -> Vec<Result<Answered, BrokerError>> {
    let payload = Box::new(Payload::Job(JobIntent::Completed, JobRecord::default()));
    let rejection = Rejection::new(RejectionType::NotFound, "Expected it, but no");
    vec![
        Ok(Answered::Response(Response::Accepted { key: 1, position: 2, payload })),
        Ok(Answered::Response(Response::Rejected { intent: "", rejection })),
        Ok(Answered::Jobs(jobs())),
        Err(BrokerError::exhausted("full")),
        Err(BrokerError::unavailable("no leader")),
        Err(BrokerError::interrupted("lost")),
        Err(BrokerError::Timeout { timeout_ms: 5 }),
        Err(BrokerError::internal("dead")),
    ]
}

fn every_frame() -> Vec<Frame> {
    let spec = JobStreamSpec {
        job_type: "pay".to_owned(),
        worker: "w".to_owned(),
        timeout_ms: -1,
        fetch_variables: vec!["a".to_owned(), "b".to_owned()],
    };
    let bytes = Bytes::from_static(b"document");
    let mut frames = vec![
        Frame::Hello(hello(NodeName::Broker(2), Purpose::Link)),
        Frame::Hello(hello(NodeName::Gateway(9), Purpose::Introduction)),
        Frame::Refused(Refusal::fatal("another cluster")),
        Frame::Heartbeat,
        Frame::Status(status()),
        Frame::RaftRequest { request: 1, partition: 2, bytes: bytes.clone() },
        Frame::RaftReply { request: 1, result: Ok(bytes.clone()) },
        Frame::RaftReply { request: 1, result: Err("no replica".to_owned()) },
        Frame::Submit { request: 1, partition: 2, timeout_ms: 3, command: command() },
        Frame::Command { partition: 2, command: command() },
        Frame::StreamOpen { stream: 1, spec },
        Frame::StreamClose { stream: 1 },
        Frame::StreamJobs { stream: 1, jobs: jobs() },
        Frame::Settled { delivery: 8, taken: true },
        Frame::Interest { job_type: "pay".to_owned() },
        Frame::Announce { job_type: "pay".to_owned() },
        Frame::Config { version: 3, document: bytes.clone() },
        Frame::Manage { request: 1, document: bytes.clone() },
        Frame::Managed { request: 1, result: Ok(bytes) },
    ];
    let answer = |answer| Frame::Answer { request: 6, answer: Box::new(answer) };
    frames.extend(answers().into_iter().map(answer));
    frames
}

#[test]
fn frames_read_back() {
    for frame in every_frame() {
        assert_eq!(Frame::decode(frame.encode()).as_ref(), Ok(&frame));
    }
    let kinds: std::collections::BTreeSet<_> =
        every_frame().iter().map(|frame| frame.kind()).collect();
    assert_eq!(kinds.len(), FrameKind::ALL.len(), "every kind is tried");
}

#[test]
fn every_cut_is_an_error_or_a_shorter_message() {
    for frame in every_frame() {
        let bytes = frame.encode();
        for length in 0..bytes.len() {
            // What is last in these has no length of its own: the frame's checksum sees the damage.
            if let Ok(read) = Frame::decode(bytes.slice(..length)) {
                let open_end = matches!(
                    read,
                    Frame::RaftRequest { .. } | Frame::Submit { .. } | Frame::Command { .. }
                );
                assert!(open_end, "{frame:?} cut at {length}");
            }
        }
    }
}

#[test]
fn damaged_frames_never_panic() {
    // Every byte of every frame set to values that are likely to hurt.
    for frame in every_frame() {
        let bytes = frame.encode();
        for index in 0..bytes.len() {
            for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[index] = value;
                let read = Frame::decode(Bytes::from(damaged));
                assert!(read.is_ok() || read.is_err());
            }
        }
    }
}

#[test]
fn what_is_unknown_or_left_over_is_an_error() {
    assert!(matches!(Frame::decode(Bytes::from_static(b"\xc8")), Err(FrameError::Unknown(_))));
    assert!(matches!(Frame::decode(Bytes::new()), Err(FrameError::Malformed(_))));
    assert!(matches!(
        Frame::decode(Bytes::from_static(b"\x03\x00")),
        Err(FrameError::Malformed(_))
    ));
    // A list of four billion jobs in a frame of a few bytes reserves nothing.
    let endless = Bytes::from_static(b"\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff");
    assert!(matches!(Frame::decode(endless), Err(FrameError::Malformed(_))));
}

#[test]
fn a_later_version_may_say_more_in_its_hello() {
    let hello = hello(NodeName::Broker(2), Purpose::Link);
    let mut bytes = Frame::Hello(hello.clone()).encode().to_vec();
    bytes.extend_from_slice(b"more");
    assert_eq!(Frame::decode(bytes.into()), Ok(Frame::Hello(hello)));
}
