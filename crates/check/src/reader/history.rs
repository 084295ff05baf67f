//! What the records of a partition say, read by a state machine that knows nothing of the engine's.

use std::collections::{BTreeMap, BTreeSet};

use skep_protocol::*;

/// Lifecycle of an element instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It begins.
    Activating,
    /// It is at work, or waits.
    Activated,
    /// It ends by itself.
    Completing,
    /// It is ended.
    Terminating,
}

/// An element instance.
#[derive(Clone, Debug)]
pub struct Element {
    /// How far it is.
    pub life: Life,
    /// What began it.
    pub record: ProcessInstanceRecord,
    /// Element instances in it.
    pub children: BTreeSet<Key>,
    /// Tokens on flows directly inside.
    pub tokens: u32,
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobLife {
    /// It can be handed out.
    Activatable,
    /// A worker has it.
    Activated,
    /// Without retries, in its back-off, or held by an incident.
    Failed,
    /// A worker threw an error that nobody caught.
    ErrorThrown,
}

/// A job that has not ended.
#[derive(Clone, Debug)]
pub struct Job {
    /// How far it is.
    pub life: JobLife,
    /// Its element instance.
    pub element: Key,
}

/// What an instance waits for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Name of the message.
    pub name: String,
    /// What its messages carry.
    pub correlation_key: String,
    /// The process.
    pub bpmn_process_id: String,
    /// The first message ends it.
    pub interrupting: bool,
    /// It was asked to close.
    pub closing: bool,
}

impl Subscription {
    fn new(value: &ProcessMessageSubscriptionRecord) -> Self {
        Self {
            name: value.message_name.clone(),
            correlation_key: value.correlation_key.clone(),
            bpmn_process_id: value.bpmn_process_id.clone(),
            interrupting: value.interrupting,
            closing: false,
        }
    }
}

/// Everything that lives on a partition.
#[derive(Default)]
pub struct History {
    /// The partition.
    pub partition: PartitionId,
    /// Position of the last record.
    pub last_position: u64,
    /// Element instances.
    pub elements: BTreeMap<Key, Element>,
    /// Jobs that have not ended.
    pub jobs: BTreeMap<Key, Job>,
    /// Timer to element instance, 0 for start events.
    pub timers: BTreeMap<Key, Key>,
    /// Incidents that are not resolved.
    pub incidents: BTreeMap<Key, IncidentRecord>,
    /// Variables by scope and name.
    pub variables: BTreeMap<(Key, String), Key>,
    /// Subscriptions by element instance and name.
    pub subscriptions: BTreeMap<(Key, String), Subscription>,
    /// Slices that go on later.
    pub batches: BTreeSet<Key>,
    /// Triggers that wait, by scope.
    pub triggers: BTreeSet<(Key, Key)>,
    /// Process definitions and decision requirements graphs that were not deleted: id by key.
    pub definitions: BTreeMap<Key, String>,
    /// Decisions that were not deleted: id and version by key.
    pub decisions: BTreeMap<Key, (String, u32)>,
    /// The last one for backups.
    pub checkpoint_id: u64,
    /// The newest key that something was made with.
    newest: Key,
    /// Job by element instance.
    jobs_by_element: BTreeMap<Key, Key>,
}

