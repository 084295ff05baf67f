//! Many messages and deployments between three partitions over a network that loses, doubles and
//! reorders a third of what it carries, while engines restart: each message is correlated at most
//! once to a process, and once the faults end nothing is left behind anywhere.

use skep_feel::Value;
use skep_protocol::*;

use super::chance::Chance;
use super::check;
use super::network::Network;

const PARTITIONS: u32 = 3;
/// More come while it runs.
const PARTITIONS_MAX: u32 = 5;
const STEPS_MAX: usize = 120;
/// Correlation keys: of each partition some, and few enough that messages meet subscriptions.
const KEYS: &[&str] = &["a", "b", "c", "d"];
const MESSAGES: &[&str] = &["go", "stop", "more"];

/// Waits for a message in a catch event, then in a task with two boundary events.
const MODEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
  <bpmn:message id="m1" name="go"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>
  <bpmn:message id="m2" name="stop"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>
  <bpmn:message id="m3" name="more"><bpmn:extensionElements><zeebe:subscription correlationKey="=key"/></bpmn:extensionElements></bpmn:message>
  <bpmn:process id="ID" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="catch"/>
    <bpmn:intermediateCatchEvent id="catch"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing><bpmn:messageEventDefinition messageRef="m1"/></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="catch" targetRef="task"/>
    <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="VERSION"/></bpmn:extensionElements><bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:serviceTask>
    <bpmn:boundaryEvent id="stop" attachedToRef="task"><bpmn:outgoing>f4</bpmn:outgoing><bpmn:messageEventDefinition messageRef="m2"/></bpmn:boundaryEvent>
    <bpmn:boundaryEvent id="more" attachedToRef="task" cancelActivity="false"><bpmn:outgoing>f5</bpmn:outgoing><bpmn:messageEventDefinition messageRef="m3"/></bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="task" targetRef="end"/>
    <bpmn:sequenceFlow id="f4" sourceRef="stop" targetRef="end"/>
    <bpmn:sequenceFlow id="f5" sourceRef="more" targetRef="end"/>
    <bpmn:endEvent id="end"><bpmn:incoming>f3</bpmn:incoming><bpmn:incoming>f4</bpmn:incoming><bpmn:incoming>f5</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"#;

struct Run {
    chance: Chance,
    network: Network,
    versions: u32,
}

/// Runs one seed; panics when something is wrong. Gives how many messages were correlated.
pub(crate) fn run(seed: u64, verbose: bool) -> u64 {
    let mut network = Network::new(PARTITIONS);
    network.verbose = verbose;
    network.faults_percent = 30;
    let mut run = Run { chance: Chance::new(seed), network, versions: 0 };
    run.deploy("p");
    run.deploy("q");
    for _ in 0..1 + run.chance.below(STEPS_MAX) {
        run.step();
    }
    run.end();
    let kind = ("PROCESS_MESSAGE_SUBSCRIPTION", "CORRELATED", "");
    run.network.kinds.get(&kind).copied().unwrap_or_default()
}

impl Run {
    fn partition(&mut self) -> PartitionId {
        1 + u32::try_from(self.chance.below(self.network.nodes.len())).unwrap()
    }

    fn request(&mut self, partition: PartitionId, key: Key, payload: Payload) {
        self.network.request(&mut self.chance, partition, Command::new(key, payload));
    }

    fn step(&mut self) {
        match self.chance.below(24) {
            0..4 => self.create(),
            4..9 => self.publish(),
            9 if self.chance.percent(30) => {
                let id = self.chance.pick(&["p", "q"]);
                self.deploy(id);
            }
            10 => self.cancel(),
            11 => {
                let partition = self.partition();
                self.network.checkpoint(partition);
            }
            12 => {
                let partition = self.partition();
                self.network.restart(partition);
            }
            13..16 => self.pass_time(),
            16 if self.network.partitions() < PARTITIONS_MAX && self.chance.percent(20) => {
                self.network.scale(&mut self.chance);
            }
            17 if self.versions > 3 && self.chance.percent(30) => self.delete(),
            16 => {
                // Whether it is true or not.
                let (partition, other) = (self.partition(), self.partition());
                let reachable = self.chance.percent(70);
                self.network.node(partition).engine.set_reachable(other, reachable);
            }
            _ => {
                for _ in 0..1 + self.chance.below(6) {
                    self.network.deliver(&mut self.chance);
                }
            }
        }
    }

