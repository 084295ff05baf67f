//! Faults of messages in a running cluster, and what the promises of distribution make of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_broker::replication::EntryId;
use skep_broker::{Broker, BrokerConfig, Environment, Observer, Response, Topology, chaos};
use skep_env::fault::{FaultKind, FaultPoints, FaultSpec, FaultStatus, MessageKind};
use skep_protocol::{
    Command, CommandDistributionIntent, DecisionIntent, DeploymentIntent, DeploymentRecord, NO_KEY,
    PartitionId, Payload, Record, RecordType, RejectionType, ResourceRecord, codec,
};

use crate::support::*;

const TTL_MS: u64 = 120_000;

/// The partition that is led by the broker with this number.
const fn led_by(node: u32) -> PartitionId {
    node + 1
}

/// What is on the logs of one node.
#[derive(Debug, Default)]
struct Logs(Mutex<BTreeMap<PartitionId, Vec<Record>>>);

impl Observer for Logs {
    fn committed(&self, partition: PartitionId, _: EntryId, batch: &Bytes) {
        let records = codec::decode_entries(batch.clone()).unwrap();
        self.0.lock().entry(partition).or_default().extend(records);
    }

    fn state_replaced(&self, _: PartitionId, _: EntryId) {}
}

impl Logs {
    fn count(&self, partition: PartitionId, is_it: impl Fn(&Record) -> bool) -> usize {
        self.0.lock().get(&partition).map_or(0, |log| log.iter().filter(|it| is_it(it)).count())
    }
}

/// Three brokers that were started for chaos, each of which leads a partition of its own.
struct Troubled {
    brokers: Vec<Broker>,
    points: Vec<Arc<FaultPoints>>,
    logs: Vec<Arc<Logs>>,
    gateway: Broker,
}

impl Troubled {
    async fn start() -> Self {
        let peers = free_addresses(3);
        let gateway = start_gateway(&peers[&1]).await;
        let (mut brokers, mut points, mut logs) = (Vec::new(), Vec::new(), Vec::new());
        for id in 0..3 {
            let machine = chaos::with_faults(
                Environment::system(),
                Some(id),
                false,
                Box::new(|point| panic!("no crash is armed at {point}")),
            );
            points.push(machine.faults.clone().unwrap());
            let seen = Arc::new(Logs::default());
            let config = BrokerConfig { observer: Some(seen.clone()), ..config(id, &peers, 1) };
            brokers.push(Broker::start(config, machine).await.unwrap());
            logs.push(seen);
        }
        until(&gateway, Topology::is_led).await;
        for broker in &brokers {
            until(broker, Topology::is_led).await;
        }
        Self { brokers, points, logs, gateway }
    }

    fn arm(&self, node: usize, spec: FaultSpec) -> FaultStatus {
        self.points[node].arm(spec, &self.brokers[node].fault_targets()).unwrap()
    }

    fn hits(&self, node: usize, id: &str) -> u64 {
        let faults = self.points[node].list();
        faults.iter().find(|fault| fault.id == id).map_or(0, |fault| fault.hits)
    }

    /// Waits until so many deployments are everywhere, and nothing is pending any more as every node
    /// sees it.
    async fn drained(&self, deployments: usize) {
        let drained = async {
            while self.logs[0].count(1, is_fully_distributed) < deployments {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            while self.brokers.iter().any(|broker| !broker.distributions().is_empty()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, drained).await.unwrap();
    }

    async fn stop(self) {
        self.gateway.shutdown().await;
        for broker in &self.brokers {
            broker.shutdown().await;
        }
    }
}

fn messages(fault: FaultKind, from: &str, to: &str) -> FaultSpec {
    FaultSpec {
        from: Some(from.to_owned()),
        to: Some(to.to_owned()),
        ..FaultSpec::new(fault, TTL_MS)
    }
}

fn decision(output: &str) -> Command {
    let content = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="drg" name="DRD" namespace="t">
  <decision id="fancyDecision" name="FancyDecision">
    <decisionTable id="table">
      <input id="input"><inputExpression id="expression" typeRef="string"><text>"test"</text></inputExpression></input>
      <output id="output" name="dummy" typeRef="string"/>
      <rule id="rule"><inputEntry id="entry"><text></text></inputEntry><outputEntry id="out"><text>"{output}"</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>"#
    );
    let resource = ResourceRecord { name: "fancy.dmn".to_owned(), content: content.into() };
    let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
    Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, value))
}

