//! What a replica that lost its data has promised, as far as others know: a vote that is at least as
//! new as every vote that it gave and that counted.
//!
//! Every leader that was elected with its vote, and every entry that was committed with its
//! acknowledgement, had a quorum: a majority of each set of voters of the membership that the leader
//! had at that time. The others of the quorum gave the same vote. So it needs the answers of so many
//! that each such quorum has one of them. It does not know the memberships, which may have
//! changed since it began, but those who answer tell theirs, and this is enough ([`Promises::vote`]):
//!
//! - of all answers the one with the newest log (term, then index) says whose answers are needed;
//! - these are enough nodes of **each** set of voters of the last membership in that log and, when
//!   that one is not known to be committed, of the one before it, too.
//!
//! Those who left the group do not matter. Nor does it matter who was asked first: who is named and
//! was not asked is asked next, and its log may be newer and name others.
//!
//! Why it is enough. Let T be a term whose leader the vote of this replica has helped to elect, Y the
//! answer with the newest log, E the last membership in it and C the one before. Assume that nobody
//! who answered has voted in T or later.
//!
//! 1. A membership is proposed when the one before is committed, and shares a set of voters with it.
//!    C is committed, in a term before T (E was appended by a leader whom Y followed: its term is one
//!    in which Y has voted). So the leader of T has C in its log. If it was elected by C, or by a
//!    membership N that follows C directly, then its quorum has a majority of a set of C, and one who
//!    answered has voted for it: contradiction.
//! 2. Otherwise N was committed before the election of T, by a majority of a set of C. One of them
//!    has answered, so the log of Y, which is not older, has N too: N is E. If the leader was elected
//!    by E, or by what follows E directly, its quorum has a majority of a set of E: contradiction. If
//!    not, what follows E was committed before, by a majority of a set of E, and Y has it: then E was
//!    not the last.
//!
//! When E is known to be committed, C is not needed: whoever committed E leads a term in which Y has
//! voted, so the leader of T has E, and the second half of the second step remains.
//!
//! # Groups of two
//! A replica that lost its data votes for nobody until it has followed a leader. In a group of two there
//! is no leader then, unless the other one led all the time. When the answer with the newest log is that of
//! the other one of two, and names just the two as committed, this replica may vote at once for who has at least
//! that log ([`Promises::helps`]):
//!
//! - The candidate has the membership of the two, since a log that is not older than one in which an entry
//!   is committed has that entry. So no earlier membership elects it, with other members who may lack entries.
//! - The membership of the two, and every one that shares a set of voters with it, needs the vote of the
//!   other one, too; and so does every entry that was committed in it. The other one has lost nothing: it
//!   elects nobody who lacks entries, and no second one in a term. The vote of this replica adds nothing
//!   that could be wrong.
//! - A membership that comes later is committed by the two, after this replica has caught up with the leader that
//!   proposed it.
//!
//! Both steps above need that who answers has everything that it ever made durable. So answers of replicas
//! that recover themselves do not count.

use std::collections::{BTreeMap, BTreeSet};

use crate::replication::raft::bootstrap::quorum;
use crate::replication::raft::types::{LogId, Vote};
use crate::replication::raft::wire::Standing;

/// What others have answered. Answers stay: a vote that was given does not go back.
pub(crate) struct Promises {
    node_id: u64,
    heard: BTreeMap<u64, Standing>,
}

impl Promises {
    /// Those of this node; nothing is known yet.
    pub(crate) fn of(node_id: u64) -> Self {
        Self { node_id, heard: BTreeMap::new() }
    }

    /// Another node has answered.
    pub(crate) fn hear(&mut self, node: u64, standing: Standing) {
        if standing.votes {
            self.heard.insert(node, standing);
        }
    }

    /// Who has the newest log of all that answered.
    fn newest(&self) -> Option<(u64, &Standing)> {
        // Of two that know the same entries, the one that knows more of them to be committed.
        let key = |it: &Standing| (it.last_log_id, std::cmp::Reverse(it.voters.len()));
        let newest = self.heard.iter().max_by_key(|(_, standing)| key(standing));
        newest.map(|(node, standing)| (*node, standing))
    }

    /// The sets of voters that count.
    fn voters(&self) -> Option<&[BTreeSet<u64>]> {
        let (_, newest) = self.newest()?;
        (!newest.voters.is_empty()).then_some(&newest.voters)
    }

    /// In a group of two: the log that a candidate must have at least to get the vote of this replica,
    /// although it has not caught up.
    pub(crate) fn helps(&self) -> Option<LogId> {
        let (node, newest) = self.newest()?;
        let the_two = BTreeSet::from([self.node_id, node]);
        newest.last_log_id.filter(|_| newest.voters == [the_two])
    }

    /// All whose answers may be needed, as far as is known.
    pub(crate) fn named(&self) -> impl Iterator<Item = u64> {
        self.voters().into_iter().flatten().flatten().copied()
    }

    /// Who has not answered, of the sets that lack answers.
    pub(crate) fn missing(&self) -> BTreeSet<u64> {
        let lacking = self.voters().into_iter().flatten().filter(|set| !self.is_enough(set));
        let silent = |node: &u64| *node != self.node_id && !self.heard.contains_key(node);
        lacking.flatten().copied().filter(silent).collect()
    }

    /// The newest vote of those who answered; none while more answers are needed.
    pub(crate) fn vote(&self) -> Option<Vote> {
        let enough = self.voters()?.iter().all(|set| self.is_enough(set));
        let votes = self.heard.values().map(|standing| standing.vote);
        let newest = votes.max_by_key(|vote| (vote.leader_id.term, vote.committed));
        newest.filter(|_| enough)
    }

    /// Whether every majority of this set that this node may have been part of has somebody who
    /// answered.
    fn is_enough(&self, set: &BTreeSet<u64>) -> bool {
        let answers = |node: &&u64| **node != self.node_id && self.heard.contains_key(node);
        let heard = set.iter().filter(answers).count();
        heard >= fewest(set.len())
    }
}

/// So many of a set have to answer. It is the same number with and without a vote of the one who
/// asks: the rest of a majority is one less then, and so are those who can be asked. Of a set that it
/// is alone that is one too many: nobody else can know what it has promised there, and only a backup
/// helps.
fn fewest(voters: usize) -> usize {
    (voters + 1).saturating_sub(quorum(voters))
}

#[cfg(test)]
mod tests;
