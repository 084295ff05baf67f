//! A node without data finds out whether its group exists.
//!
//! See `admission` for why it matters. It asks all others until it knows:
//! - one of them has a leader, or entries: the group exists, and this node recovers;
//! - all of them are new too, or after a while so many that no quorum of an earlier group can have
//!   been without one of them: the group is new. The member with the highest priority begins it, as
//!   soon as enough others take part to elect it; the others wait for it, for a while.
//!
//! The others are those that the group begins with, and those that the configuration of the cluster
//! names meanwhile. The second answer counts the former only, and only while all of them are to have
//! a replica: one that is there and has none was a member and has left, so the group is not new, and
//! who had its votes since is not known.
//!
//! A node that recovers asks those that are members now, whoever was at the beginning: see
//! `promises`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use openraft::BasicNode;
use tokio::time::Instant;

use crate::replication::PeerError;
use crate::replication::raft::core::Core;
use crate::replication::raft::promises::Promises;
use crate::replication::raft::timing;
use crate::replication::raft::types::{LogId, Vote};
use crate::replication::raft::wire::{ProbeReply, Reply, Request};

/// The members that a new group begins with, and whether it may be new at all.
pub(crate) struct FirstMembers {
    pub(crate) members: BTreeMap<u64, u32>,
    pub(crate) joins: bool,
}

/// What a node without data has to keep to.
struct Promised {
    /// As new as all that it may have given before it lost its data.
    vote: Vote,
    /// See [`Promises::helps`].
    helps: Option<LogId>,
}

impl ProbeReply {
    /// It has a leader or entries of one: not only the first entry, which every member begins with.
    fn has_group(&self) -> bool {
        self.vote.leader_id.term > 0 || self.last_index.is_some_and(|index| index > 0)
    }
}

impl Core {
    /// Finds the place of a node without data; returns when it takes part in its group.
    pub(crate) async fn bootstrap(&self, first: &FirstMembers) -> Result<(), String> {
        let others: Vec<u64> =
            first.members.keys().copied().filter(|node| *node != self.node_id).collect();
        if !first.joins && !self.group_exists(&others).await {
            return self.begin(first, &others).await;
        }
        self.admission.recover().await.map_err(|error| error.to_string())?;
        tracing::warn!(
            "this replica has no data, but its group exists: recovering from the others"
        );
        let promised = self.promised(&others).await;
        // Before the vote: a node with a vote has data, and does not ask again when it is started again.
        self.admission.help(promised.helps).await.map_err(|error| error.to_string())?;
        self.adopt(promised.vote).await.map_err(|error| error.to_string())?;
        self.admission.start();
        Ok(())
    }

    /// Whether this node is the only one without data, or they all are; waits until it is known.
    async fn group_exists(&self, others: &[u64]) -> bool {
        let started = Instant::now();
        loop {
            let answers = self.ask(Request::Probe, self.and_known(others.iter().copied())).await;
            let mut new = 0;
            let mut has_left = false;
            for (node, answer) in answers {
                match answer {
                    Ok(Reply::Probe(reply)) if reply.has_group() => return true,
                    Ok(Reply::Probe(_)) if others.contains(&node) => new += 1,
                    Err(PeerError::NoReplica(_)) => has_left |= others.contains(&node),
                    _ => {}
                }
            }
            let waited = started.elapsed() >= Duration::from_millis(timing::PROBE_ALL_MS);
            let enough = new >= fewest_new(others.len()) && waited && !has_left;
            if new == others.len() || enough {
                return false;
            }
            pause().await;
        }
    }

    /// What this node has to keep to, as far as others have to tell; waits until it is enough.
    async fn promised(&self, others: &[u64]) -> Promised {
        self.admission.settled().await;
        let mut promises = Promises::of(self.node_id);
        let started = Instant::now();
        let mut is_told = false;
        loop {
            let nodes = self.and_known(others.iter().copied().chain(promises.named()));
            for (node, answer) in self.ask(Request::Standing, nodes).await {
                if let Ok(Reply::Standing(standing)) = answer {
                    promises.hear(node, standing);
                }
            }
            if let Some(vote) = promises.vote() {
                return Promised { vote, helps: promises.helps() };
            }
            let waited = started.elapsed() >= Duration::from_millis(timing::PROBE_ALL_MS);
            if waited && !is_told {
                is_told = true;
                tracing::warn!(
                    missing = ?promises.missing(),
                    "this replica waits for members that know what it may have voted for; start them"
                );
            }
            pause().await;
        }
    }