impl History {
    /// Of a partition on which nothing happened yet.
    pub(crate) fn new(partition: PartitionId) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Takes note of a record; panics when it must not follow what was before.
    pub(crate) fn note(&mut self, record: &Record) {
        assert_eq!(record.position, self.last_position + 1, "positions are dense");
        self.last_position = record.position;
        if record.record_type != RecordType::Event {
            assert!(
                (record.record_type == RecordType::Rejection) == record.rejection.is_some(),
                "rejections say why"
            );
            return;
        }
        let key = record.key;
        match &record.payload {
            Payload::ProcessInstance(intent, value) => self.note_element(key, *intent, value),
            Payload::Checkpoint(CheckpointIntent::Created, value) => {
                assert!(value.checkpoint_id > self.checkpoint_id, "checkpoints ascend");
                assert_eq!(value.checkpoint_position, record.position);
                self.checkpoint_id = value.checkpoint_id;
            }
            Payload::Job(intent, value) => self.note_job(key, *intent, value),
            Payload::JobBatch(JobBatchIntent::Activated, value) => {
                for key in &value.job_keys {
                    let job = self.jobs.get_mut(key).expect("only living jobs are activated");
                    assert_eq!(job.life, JobLife::Activatable, "job {key} cannot be activated");
                    job.life = JobLife::Activated;
                }
            }
            Payload::Timer(intent, value) => match intent {
                TimerIntent::Created => {
                    self.created_here(key);
                    self.timers.insert(key, value.element_instance_key);
                    self.expect_alive(value.element_instance_key, "timer");
                }
                _ => {
                    let timer = self.timers.remove(&key);
                    assert!(timer.is_some(), "timer {key} ends twice");
                }
            },
            Payload::Incident(intent, value) => self.note_incident(key, *intent, value),
            Payload::Variable(intent, value) => self.note_variable(key, *intent, value),
            Payload::ProcessMessageSubscription(intent, value) => {
                self.note_subscription(*intent, value);
            }
            Payload::ProcessInstanceBatch(intent, _) => match intent {
                ProcessInstanceBatchIntent::Enqueued => {
                    self.created_here(key);
                    self.batches.insert(key);
                }
                _ => assert!(self.batches.remove(&key), "batch {key} goes on twice"),
            },
            Payload::ProcessEvent(intent, value) => match intent {
                ProcessEventIntent::Triggering => {
                    self.expect_alive(value.scope_key, "trigger");
                    assert!(self.triggers.insert((value.scope_key, key)), "a trigger is new");
                }
                ProcessEventIntent::Triggered => {
                    self.triggers.remove(&(value.scope_key, key));
                }
            },
            Payload::Process(intent, value) => match intent {
                ProcessIntent::Created => {
                    self.definitions.insert(key, value.bpmn_process_id.clone());
                }
                _ => {
                    self.definitions.remove(&key);
                }
            },
            Payload::DecisionRequirements(intent, value) => match intent {
                DecisionRequirementsIntent::Created => {
                    self.definitions.insert(key, value.decision_requirements_id.clone());
                }
                DecisionRequirementsIntent::Deleted => {
                    let graph = self.definitions.remove(&key);
                    assert!(graph.is_some(), "graph {key} is deleted twice");
                }
            },
            Payload::Decision(intent, value) => self.note_decision(key, *intent, value),
            Payload::DecisionEvaluation(_, value) => self.note_evaluation(key, value),
            Payload::Message(MessageIntent::Published, _)
            | Payload::MessageSubscription(MessageSubscriptionIntent::Created, _) => {
                self.created_here(key);
            }
            Payload::Error(_, value) => panic!("the engine failed: {}", value.exception_message),
            _ => {}
        }
    }

    fn note_decision(&mut self, key: Key, intent: DecisionIntent, value: &DecisionRecord) {
        let graph = value.decision_requirements_key;
        assert!(self.definitions.contains_key(&graph), "decision {key} has no graph");
        match intent {
            DecisionIntent::Created => {
                let other = self.decisions.insert(key, (value.decision_id.clone(), value.version));
                assert_eq!(other, None, "decision {key} is created twice");
            }
            DecisionIntent::Deleted => {
                assert!(self.decisions.remove(&key).is_some(), "decision {key} is deleted twice");
            }
        }
    }

    /// What is evaluated is there, for an element that is about to activate.
    fn note_evaluation(&mut self, key: Key, value: &DecisionEvaluationRecord) {
        self.created_here(key);
        let place = (value.decision_id.clone(), value.decision_version);
        assert_eq!(self.decisions.get(&value.decision_key), Some(&place), "decision");
        let failed = !value.failed_decision_id.is_empty();
        assert_eq!(failed, !value.evaluation_failure_message.is_empty(), "failures say why");
        let last = value.evaluated_decisions.last().expect("a trace");
        let expected = if failed { &value.failed_decision_id } else { &value.decision_id };
        assert_eq!(&last.decision_id, expected, "the last of the trace");
        if let Some(caller) = &value.caller {
            let element = self.elements.get(&caller.element_instance_key).expect("a caller");
            assert_eq!(element.life, Life::Activating, "the caller of an evaluation");
        }
    }

    /// Keys are unique, since they ascend, and of the partition that made them.
    fn created_here(&mut self, key: Key) {
        assert_eq!(key::partition_of(key), self.partition, "key {key} is another partition's");
        assert!(key > self.newest, "key {key} is used twice: there was {} already", self.newest);
        self.newest = key;
    }

