//! Replicas of one process that reach each other through channels, for tests: connections can be
//! cut, slow, or silent in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use skep_env::watch;

use crate::replication::{PeerError, Peers, RaftReplication};

/// All connections between the replicas of a group. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct InProcess(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Arc<RaftReplication>>,
    /// By the two nodes, the smaller first.
    links: BTreeMap<(u64, u64), Link>,
    /// One way each.
    ways: BTreeMap<(u64, u64), Way>,
    requests: u64,
    /// Nodes that are there without a replica.
    without: BTreeSet<u64>,
    /// What every node is told of where replicas are to be.
    known: Vec<u64>,
}

struct Link {
    is_cut: watch::Sender<bool>,
}

#[derive(Clone, Copy, Default)]
struct Way {
    is_silent: bool,
    delay: Duration,
}

impl State {
    fn link(&mut self, one: u64, other: u64) -> &mut Link {
        let key = (one.min(other), one.max(other));
        self.links.entry(key).or_insert_with(|| Link { is_cut: watch::Sender::new(false) })
    }

    fn way(&self, from: u64, to: u64) -> Way {
        self.ways.get(&(from, to)).copied().unwrap_or_default()
    }
}

impl InProcess {
    /// The connections of one node.
    pub(crate) fn peers(&self, node: u64) -> Arc<dyn Peers> {
        Arc::new(Node { node, network: self.clone() })
    }

    /// A replica can be reached from now on.
    pub(crate) fn attach(&self, node: u64, replica: Arc<RaftReplication>) {
        self.0.lock().nodes.insert(node, replica);
    }

    /// A replica is gone: its connections break, and the others hear of it.
    pub(crate) fn detach(&self, node: u64) {
        let others: Vec<u64> = {
            let mut state = self.0.lock();
            drop(state.nodes.remove(&node));
            state.nodes.keys().copied().collect()
        };
        for other in others {
            self.cut(node, other);
            self.heal(node, other);
        }
    }

    /// Breaks the connection of two nodes, and tells both.
    pub(crate) fn cut(&self, one: u64, other: u64) {
        let nodes = {
            let mut state = self.0.lock();
            state.link(one, other).is_cut.send_replace(true);
            [(one, other), (other, one)].map(|(of, to)| (state.nodes.get(&of).cloned(), to))
        };
        for (node, to) in nodes {
            if let Some(node) = node {
                node.peer_lost(to);
            }
        }
    }

    /// Breaks the connections of a node to all others.
    pub(crate) fn isolate(&self, node: u64, others: &[u64]) {
        for other in others.iter().filter(|other| **other != node) {
            self.cut(node, *other);
        }
    }

    pub(crate) fn heal(&self, one: u64, other: u64) {
        let nodes = {
            let mut state = self.0.lock();
            state.link(one, other).is_cut.send_replace(false);
            [one, other].map(|node| state.nodes.get(&node).cloned())
        };
        if let [Some(first), Some(second)] = nodes {
            first.peer_found(other);
            second.peer_found(one);
        }
    }

    /// All connections are there again, and fast.
    pub(crate) fn heal_all(&self) {
        let pairs: Vec<_> = {
            let mut state = self.0.lock();
            state.ways.clear();
            let cut = state.links.iter().filter(|(_, link)| *link.is_cut.borrow());
            cut.map(|(pair, _)| *pair).collect()
        };
        for (one, other) in pairs {
            self.heal(one, other);
        }
    }

    /// What a node sends to another vanishes; nobody is told.
    pub(crate) fn silence(&self, from: u64, to: u64, is_silent: bool) {
        self.0.lock().ways.entry((from, to)).or_default().is_silent = is_silent;
    }

    /// What a node sends to another takes so long.
    pub(crate) fn delay(&self, from: u64, to: u64, delay: Duration) {
        self.0.lock().ways.entry((from, to)).or_default().delay = delay;
    }

    /// A node without a replica is there, and says so.
    pub(crate) fn without_replica(&self, node: u64, is_there: bool) {
        let mut state = self.0.lock();
        if is_there {
            state.without.insert(node);
        } else {
            state.without.remove(&node);
        }
    }

    /// Every node is told that these are to have replicas.
    pub(crate) fn tell(&self, known: &[u64]) {
        self.0.lock().known = known.to_vec();
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.0.lock().requests
    }

    /// The reply of a node to a request, when both arrive.
    fn deliver(
        &self,
        from: u64,
        to: u64,
        request: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let (there, way, node, is_without) = {
            let state = self.0.lock();
            let node = state.nodes.get(&to).cloned();
            (state.way(from, to), state.way(to, from), node, state.without.contains(&to))
        };
        let Some(node) = node else {
            let none = if is_without { PeerError::NoReplica } else { PeerError::NotConnected };
            return std::future::ready(Err(none(to))).boxed();
        };
        if there.is_silent {
            return std::future::pending().boxed();
        }
        // Without a delay the request is there when this returns: in order.
        let arrived = there.delay.is_zero().then(|| node.receive(from, request.clone()));
        async move {
            let answer = match arrived {
                Some(answer) => answer,
                None => {
                    tokio::time::sleep(there.delay).await;
                    node.receive(from, request)
                }
            };
            let reply = answer.await.map_err(|_| PeerError::Lost(to))?;
            if way.is_silent {
                std::future::pending::<()>().await;
            }
            if !way.delay.is_zero() {
                tokio::time::sleep(way.delay).await;
            }
            Ok(reply)
        }
        .boxed()
    }
}

struct Node {
    node: u64,
    network: InProcess,
}

impl Peers for Node {
    fn request(
        &self,
        to: u64,
        request: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let mut is_cut = {
            let mut state = self.network.0.lock();
            state.requests += 1;
            state.link(self.node, to).is_cut.subscribe()
        };
        if *is_cut.borrow_and_update() {
            return std::future::ready(Err(PeerError::NotConnected(to))).boxed();
        }
        let reply = self.network.deliver(self.node, to, request);
        async move {
            tokio::select! {
                biased;
                reply = reply => reply,
                _ = is_cut.changed() => Err(PeerError::Lost(to)),
                () = tokio::time::sleep(timeout) => Err(PeerError::TimedOut(to)),
            }
        }
        .boxed()
    }

    fn known(&self) -> Vec<u64> {
        self.network.0.lock().known.clone()
    }
}