    /// These nodes and those that are to have a replica, without this one.
    fn and_known(&self, nodes: impl Iterator<Item = u64>) -> BTreeSet<u64> {
        let all = nodes.chain(self.peers.known());
        all.filter(|node| *node != self.node_id).collect()
    }

    /// The group is new: begins it, or lets another member do so.
    async fn begin(&self, first: &FirstMembers, others: &[u64]) -> Result<(), String> {
        self.admission.start();
        let own = (std::cmp::Reverse(first.members.get(&self.node_id)), self.node_id);
        let before =
            |(node, priority): (&u64, &u32)| (std::cmp::Reverse(Some(priority)), *node) < own;
        let rank = first.members.iter().filter(|member| before(*member)).count() as u64;
        let patience = Duration::from_millis(timing::PROBE_ALL_MS);
        let started = Instant::now();
        let head_start = Duration::from_millis(rank * timing::ELECTION_MAX_MS);
        // One that is there and has not found out yet that the group is new would take itself for one
        // that lost its data, and could not vote before it is sure: a moment for those.
        let moment = head_start + Duration::from_millis(timing::BEGIN_ALL_MS);
        while started.elapsed() < patience + head_start {
            let known = self.probe(others).await;
            let ready = known.values().filter(|reply| reply.started).count();
            let has_quorum = ready + 1 >= quorum(others.len() + 1);
            let enough = ready == others.len() || (has_quorum && started.elapsed() >= moment);
            if started.elapsed() >= head_start && enough {
                break;
            }
            pause().await;
            if self.is_known() {
                return Ok(());
            }
        }
        let members: BTreeMap<u64, BasicNode> =
            first.members.keys().map(|node| (*node, BasicNode::default())).collect();
        match self.raft.initialize(members).await {
            Ok(()) => Ok(()),
            // Another member was faster.
            Err(_) if self.is_known() => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Another member has told this one of the group.
    fn is_known(&self) -> bool {
        let has_voted = self.vote().is_some_and(|vote| vote.leader_id.term > 0);
        has_voted || self.look().last_index.is_some()
    }

    /// Waits until all of these nodes may vote; false when it takes too long.
    pub(crate) async fn until_they_vote(&self, nodes: &[u64], limit: Duration) -> bool {
        let asking = async {
            while self.voting(nodes).await.len() < nodes.len() {
                pause().await;
            }
        };
        tokio::time::timeout(limit, asking).await.is_ok()
    }

    /// Those of these nodes who say that they may vote.
    pub(crate) async fn voting(&self, nodes: &[u64]) -> Vec<u64> {
        let known = self.probe(nodes).await;
        known.into_iter().filter(|(_, reply)| reply.votes).map(|(node, _)| node).collect()
    }

    /// Probes all of these at once; those who do not answer are left out.
    async fn probe(&self, others: &[u64]) -> BTreeMap<u64, ProbeReply> {
        let answers = self.ask(Request::Probe, others.iter().copied()).await;
        let known = answers.into_iter().filter_map(|(node, answer)| match answer {
            Ok(Reply::Probe(reply)) => Some((node, reply)),
            _ => None,
        });
        known.collect()
    }

    /// Asks all of these nodes the same, at once; those whose answer cannot be read are left out.
    async fn ask(
        &self,
        request: Request,
        nodes: impl IntoIterator<Item = u64>,
    ) -> Vec<(u64, Result<Reply, PeerError>)> {
        let Ok(request) = request.encode() else { return Vec::new() };
        let timeout = Duration::from_millis(timing::ELECTION_MIN_MS);
        let asked = nodes.into_iter().map(|node| {
            let reply = self.peers.request(node, request.clone(), timeout);
            async move { (node, reply.await) }
        });
        let read = |answer: Result<Bytes, PeerError>| match answer.map(Reply::decode) {
            Ok(reply) => reply.ok().map(Ok),
            Err(error) => Some(Err(error)),
        };
        let answers = join_all(asked).await.into_iter();
        answers.filter_map(|(node, answer)| Some((node, read(answer)?))).collect()
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(timing::PROBE_PAUSE_MS)).await;
}

/// The fewest members that are a majority.
pub(super) fn quorum(members: usize) -> usize {
    members / 2 + 1
}

/// So many others that are new, and this node: every quorum has one of them. One at least, or a
/// member of two would take its own loss for the beginning.
fn fewest_new(others: usize) -> usize {
    (others + 1 - quorum(others + 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_new_members_leave_no_place_for_a_quorum() {
        for members in 2..=7_usize {
            assert!(members - (fewest_new(members - 1) + 1) < quorum(members), "{members}");
        }
        assert_eq!((fewest_new(2), fewest_new(1)), (1, 1));
    }
}