    fn expect_alive(&self, element: Key, what: &str) {
        assert!(
            element == NO_KEY || self.elements.contains_key(&element),
            "a {what} is made for element instance {element}, which is not there"
        );
    }

    fn note_element(
        &mut self,
        key: Key,
        intent: ProcessInstanceIntent,
        value: &ProcessInstanceRecord,
    ) {
        use ProcessInstanceIntent::*;
        let scope = value.flow_scope_key;
        match intent {
            SequenceFlowTaken => {
                let scope = self.elements.get_mut(&scope).expect("flows are taken in a scope");
                assert_eq!(scope.life, Life::Activated, "{} is taken", value.element_id);
                scope.tokens += 1;
            }
            ElementActivating => {
                self.created_here(key);
                if scope != NO_KEY {
                    let scope = self.elements.get_mut(&scope).expect("elements have a scope");
                    assert_eq!(scope.life, Life::Activated, "{} activates in it", value.element_id);
                    scope.children.insert(key);
                    scope.tokens =
                        scope.tokens.checked_sub(value.tokens_taken).unwrap_or_else(|| {
                            panic!("{} takes a token that is not there", value.element_id)
                        });
                }
                let element = Element {
                    life: Life::Activating,
                    record: value.clone(),
                    children: BTreeSet::new(),
                    tokens: 0,
                };
                self.elements.insert(key, element);
            }
            ElementActivated => self.move_on(key, value, &[Life::Activating], Life::Activated),
            ElementCompleting => self.move_on(key, value, &[Life::Activated], Life::Completing),
            ElementTerminating => self.move_on(
                key,
                value,
                &[Life::Activating, Life::Activated, Life::Completing],
                Life::Terminating,
            ),
            ElementCompleted => {
                self.end(key, value, Life::Completing);
                if value.event_type == EventType::Terminate as i32
                    && let Some(scope) = self.elements.get_mut(&scope)
                {
                    scope.tokens = 0;
                }
            }
            ElementTerminated => self.end(key, value, Life::Terminating),
            _ => panic!("{} is no event", intent.name()),
        }
    }

    fn move_on(&mut self, key: Key, value: &ProcessInstanceRecord, from: &[Life], to: Life) {
        let element = self.elements.get_mut(&key);
        let element = element.unwrap_or_else(|| panic!("{} {key} is not there", value.element_id));
        let life = element.life;
        assert!(from.contains(&life), "{} {key} goes from {life:?} to {to:?}", value.element_id);
        assert_eq!(element.record.element_id, value.element_id, "an element keeps its id");
        if to == Life::Completing {
            assert!(
                element.children.is_empty(),
                "{} {key} completes around others",
                value.element_id
            );
            assert_eq!(element.tokens, 0, "{} {key} completes around tokens", value.element_id);
        }
        element.life = to;
    }

    fn end(&mut self, key: Key, value: &ProcessInstanceRecord, from: Life) {
        let element = self.elements.remove(&key);
        let element = element.unwrap_or_else(|| panic!("{} {key} ends twice", value.element_id));
        assert_eq!(element.life, from, "{} {key} ends", value.element_id);
        assert!(element.children.is_empty(), "{} {key} ends before its children", value.element_id);
        if let Some(scope) = self.elements.get_mut(&value.flow_scope_key) {
            assert!(scope.children.remove(&key), "{} {key} was in its scope", value.element_id);
        }
        // The appliers remove these with the element, without records of their own.
        while let Some((id, _)) = self.variables.range((key, String::new())..).next()
            && id.0 == key
        {
            let id = id.clone();
            self.variables.remove(&id);
        }
        while let Some(id) = self.triggers.range((key, 0)..=(key, Key::MAX)).next().copied() {
            self.triggers.remove(&id);
        }
    }

