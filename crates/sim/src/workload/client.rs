//! A client: sends commands through any node, gives up waiting in time, repeats what may be
//! repeated, and writes down what it was told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use skep_broker::Response;
use skep_gateway::ErrorKind;
use skep_protocol::{Command, Key, PartitionId, Payload};

use crate::cluster::SimCluster;
use crate::evidence::Recorder;
use crate::generated::chance::Chance;
use crate::history::{Call, CallKind, Outcome};

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How often a command that may be repeated is sent at most.
const ATTEMPTS_MAX: u32 = 8;
/// Pause before a repetition.
const PAUSE: Duration = Duration::from_millis(150);

/// The clients of a run share what they know. Clones are the same.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) cluster: SimCluster,
    pub(crate) recorder: Recorder,
    calls: Rc<RefCell<Vec<Call>>>,
    next_reference: Rc<Cell<u64>>,
}

/// What is asked.
pub(crate) struct Ask {
    pub(crate) partition: PartitionId,
    pub(crate) key: Key,
    pub(crate) payload: Payload,
    pub(crate) kind: CallKind,
}

impl Ask {
    /// Something that no checker looks at more closely.
    pub(crate) fn other(partition: PartitionId, key: Key, payload: Payload) -> Self {
        Self { partition, key, payload, kind: CallKind::Other }
    }
}

impl Client {
    pub(crate) fn new(cluster: &SimCluster, recorder: &Recorder) -> Self {
        Self::after(cluster, recorder, 0)
    }

    /// Clients of a cluster in whose logs there are references up to this one.
    pub(crate) fn after(cluster: &SimCluster, recorder: &Recorder, last_reference: u64) -> Self {
        Self {
            cluster: cluster.clone(),
            recorder: recorder.clone(),
            calls: Rc::default(),
            next_reference: Rc::new(Cell::new(last_reference + 1)),
        }
    }

    /// What all clients were told.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.borrow_mut())
    }

    /// The partitions that messages and business ids are spread over: those of the first start.
    pub(crate) fn partitions(&self) -> u32 {
        let config = self.cluster.config();
        config.message_partitions.unwrap_or(config.partitions)
    }

    /// All partitions that are in use now.
    pub(crate) fn all_partitions(&self) -> u32 {
        self.cluster.partitions()
    }

    /// A reference that nobody else has.
    pub(crate) fn reference(&self) -> u64 {
        let reference = self.next_reference.get();
        self.next_reference.set(reference + 1);
        reference
    }

    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.cluster.world().elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Any node, broker or gateway.
    pub(crate) fn node(&self, chance: &mut Chance) -> crate::NodeId {
        let nodes = self.cluster.nodes();
        nodes[chance.below(nodes.len())]
    }

    /// Sends a command once.
    pub(crate) async fn submit(&self, chance: &mut Chance, ask: Ask) -> Outcome {
        let reference = self.reference();
        self.submit_as(chance, ask, reference).await.0
    }

    /// Sends a command once, with this reference; gives the answer's event, too.
    pub(crate) async fn submit_as(
        &self,
        chance: &mut Chance,
        ask: Ask,
        reference: u64,
    ) -> (Outcome, Option<Payload>) {
        let backend = self.cluster.backend(self.node(chance));
        let what = format!("{} {}", ask.payload.value_type().name(), ask.payload.intent_name());
        let command =
            Command { operation_reference: reference, ..Command::new(ask.key, ask.payload) };
        let invoked_ms = self.now_ms();
        let answer = backend.submit(ask.partition, command, TIMEOUT).await;
        let mut event = None;
        let outcome = match answer {
            Ok(Response::Accepted { key, position, payload }) => {
                let names = (payload.value_type().name(), payload.intent_name());
                event = Some(*payload);
                Outcome::Acknowledged { key, position, event: names }
            }
            Ok(Response::Rejected { rejection, .. }) => {
                Outcome::Rejected(format!("{}: {}", rejection.kind.name(), rejection.reason))
            }
            Ok(Response::Jobs { jobs, .. }) => {
                Outcome::Jobs(jobs.iter().map(|job| job.key).collect())
            }
            Err(refused) if refused.not_accepted => Outcome::NotTaken(refused.error.message),
            Err(refused) if refused.error.kind == ErrorKind::Internal => {
                Outcome::Unknown(format!("internal: {}", refused.error.message))
            }
            Err(refused) => Outcome::Unknown(refused.error.message),
        };
        self.note(Call {
            partition: ask.partition,
            reference,
            kind: ask.kind,
            what,
            invoked_ms,
            returned_ms: self.now_ms(),
            outcome: outcome.clone(),
        });
        (outcome, event)
    }

    /// Sends a command until it is answered, or patience ends; every time with the same reference
    /// when `same_reference`, which is for creations.
    pub(crate) async fn insist(
        &self,
        chance: &mut Chance,
        same_reference: bool,
        ask: impl Fn() -> Ask,
    ) -> Outcome {
        let first = self.reference();
        let mut outcome = Outcome::NotTaken("it was never sent".to_owned());
        for attempt in 0..ATTEMPTS_MAX {
            let reference = if same_reference || attempt == 0 { first } else { self.reference() };
            outcome = self.submit_as(chance, ask(), reference).await.0;
            if !matches!(outcome, Outcome::NotTaken(_) | Outcome::Unknown(_)) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        outcome
    }

    /// Writes a call down.
    pub(crate) fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}