    fn pass_time(&mut self) {
        self.network.now_ms += self.chance.pick(&[1, 50, 300, 1_000, 10_000]);
        let partition = self.partition();
        self.network.run_due(&mut self.chance, partition);
    }

    fn deploy(&mut self, id: &str) {
        self.versions += 1;
        let content = MODEL.replace("ID", id).replace("VERSION", &format!("work{}", self.versions));
        let resource = ResourceRecord { name: format!("{id}.bpmn"), content: content.into() };
        let record = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
        self.request(1, NO_KEY, Payload::Deployment(DeploymentIntent::Create, record));
    }

    fn delete(&mut self) {
        let definitions = &self.network.nodes[0].history.definitions;
        let Some(resource_key) = self.chance.pick_any(definitions.keys()).copied() else { return };
        let record = ResourceDeletionRecord { resource_key };
        let payload = Payload::ResourceDeletion(ResourceDeletionIntent::Delete, record);
        self.request(1, NO_KEY, payload);
    }

    fn create(&mut self) {
        let key = self.chance.pick(KEYS);
        let variables = Value::from_json(&format!("{{\"key\":\"{key}\"}}")).unwrap();
        let record = ProcessInstanceCreationRecord {
            bpmn_process_id: self.chance.pick(&["p", "q"]).to_owned(),
            version: -1,
            variables: variables.to_msgpack().into(),
            ..ProcessInstanceCreationRecord::default()
        };
        let payload =
            Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, record);
        let partition = self.partition();
        self.request(partition, NO_KEY, payload);
    }

    fn publish(&mut self) {
        let record = MessageRecord {
            name: self.chance.pick(MESSAGES).to_owned(),
            correlation_key: self.chance.pick(KEYS).to_owned(),
            time_to_live_ms: self.chance.pick(&[0, 5_000, 3_600_000]),
            ..MessageRecord::default()
        };
        let partition = key::partition_of_correlation_key(&record.correlation_key, PARTITIONS);
        self.request(partition, NO_KEY, Payload::Message(MessageIntent::Publish, record));
    }

    fn cancel(&mut self) {
        let partition = self.partition();
        let elements = &self.network.node(partition).history.elements;
        let roots: Vec<Key> = elements
            .iter()
            .filter(|(key, element)| element.record.process_instance_key == **key)
            .map(|(key, _)| *key)
            .collect();
        if let Some(root) = self.chance.pick_any(roots.into_iter()) {
            let payload = Payload::ProcessInstance(
                ProcessInstanceIntent::Cancel,
                ProcessInstanceRecord::default(),
            );
            self.request(partition, root, payload);
        }
    }

    /// The network works again: all comes to rest, and with the instances everything ends.
    fn end(&mut self) {
        self.network.faults = false;
        self.rest();
        for _ in 0..10_000 {
            if self.network.nodes.iter().all(|node| node.history.elements.is_empty()) {
                break;
            }
            self.cancel();
        }
        self.rest();
        self.network.now_ms += 24 * 3_600_000;
        self.rest();
        for partition in 1..=self.network.partitions() {
            self.network.restart(partition);
        }
        for node in &self.network.nodes {
            check::nothing_is_left(&node.history, &node.engine.dump());
        }
        check::partitions_have_the_same(self.network.nodes.iter().map(|node| node.engine.dump()));
    }

    /// Long enough for every repetition.
    fn rest(&mut self) {
        for _ in 0..200 {
            self.network.settle(&mut self.chance);
            self.network.now_ms += 100;
        }
        self.network.settle(&mut self.chance);
    }
}