    fn note_job(&mut self, key: Key, intent: JobIntent, value: &JobRecord) {
        if intent == JobIntent::Created {
            self.created_here(key);
            self.expect_alive(value.element_instance_key, "job");
            let element = value.element_instance_key;
            let other = self.jobs_by_element.insert(element, key);
            assert!(other.is_none(), "element instance {element} has two jobs");
            self.jobs.insert(key, Job { life: JobLife::Activatable, element });
            return;
        }
        let life = self.jobs.get(&key).unwrap_or_else(|| panic!("job {key} is not there")).life;
        let held = self.incidents.values().any(|incident| incident.job_key == key);
        let allowed: &[JobLife] = match intent {
            JobIntent::Completed => &[JobLife::Activatable, JobLife::Activated, JobLife::Failed],
            JobIntent::TimedOut | JobIntent::Yielded | JobIntent::TimeoutUpdated => {
                &[JobLife::Activated]
            }
            JobIntent::RecurredAfterBackoff => &[JobLife::Failed],
            JobIntent::Failed | JobIntent::ErrorThrown => {
                &[JobLife::Activatable, JobLife::Activated, JobLife::Failed]
            }
            _ => &[JobLife::Activatable, JobLife::Activated, JobLife::Failed, JobLife::ErrorThrown],
        };
        assert!(allowed.contains(&life), "job {key} is {life:?} at {}", intent.name());
        match intent {
            JobIntent::Completed | JobIntent::Canceled => {
                if let Some(job) = self.jobs.remove(&key) {
                    self.jobs_by_element.remove(&job.element);
                }
                return;
            }
            _ => {}
        }
        let job = self.jobs.get_mut(&key).expect("it was there");
        job.life = match intent {
            JobIntent::TimedOut | JobIntent::Yielded => JobLife::Activatable,
            JobIntent::RecurredAfterBackoff if held => panic!("job {key} has an incident"),
            JobIntent::RecurredAfterBackoff => JobLife::Activatable,
            JobIntent::Failed if value.retries > 0 && value.recurring_time_ms == 0 => {
                JobLife::Activatable
            }
            JobIntent::Failed => JobLife::Failed,
            JobIntent::ErrorThrown => JobLife::ErrorThrown,
            _ => life,
        };
    }

    fn note_incident(&mut self, key: Key, intent: IncidentIntent, value: &IncidentRecord) {
        if intent == IncidentIntent::Created {
            self.created_here(key);
            self.expect_alive(value.element_instance_key, "incident");
            let twice = self.incidents.values().any(|other| {
                other.element_instance_key == value.element_instance_key
                    && other.job_key == value.job_key
            });
            assert!(!twice, "{} has two incidents", value.element_id);
            self.incidents.insert(key, value.clone());
            if let Some(job) = self.jobs.get_mut(&value.job_key)
                && job.life == JobLife::Activatable
            {
                job.life = JobLife::Failed;
            }
            return;
        }
        let incident = self.incidents.remove(&key);
        let incident = incident.unwrap_or_else(|| panic!("incident {key} is resolved twice"));
        if let Some(job) = self.jobs.get_mut(&incident.job_key)
            && job.life == JobLife::Failed
        {
            job.life = JobLife::Activatable;
        }
    }

    fn note_variable(&mut self, key: Key, intent: VariableIntent, value: &VariableRecord) {
        self.expect_alive(value.scope_key, "variable");
        let id = (value.scope_key, value.name.clone());
        if intent == VariableIntent::Created {
            self.created_here(key);
            assert!(self.variables.insert(id, key).is_none(), "{} is there twice", value.name);
        } else {
            assert_eq!(self.variables.get(&id), Some(&key), "{} changes its key", value.name);
        }
    }

    fn note_subscription(
        &mut self,
        intent: ProcessMessageSubscriptionIntent,
        value: &ProcessMessageSubscriptionRecord,
    ) {
        use ProcessMessageSubscriptionIntent::*;
        let id = (value.element_instance_key, value.message_name.clone());
        match intent {
            Creating => {
                self.expect_alive(value.element_instance_key, "subscription");
                let other = self.subscriptions.insert(id, Subscription::new(value));
                assert!(other.is_none(), "a second one");
            }
            Created => assert!(self.subscriptions.contains_key(&id), "a subscription opens once"),
            Correlated => {
                let subscription = self.subscriptions.get(&id).expect("it waits for the message");
                assert!(!subscription.closing, "a closing subscription takes no message");
                self.expect_alive(value.element_instance_key, "correlation");
                if value.interrupting {
                    self.subscriptions.remove(&id);
                }
            }
            Deleting => {
                // Perhaps one that only the message's side has.
                let subscription =
                    self.subscriptions.entry(id).or_insert_with(|| Subscription::new(value));
                assert!(!subscription.closing, "a subscription is closed once");
                subscription.closing = true;
            }
            Deleted => {
                assert!(self.subscriptions.remove(&id).is_some(), "a subscription closes once");
            }
            _ => {}
        }
    }
}