async fn deploy(cluster: &Troubled, output: &str) {
    let response = cluster.gateway.submit(1, decision(output), TIMEOUT).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
}

fn is_fully_distributed(record: &Record) -> bool {
    matches!(record.payload, Payload::Deployment(DeploymentIntent::FullyDistributed, _))
}

fn is_distributed(record: &Record) -> bool {
    record.record_type == RecordType::Command
        && matches!(record.payload, Payload::Deployment(DeploymentIntent::Distribute, _))
}

fn is_known_already(record: &Record) -> bool {
    matches!(record.payload, Payload::Deployment(DeploymentIntent::Distribute, _))
        && record.rejection.as_ref().is_some_and(|it| it.kind == RejectionType::AlreadyExists)
}

fn is_decision_created(record: &Record) -> bool {
    matches!(&record.payload, Payload::Decision(DecisionIntent::Created, decision) if decision.version == 1)
}

fn is_acknowledged_by(record: &Record, partition: PartitionId) -> bool {
    record.record_type == RecordType::Event
        && matches!(
            &record.payload,
            Payload::CommandDistribution(CommandDistributionIntent::Acknowledged, value)
                if value.partition_id == partition
        )
}

/// What zeebe#9877 needs: the deployment arrives, its acknowledgement alone does not.
#[tokio::test]
async fn a_lost_acknowledgement_brings_a_duplicate_that_changes_nothing() {
    let cluster = Troubled::start().await;
    let receiver = led_by(2);
    cluster.arm(
        2,
        FaultSpec {
            id: Some("no-acks".to_owned()),
            message: Some(MessageKind::Acknowledgement),
            name: Some("COMMAND_DISTRIBUTION.ACKNOWLEDGE".to_owned()),
            partition: Some(1),
            count: Some(2),
            ..messages(FaultKind::Drop, "broker-2", "broker-0")
        },
    );
    deploy(&cluster, "yolo").await;
    cluster.drained(1).await;

    assert_eq!(cluster.hits(2, "no-acks"), 2, "exactly two acknowledgements were lost");
    let (origin, log) = (&cluster.logs[0], &cluster.logs[2]);
    // A busy machine may be slow enough for one more.
    let (sent, known) =
        (log.count(receiver, is_distributed), log.count(receiver, is_known_already));
    assert!(sent >= 3, "two were sent again: {sent}");
    assert_eq!(known, sent - 1, "the duplicates are known already");
    assert_eq!(log.count(receiver, is_decision_created), 1, "one version");
    assert_eq!(origin.count(1, |record| is_acknowledged_by(record, receiver)), 1);
    assert_eq!(cluster.logs[1].count(led_by(1), is_decision_created), 1);

    // The partition works: the next version comes after it, once.
    deploy(&cluster, "changed").await;
    cluster.drained(2).await;
    let (sent, known) =
        (log.count(receiver, is_distributed), log.count(receiver, is_known_already));
    assert_eq!(sent - known, 2, "each was taken once");
    assert_eq!(cluster.points[2].clear_all().len(), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn a_request_that_is_delayed_repeated_and_overtaken_arrives_once() {
    let cluster = Troubled::start().await;
    let receiver = led_by(1);
    let of_requests = |fault| FaultSpec {
        message: Some(MessageKind::Request),
        ..messages(fault, "broker-0", "broker-1")
    };
    cluster.arm(0, FaultSpec { count: Some(3), ..of_requests(FaultKind::Duplicate) });
    cluster.arm(0, FaultSpec { delay_ms: Some(30), ..of_requests(FaultKind::Reorder) });
    for output in ["a", "b", "c", "d"] {
        deploy(&cluster, output).await;
    }
    cluster.drained(4).await;
    let log = &cluster.logs[1];
    assert!(log.count(receiver, is_known_already) >= 3, "each duplicate is known");
    let created = log.count(receiver, |record| {
        record.record_type == RecordType::Event
            && matches!(record.payload, Payload::Decision(DecisionIntent::Created, _))
    });
    assert_eq!(created, 4, "four versions");
    cluster.stop().await;
}

#[tokio::test]
async fn a_damaged_frame_breaks_the_link_and_nothing_else() {
    let cluster = Troubled::start().await;
    let broken = FaultSpec {
        id: Some("flip".to_owned()),
        message: Some(MessageKind::Request),
        count: Some(1),
        ..messages(FaultKind::Corrupt, "broker-0", "broker-2")
    };
    cluster.arm(0, broken);
    deploy(&cluster, "yolo").await;
    cluster.drained(1).await;
    assert_eq!(cluster.hits(0, "flip"), 1);
    assert_eq!(cluster.logs[2].count(led_by(2), is_decision_created), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn a_node_that_is_cut_off_is_away_until_the_fault_is_cleared() {
    let cluster = Troubled::start().await;
    cluster.arm(2, messages(FaultKind::Drop, "broker-2", "any"));
    cluster.arm(2, messages(FaultKind::Drop, "any", "broker-2"));
    let others = |topology: &Topology| topology.brokers.iter().all(|it| it.node_id != 2);
    until(&cluster.gateway, others).await;
    until(&cluster.brokers[0], others).await;
    assert_eq!(cluster.points[2].clear_all().len(), 2);
    until(&cluster.gateway, Topology::is_led).await;
    until(&cluster.brokers[0], Topology::is_led).await;
    deploy(&cluster, "yolo").await;
    cluster.drained(1).await;
    assert_eq!(cluster.logs[2].count(led_by(2), is_decision_created), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn requests_of_a_gateway_are_lost_where_they_arrive() {
    let cluster = Troubled::start().await;
    let lost = FaultSpec {
        id: Some("deaf".to_owned()),
        message: Some(MessageKind::Client),
        count: Some(1),
        ..messages(FaultKind::Drop, "gateway", "broker-0")
    };
    cluster.arm(0, lost);
    let answer = cluster.gateway.submit(1, decision("yolo"), Duration::from_millis(300)).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(cluster.hits(0, "deaf"), 1);
    deploy(&cluster, "yolo").await;
    assert_eq!(cluster.logs[0].count(1, is_decision_created), 1);
    cluster.stop().await;
}

/// A connection that works loses nothing, so nothing else would ever say it again.
#[tokio::test]
async fn a_stream_is_known_although_the_words_of_its_beginning_and_end_were_lost() {
    let cluster = Troubled::start().await;
    let lose_one = |id: &str| FaultSpec {
        id: Some(id.to_owned()),
        message: Some(MessageKind::Client),
        count: Some(1),
        ..messages(FaultKind::Drop, "gateway", "broker-0")
    };
    let broker = &cluster.brokers[0];
    cluster.arm(0, lose_one("beginning"));
    let stream = cluster.gateway.open_job_stream(stream_spec()).unwrap();
    until(broker, |_| broker.job_streams().iter().any(|stream| stream.elsewhere)).await;
    assert_eq!(cluster.hits(0, "beginning"), 1);

    deploy_to(&cluster.gateway).await;
    cluster.drained(1).await;
    cluster.arm(0, lose_one("end"));
    drop(stream);
    until(broker, |_| cluster.hits(0, "end") == 1).await;
    assert!(!broker.job_streams().is_empty(), "nobody told this broker");
    // The first job that is sent for it comes back with the news.
    instance_of(create(&cluster.gateway, 1).await.unwrap());
    until(broker, |_| broker.job_streams().is_empty()).await;
    cluster.stop().await;
}
