//! One path: random requests to a model's processes, then the drive to an end.

use std::collections::BTreeMap;
use std::fmt::Write;

use skep_engine::Response;
use skep_feel::Value;
use skep_protocol::*;

use super::chance::Chance;
use super::check;
use super::decisions;
use super::model::{ERRORS, JOB_TYPES, KEYS, LATE, MESSAGES, Model, START_MESSAGES};
use super::network::{Kinds, Network};

/// What paths did, for the summary.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) steps: u64,
    pub(crate) commands: u64,
    pub(crate) kinds: Kinds,
}

impl Work {
    pub(crate) fn add(&mut self, more: Self) {
        self.steps += more.steps;
        self.commands += more.commands;
        for (kind, count) in more.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }

    pub(crate) fn records(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// Process instances, children of call activities among them.
    pub(crate) fn instances(&self) -> u64 {
        let kind = ("PROCESS_INSTANCE", "ELEMENT_ACTIVATING", "PROCESS");
        self.kinds.get(&kind).copied().unwrap_or_default()
    }
}

pub(crate) struct Path<'a> {
    pub(crate) model: &'a Model,
    pub(crate) chance: Chance,
    pub(crate) network: Network,
    /// Jobs that were handed out, some of them long gone.
    jobs: Vec<Key>,
    /// The checkpoint that some partitions have, and all will have before the next.
    backup: u64,
    backup_begun: bool,
    steps: u64,
    /// What was done, for whoever has to understand a failure. Shared, as a failure is a panic.
    trace: &'a mut String,
}

const STEPS_MAX: usize = 40;
/// Jobs that a path remembers to answer.
const JOBS_REMEMBERED: usize = 12;
/// Rounds until all is done: each takes every token one wait state further.
const DRAIN_ROUNDS_MAX: usize = 300;
/// Attempts to cancel an instance: one in ten names a child, which is refused.
const CANCELLATIONS_MAX: usize = 50;
/// Rounds after which incidents are not resolved any more: their instances are cancelled.
const PATIENCE_ROUNDS: usize = 30;

/// Runs the path of a seed.
pub(crate) fn run(model: &Model, seed: u64, verbose: bool, trace: &mut String) -> Work {
    let mut chance = Chance::new(seed);
    let partitions = if chance.percent(35) { 3 } else { 1 };
    let mut network = Network::new(partitions);
    network.verbose = verbose;
    let mut path = Path {
        model,
        chance,
        network,
        jobs: Vec::new(),
        backup: 0,
        backup_begun: false,
        steps: 0,
        trace,
    };
    path.deploy("main", 0);
    path.deploy("callee", 0);
    for _ in 0..1 + path.chance.below(STEPS_MAX) {
        path.step();
    }
    path.drain();
    Work { steps: path.steps, commands: path.network.commands, kinds: path.network.kinds }
}

