//! A node without data finds out whether its group exists.
//!
//! See `admission` for why it matters. It asks all others until it knows:
//! - one of them has a leader, or entries: the group exists, and this node recovers;
//! - all of them are new too, or after a while so many that no quorum of an earlier group can have
//!   been without one of them: the group is new. The member with the highest priority begins it, as
//!   soon as enough others take part to elect it; the others wait for it, for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use openraft::BasicNode;
use tokio::time::Instant;

use crate::replication::raft::core::Core;
use crate::replication::raft::timing;
use crate::replication::raft::types::Vote;
use crate::replication::raft::wire::{ProbeReply, Reply, Request};

/// The members that a new group begins with, and whether it may be new at all.
pub(crate) struct FirstMembers {
    pub(crate) members: BTreeMap<u64, u32>,
    pub(crate) joins: bool,
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
        let mut exists = first.joins;
        let started = Instant::now();
        let mut known: BTreeMap<u64, ProbeReply> = BTreeMap::new();
        while !exists {
            known = self.probe(&others).await;
            exists = known.values().any(ProbeReply::has_group);
            let enough = known.len() >= fewest_new(others.len());
            let waited = started.elapsed() >= Duration::from_millis(timing::PROBE_ALL_MS);
            if !exists && (known.len() == others.len() || (enough && waited)) {
                return self.begin(first, &others).await;
            }
            pause().await;
        }
        self.admission.recover().await.map_err(|error| error.to_string())?;
        tracing::warn!(
            "this replica has no data, but its group exists: recovering from the others"
        );
        while known.len() < fewest_to_recover(others.len()) {
            // Answers stay: a vote that was given does not go back.
            known.append(&mut self.probe(&others).await);
            pause().await;
        }
        if let Some(newest) = newest_vote(&known) {
            self.adopt(newest).await.map_err(|error| error.to_string())?;
        }
        self.admission.start();
        Ok(())
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
        while started.elapsed() < patience + head_start {
            let known = self.probe(others).await;
            let ready = known.values().filter(|reply| reply.started).count();
            let has_quorum = ready + 1 >= quorum(others.len() + 1);
            if started.elapsed() >= head_start && has_quorum {
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

    /// Asks all others at once; those who do not answer are left out.
    async fn probe(&self, others: &[u64]) -> BTreeMap<u64, ProbeReply> {
        let Ok(request) = Request::Probe.encode() else { return BTreeMap::new() };
        let timeout = Duration::from_millis(timing::ELECTION_MIN_MS);
        let asked = others.iter().map(|node| {
            let reply = self.peers.request(*node, request.clone(), timeout);
            async move { (*node, reply.await) }
        });
        let answers = join_all(asked).await;
        let known =
            answers.into_iter().filter_map(|(node, answer)| match Reply::decode(answer.ok()?) {
                Ok(Reply::Probe(reply)) => Some((node, reply)),
                _ => None,
            });
        known.collect()
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(timing::PROBE_PAUSE_MS)).await;
}

fn quorum(members: usize) -> usize {
    members / 2 + 1
}

/// So many others that are new, and this node: every quorum has one of them. One at least, or a
/// member of two would take its own loss for the beginning.
fn fewest_new(others: usize) -> usize {
    (others + 1 - quorum(others + 1)).max(1)
}

/// So many others that every quorum that this node was part of has one of them.
fn fewest_to_recover(others: usize) -> usize {
    (others + 2).saturating_sub(quorum(others + 1)).min(others)
}

/// The newest vote that one of them has given.
fn newest_vote(known: &BTreeMap<u64, ProbeReply>) -> Option<Vote> {
    let votes = known.values().map(|reply| reply.vote);
    votes.max_by_key(|vote| (vote.leader_id.term, vote.committed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quorum_has_a_member_among_those_asked() {
        for members in 2..=7_usize {
            let others = members - 1;
            // New ones and this node: a quorum finds no place among the rest.
            assert!(members - (fewest_new(others) + 1) < quorum(members), "{members}");
            // A quorum with this node needs so many others, one of which was asked.
            let needed = quorum(members) - 1;
            assert!(others - fewest_to_recover(others) < needed.max(1), "{members}");
        }
        assert_eq!((fewest_new(2), fewest_to_recover(2)), (1, 2));
        assert_eq!((fewest_new(1), fewest_to_recover(1)), (1, 1));
    }
}
