//! The operator of a simulated cluster: starts what is down when its outage is over, restarts nodes
//! that say they are dead, and gives a new disk to a node whose data is damaged.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use skep_broker::PartitionHealth;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cluster::{NodeId, SimCluster};
use crate::life::Crash;

/// How often the operator looks, and how long it leaves a node alone that could not start.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// A node that is dead is restarted when it has been so this long.
const DEAD_FOR: Duration = Duration::from_millis(400);

/// What the operator knows about nodes. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Outages(Rc<RefCell<Known>>);

#[derive(Default)]
struct Known {
    down_until: BTreeMap<NodeId, Instant>,
    /// Nodes whose data may be damaged: they may get a new disk.
    damaged: BTreeSet<NodeId>,
    /// Why nodes could not start, the last time.
    refusals: BTreeMap<NodeId, String>,
    /// How often a node got a new disk.
    replaced: u64,
}

impl Outages {
    /// The node stays down until then.
    pub(crate) fn keep_down(&self, node: NodeId, until: Instant) {
        let mut known = self.0.borrow_mut();
        let end = known.down_until.entry(node).or_insert(until);
        *end = (*end).max(until);
    }

    /// The data of the node may be damaged.
    pub(crate) fn damage(&self, node: NodeId) {
        self.0.borrow_mut().damaged.insert(node);
    }

    /// Why nodes cannot start.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let known = self.0.borrow();
        known.refusals.iter().map(|(node, why)| format!("{node:?} cannot start: {why}")).collect()
    }

    /// No outage lasts any longer.
    pub(crate) fn end_all(&self) {
        self.0.borrow_mut().down_until.clear();
    }

    fn is_over(&self, node: NodeId) -> bool {
        self.0.borrow().down_until.get(&node).is_none_or(|until| Instant::now() >= *until)
    }
}

/// See the module.
pub(crate) struct Operator {
    cluster: SimCluster,
    outages: Outages,
    starting: BTreeMap<NodeId, oneshot::Receiver<Result<(), String>>>,
    dead_since: BTreeMap<NodeId, Instant>,
}

impl Operator {
    pub(crate) fn new(cluster: &SimCluster, outages: &Outages) -> Self {
        Self {
            cluster: cluster.clone(),
            outages: outages.clone(),
            starting: BTreeMap::new(),
            dead_since: BTreeMap::new(),
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            for node in self.cluster.nodes() {
                self.look_at(node);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look_at(&mut self, node: NodeId) {
        if let Some(starting) = self.starting.get_mut(&node) {
            match starting.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return,
                Ok(Ok(())) => _ = self.outages.0.borrow_mut().refusals.remove(&node),
                Ok(Err(reason)) => self.refused(node, reason),
                // It ended while it started: perhaps it crashed again.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
            self.starting.remove(&node);
        }
        if !self.cluster.is_up(node) {
            self.dead_since.remove(&node);
            if self.outages.is_over(node) {
                self.starting.insert(node, self.cluster.begin_start(node));
            }
        } else if !self.cluster.is_paused(node) {
            self.restart_if_dead(node);
        }
    }

    fn refused(&self, node: NodeId, reason: String) {
        self.outages.keep_down(node, Instant::now() + RETRY_AFTER);
        let mut known = self.outages.0.borrow_mut();
        if known.damaged.contains(&node) {
            known.replaced += 1;
            drop(known);
            self.cluster.wipe(node);
        } else {
            known.refusals.insert(node, reason);
        }
    }

    fn restart_if_dead(&mut self, node: NodeId) {
        let Some(broker) = self.cluster.broker(node) else { return };
        let topology = broker.topology();
        let dead = |health: &PartitionHealth| matches!(health, PartitionHealth::Dead { .. });
        if !topology.local().iter().any(|partition| dead(&partition.health)) {
            self.dead_since.remove(&node);
            return;
        }
        let since = *self.dead_since.entry(node).or_insert_with(Instant::now);
        if since.elapsed() >= DEAD_FOR {
            self.dead_since.remove(&node);
            self.cluster.crash(node, Crash::Kill);
        }
    }
}