impl Path<'_> {
    fn say(&mut self, what: &str) {
        self.steps += 1;
        if self.network.verbose {
            println!("-- {} {what}", self.steps);
        }
        let _ = writeln!(
            self.trace,
            "  {:4} +{}ms {what}",
            self.steps,
            self.network.now_ms - 1_767_225_600_000
        );
    }

    fn partition(&mut self) -> PartitionId {
        1 + u32::try_from(self.chance.below(self.network.nodes.len())).unwrap()
    }

    fn request(&mut self, partition: PartitionId, key: Key, payload: Payload) {
        self.say(&format!(
            "to {partition}: {} {} {key}",
            payload.value_type().name(),
            payload.intent_name()
        ));
        self.network.request(&mut self.chance, partition, Command::new(key, payload));
        self.take_jobs();
    }

    /// To the partition of the key.
    fn request_about(&mut self, key: Key, payload: Payload) {
        let partition = key::partition_of(key).clamp(1, self.network.partitions());
        self.request(partition, key, payload);
    }

    fn take_jobs(&mut self) {
        if let Some(Response::Jobs { jobs, .. }) = self.network.answers.last() {
            self.jobs.extend(jobs.iter().map(|job| job.key));
            self.network.answers.pop();
            let surplus = self.jobs.len().saturating_sub(JOBS_REMEMBERED);
            self.jobs.drain(..surplus);
        }
    }

    fn step(&mut self) {
        match self.chance.below(32) {
            0..4 => self.create(),
            4..8 => self.activate(),
            8..14 => self.answer_job(),
            14..16 => self.publish(),
            16 if self.chance.percent(50) => self.evaluate(),
            16 => self.publish_awaited(),
            17..20 => self.pass_time(),
            20 => self.set_variables(),
            21 | 22 => self.resolve(),
            23 if self.chance.percent(40) => self.cancel(),
            24 => self.deploy_any(),
            25 if self.chance.percent(30) => self.delete(),
            26 | 27 => {
                let partition = self.partition();
                self.say(&format!("checkpoint of {partition}"));
                self.network.checkpoint(partition);
            }
            28 => {
                let partition = self.partition();
                self.say(&format!("restart of {partition}"));
                self.network.restart(partition);
            }
            29 if self.chance.percent(30) => self.back_up(),
            30 if self.network.first_partitions > 1
                && self.network.partitions() < 5
                && self.chance.percent(20) =>
            {
                self.say("one more partition");
                self.network.scale(&mut self.chance);
            }
            _ => {
                self.say("deliver");
                for _ in 0..1 + self.chance.below(4) {
                    self.network.deliver(&mut self.chance);
                }
            }
        }
    }

    /// Begins a backup on one partition, or ends it on all; perhaps all is lost then and restored.
    fn back_up(&mut self) {
        if !self.backup_begun {
            self.backup += 1;
            self.backup_begun = true;
            let partition = self.partition();
            self.say(&format!("backup {} begins on {partition}", self.backup));
            return self.network.create_checkpoint(&mut self.chance, partition, self.backup);
        }
        self.backup_begun = false;
        self.say(&format!("backup {} is complete", self.backup));
        for partition in 1..=self.network.partitions() {
            self.network.create_checkpoint(&mut self.chance, partition, self.backup);
        }
        if self.chance.percent(50) {
            for _ in 0..self.chance.below(4) {
                self.network.deliver(&mut self.chance);
            }
            self.say(&format!("restore of {}", self.backup));
            self.network.restore();
        }
    }

    fn deploy_any(&mut self) {
        if self.chance.percent(30) {
            return self.deploy_decisions();
        }
        let at = self.chance.below(self.model.processes.len());
        let (id, versions) = &self.model.processes[at];
        let version = self.chance.below(versions.len());
        self.deploy(id, version);
    }

    fn deploy(&mut self, id: &str, version: usize) {
        let model = self.model;
        let (_, files) = model.processes.iter().find(|(other, _)| other == id).unwrap();
        let resource =
            ResourceRecord { name: format!("{id}.bpmn"), content: files[version].clone().into() };
        let mut resources = vec![resource];
        if self.chance.percent(40) {
            resources.push(self.decisions());
        }
        self.deploy_resources(resources);
    }

    fn decisions(&mut self) -> ResourceRecord {
        let content = decisions::file(&mut self.chance).into();
        ResourceRecord { name: decisions::FILE.to_owned(), content }
    }

    fn deploy_decisions(&mut self) {
        let resource = self.decisions();
        self.deploy_resources(vec![resource]);
    }

    fn deploy_resources(&mut self, resources: Vec<ResourceRecord>) {
        let names: Vec<&str> = resources.iter().map(|resource| resource.name.as_str()).collect();
        let names = names.join(", ");
        let record = DeploymentRecord { resources, ..DeploymentRecord::default() };
        let answers = self.network.answers.len();
        self.request(1, NO_KEY, Payload::Deployment(DeploymentIntent::Create, record));
        for answer in &self.network.answers[answers..] {
            assert!(!matches!(answer, Response::Rejected { .. }), "{names} is refused: {answer:?}");
        }
    }

    /// Variables that the model looks at; some of them may be missing at first.
    fn variables(&mut self, complete: bool) -> bytes::Bytes {
        let mut json = Vec::new();
        for name in ["x", "decision"] {
            if complete || self.chance.percent(80) {
                json.push(format!("\"{name}\":{}", 1 + self.chance.below(3)));
            }
        }
        if complete || self.chance.percent(80) {
            let key = self.chance.pick(KEYS);
            let key = if key == "7" { key.to_owned() } else { format!("\"{key}\"") };
            json.push(format!("\"key\":{key}"));
        }
        if self.chance.percent(20) {
            json.push("\"o\":{\"a\":1,\"z\":[null,\"text\"]}".to_owned());
        }
        document(&format!("{{{}}}", json.join(",")))
    }

    fn create(&mut self) {
        let partition = self.partition();
        let record = ProcessInstanceCreationRecord {
            bpmn_process_id: self
                .chance
                .pick(&["main", "main", "main", "main", "main", "callee", LATE])
                .to_owned(),
            version: self.chance.pick(&[-1, -1, -1, -1, -1, 1, 2]),
            variables: self.variables(false),
            business_id: self.chance.pick(&["", "", "", "b1", "b2"]).to_owned(),
            ..ProcessInstanceCreationRecord::default()
        };
        let intent = self.chance.pick(&[
            ProcessInstanceCreationIntent::Create,
            ProcessInstanceCreationIntent::CreateWithAwaitingResult,
        ]);
        self.say(&format!(
            "to {partition}: create {} {:?}",
            record.bpmn_process_id,
            Value::from_msgpack(&record.variables)
        ));
        let mut command = Command::new(NO_KEY, Payload::ProcessInstanceCreation(intent, record));
        command.operation_reference = self.chance.pick(&[0, 0, 0, 5, 6]);
        self.network.request(&mut self.chance, partition, command);
    }

    fn activate(&mut self) {
        let partition = self.partition();
        let job_type = self.chance.pick(JOB_TYPES);
        let timeout_ms = self.chance.pick(&[5_000, 60_000, 3_600_000]);
        let jobs_max = self.chance.pick(&[1, 2, 10]);
        self.activate_jobs(partition, job_type, timeout_ms, jobs_max);
    }

    fn activate_jobs(
        &mut self,
        partition: PartitionId,
        job_type: &str,
        timeout_ms: i64,
        jobs_max: u32,
    ) {
        let record = JobBatchRecord {
            job_type: job_type.to_owned(),
            worker: "w".to_owned(),
            timeout_ms,
            jobs_max,
            ..JobBatchRecord::default()
        };
        self.request(partition, NO_KEY, Payload::JobBatch(JobBatchIntent::Activate, record));
    }

    fn answer_job(&mut self) {
        if self.jobs.is_empty() {
            return self.activate();
        }
        // A job may be answered again later, in vain.
        let at = self.chance.below(self.jobs.len());
        let key = if self.chance.percent(80) { self.jobs.remove(at) } else { self.jobs[at] };
        let mut job = JobRecord::default();
        let intent = match self.chance.below(16) {
            0 | 1 => {
                job.retries = self.chance.pick(&[0, 1, 2]);
                job.retry_back_off_ms = self.chance.pick(&[0, 0, 1_000, 60_000]);
                job.error_message = "it failed".to_owned();
                if self.chance.percent(30) {
                    job.variables = self.variables(false);
                }
                JobIntent::Fail
            }
            2..5 => {
                job.error_code = self.chance.pick(ERRORS).to_owned();
                if self.chance.percent(50) {
                    job.variables = self.variables(false);
                }
                JobIntent::ThrowError
            }
            5 => {
                (job.changes_retries, job.retries) = (true, 2);
                JobIntent::UpdateRetries
            }
            6 => {
                (job.changes_timeout, job.timeout_ms) = (true, 10_000);
                self.chance.pick(&[JobIntent::UpdateTimeout, JobIntent::Update])
            }
            7 => JobIntent::Yield,
            _ => {
                if self.chance.percent(60) {
                    job.variables = self.variables(false);
                }
                JobIntent::Complete
            }
        };
        self.request_about(key, Payload::Job(intent, job));
    }

    fn publish(&mut self) {
        let name = if self.chance.percent(75) {
            self.chance.pick(MESSAGES)
        } else {
            self.chance.pick(START_MESSAGES)
        };
        let key = self.chance.pick(&["", "k1", "k1", "k2", "7", "other"]);
        self.publish_message(name, key);
    }

    /// One of the messages that somebody waits for.
    fn publish_awaited(&mut self) {
        let partition = self.partition();
        let subscriptions = &self.network.nodes[partition as usize - 1].history.subscriptions;
        let Some(subscription) = self.chance.pick_any(subscriptions.values()).cloned() else {
            return;
        };
        self.publish_message(&subscription.name, &subscription.correlation_key);
    }

    fn publish_message(&mut self, name: &str, correlation_key: &str) {
        let partition =
            key::partition_of_correlation_key(correlation_key, self.network.first_partitions);
        let variables =
            if self.chance.percent(50) { self.variables(false) } else { bytes::Bytes::new() };
        let (name, correlation_key) = (name.to_owned(), correlation_key.to_owned());
        self.say(&format!("message {name} for '{correlation_key}':"));
        let payload = if self.chance.percent(20) {
            let record = MessageCorrelationRecord {
                name,
                correlation_key,
                variables,
                ..MessageCorrelationRecord::default()
            };
            Payload::MessageCorrelation(MessageCorrelationIntent::Correlate, record)
        } else {
            let record = MessageRecord {
                name,
                correlation_key,
                variables,
                message_id: self.chance.pick(&["", "", "id1"]).to_owned(),
                time_to_live_ms: self.chance.pick(&[0, 0, 1_000, 600_000]),
                ..MessageRecord::default()
            };
            Payload::Message(MessageIntent::Publish, record)
        };
        self.request(partition, NO_KEY, payload);
    }

    /// To the next due date or past it; all that is due on some partitions happens.
    fn pass_time(&mut self) {
        let now_ms = self.network.now_ms;
        let next_ms = self.network.next_due_ms().map_or(0, |due_ms| due_ms.max(now_ms));
        self.network.now_ms = match self.chance.below(6) {
            0..3 => next_ms.max(now_ms + 1),
            3 => now_ms + 1_000,
            4 => now_ms + 60_000,
            _ => now_ms + 3_600_000,
        };
        self.say("time passes");
        for partition in 1..=self.network.partitions() {
            if self.chance.percent(80) {
                self.network.run_due(&mut self.chance, partition);
            }
        }
    }

    fn element(&mut self) -> Option<Key> {
        let partition = self.partition();
        let elements = &self.network.nodes[partition as usize - 1].history.elements;
        self.chance.pick_any(elements.keys().copied())
    }

    fn set_variables(&mut self) {
        let Some(scope_key) = self.element() else { return };
        let semantics = self.chance.pick(&[UpdateSemantics::Local, UpdateSemantics::Propagate]);
        let variables = self.variables(false);
        self.set(scope_key, semantics, variables);
    }

    fn set(&mut self, scope_key: Key, semantics: UpdateSemantics, variables: bytes::Bytes) {
        let record =
            VariableDocumentRecord { scope_key, update_semantics: semantics as i32, variables };
        let partition = key::partition_of(scope_key);
        let payload = Payload::VariableDocument(VariableDocumentIntent::Update, record);
        self.request(partition, NO_KEY, payload);
    }

    fn resolve(&mut self) {
        let partition = self.partition();
        let incidents = &self.network.nodes[partition as usize - 1].history.incidents;
        let Some(key) = self.chance.pick_any(incidents.keys().copied()) else { return };
        if self.chance.percent(60) {
            self.repair(key);
        }
        self.request_about(
            key,
            Payload::Incident(IncidentIntent::Resolve, IncidentRecord::default()),
        );
    }

    /// Gives an incident's element what it may lack.
    fn repair(&mut self, incident: Key) {
        let partition = key::partition_of(incident);
        let incidents = &self.network.nodes[partition as usize - 1].history.incidents;
        let Some(incident) = incidents.get(&incident).cloned() else { return };
        if incident.job_key != NO_KEY {
            let job = JobRecord { retries: 1, changes_retries: true, ..JobRecord::default() };
            self.request_about(incident.job_key, Payload::Job(JobIntent::UpdateRetries, job));
        }
        let Some(element) =
            self.network.node(partition).history.elements.get(&incident.element_instance_key)
        else {
            return;
        };
        let (around, instance) =
            (element.record.flow_scope_key, element.record.process_instance_key);
        // What boundary events lack is not looked for in their activity.
        let scope = self.chance.pick(&[instance, instance, around, incident.element_instance_key]);
        let scope = if scope == NO_KEY { instance } else { scope };
        let variables = self.variables(true);
        self.set(scope, UpdateSemantics::Local, variables);
        if incident.error_type == ErrorType::CalledElementError as i32 && self.chance.percent(50) {
            self.deploy(LATE, 0);
            self.deploy("callee", 0);
        }
        if incident.error_type == ErrorType::CalledDecisionError as i32 && self.chance.percent(50) {
            self.deploy_decisions();
        }
    }

    fn evaluate(&mut self) {
        let partition = self.partition();
        let record = DecisionEvaluationRecord {
            decision_id: self.chance.pick(&["grade", "checked", "unknown"]).to_owned(),
            variables: self.variables(false),
            ..DecisionEvaluationRecord::default()
        };
        let payload = Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluate, record);
        self.request(partition, NO_KEY, payload);
    }

    fn cancel(&mut self) {
        let Some(element) = self.element() else { return };
        self.cancel_instance_of(element);
    }

    fn cancel_instance_of(&mut self, element: Key) {
        let node = self.network.node(key::partition_of(element));
        let mut root = element;
        while let Some(element) = node.history.elements.get(&root) {
            let record = &element.record;
            let above = if record.flow_scope_key == NO_KEY {
                record.parent_element_instance_key
            } else {
                record.flow_scope_key
            };
            if above == NO_KEY {
                break;
            }
            root = above;
        }
        // Sometimes a child, which is refused.
        let key = if self.chance.percent(90) { root } else { element };
        let payload = Payload::ProcessInstance(
            ProcessInstanceIntent::Cancel,
            ProcessInstanceRecord::default(),
        );
        self.request_about(key, payload);
    }

    fn delete(&mut self) {
        let definitions = &self.network.nodes[0].history.definitions;
        let Some(resource_key) = self.chance.pick_any(definitions.keys().copied()) else { return };
        let record = ResourceDeletionRecord { resource_key };
        self.request(1, NO_KEY, Payload::ResourceDeletion(ResourceDeletionIntent::Delete, record));
    }
}

/// The second phase: no more faults, and everything is done that somebody waits for.
impl Path<'_> {
    fn drain(&mut self) {
        self.say("drain");
        self.network.faults = false;
        let mut rounds = 0;
        while !self.is_done() {
            rounds += 1;
            if rounds > DRAIN_ROUNDS_MAX {
                self.give_up();
            }
            self.drain_round(rounds);
        }
        // Messages expire, clients' references do not: those are forgotten by later ones.
        for _ in 0..3 {
            self.network.now_ms += 24 * 3_600_000;
            self.network.settle(&mut self.chance);
            while !self.is_done() && rounds < 2 * DRAIN_ROUNDS_MAX {
                rounds += 1;
                self.drain_round(rounds);
            }
        }
        for node in &self.network.nodes {
            check::nothing_is_left(&node.history, &node.engine.dump());
        }
        for partition in 1..=self.network.partitions() {
            self.network.restart(partition);
        }
        for node in &self.network.nodes {
            let definitions = &node.history.definitions;
            assert_eq!(
                *definitions, self.network.nodes[0].history.definitions,
                "definitions differ"
            );
        }
        check::partitions_have_the_same(self.network.nodes.iter().map(|node| node.engine.dump()));
    }

    fn is_done(&self) -> bool {
        self.network.nodes.iter().all(|node| node.history.elements.is_empty())
    }

    fn give_up(&self) {
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for node in &self.network.nodes {
            for element in node.history.elements.values() {
                let id = &element.record.element_id;
                *left.entry(format!("{id} ({:?})", element.life)).or_default() += 1;
            }
        }
        panic!("instances do not come to an end: {left:?}");
    }

    fn drain_round(&mut self, round: usize) {
        self.network.settle(&mut self.chance);
        self.drain_incidents(round);
        self.network.settle(&mut self.chance);
        self.drain_jobs();
        self.network.settle(&mut self.chance);
        self.drain_subscriptions();
        self.network.settle(&mut self.chance);
        if round > PATIENCE_ROUNDS {
            self.cancel_starved();
        }
        // The next due date of an engine may be one of resending; time must not stand still.
        let now_ms = self.network.now_ms;
        let due_ms = self.network.next_due_ms().unwrap_or(now_ms);
        self.network.now_ms = due_ms.max(now_ms + 1);
        self.say("time passes");
    }

    fn drain_incidents(&mut self, round: usize) {
        for at in 0..self.network.nodes.len() {
            let incidents: Vec<_> =
                self.network.nodes[at].history.incidents.clone().into_iter().collect();
            for (key, incident) in incidents {
                if !self.network.nodes[at].history.incidents.contains_key(&key) {
                    continue;
                }
                let unhandled = incident.error_type == ErrorType::UnhandledErrorEvent as i32;
                if round > PATIENCE_ROUNDS || unhandled {
                    self.cancel_root_of(incident.element_instance_key);
                } else {
                    self.repair(key);
                    let payload =
                        Payload::Incident(IncidentIntent::Resolve, IncidentRecord::default());
                    self.request_about(key, payload);
                }
            }
        }
    }

    fn cancel_root_of(&mut self, element: Key) {
        let mut attempts = 0;
        // Until the root is named and not a child.
        while self.network.node(key::partition_of(element)).history.elements.contains_key(&element)
        {
            self.cancel_instance_of(element);
            self.network.settle(&mut self.chance);
            attempts += 1;
            assert!(attempts < CANCELLATIONS_MAX, "cancellation of {element} does nothing");
        }
    }

    /// A message goes to one subscription of a process, the oldest. When that one does not interrupt,
    /// it takes every message of its name and key, and a later one in the same process starves.
    fn cancel_starved(&mut self) {
        let all = self.network.nodes.iter().flat_map(|node| node.history.subscriptions.iter());
        let all: Vec<_> = all.map(|((element, _), waits)| (*element, waits.clone())).collect();
        for (element, waits) in &all {
            let starves = all.iter().any(|(other, taker)| {
                (other, &taker.name) != (element, &waits.name)
                    && !taker.interrupting
                    && taker.name == waits.name
                    && taker.correlation_key == waits.correlation_key
                    && taker.bpmn_process_id == waits.bpmn_process_id
            });
            if starves {
                self.cancel_root_of(*element);
            }
        }
    }

    fn drain_jobs(&mut self) {
        for partition in 1..=self.network.partitions() {
            for job_type in JOB_TYPES {
                self.activate_jobs(partition, job_type, 1_000_000, 100);
            }
            let jobs = &self.network.node(partition).history.jobs;
            let jobs: Vec<Key> = jobs.keys().copied().collect();
            for key in jobs {
                if self.network.node(partition).history.jobs.contains_key(&key) {
                    let variables = self.variables(true);
                    let job = JobRecord { variables, ..JobRecord::default() };
                    self.request_about(key, Payload::Job(JobIntent::Complete, job));
                }
            }
        }
    }

    fn drain_subscriptions(&mut self) {
        for at in 0..self.network.nodes.len() {
            let subscriptions = &self.network.nodes[at].history.subscriptions;
            let subscriptions: Vec<_> = subscriptions.values().cloned().collect();
            for subscription in subscriptions.iter().filter(|subscription| !subscription.closing) {
                let record = MessageRecord {
                    name: subscription.name.clone(),
                    correlation_key: subscription.correlation_key.clone(),
                    ..MessageRecord::default()
                };
                let partition = key::partition_of_correlation_key(
                    &record.correlation_key,
                    self.network.first_partitions,
                );
                self.say(&format!("message {} for '{}':", record.name, record.correlation_key));
                self.request(partition, NO_KEY, Payload::Message(MessageIntent::Publish, record));
            }
        }
    }
}

fn document(json: &str) -> bytes::Bytes {
    Value::from_json(json).unwrap_or_else(|| panic!("{json} is not JSON")).to_msgpack().into()
}
