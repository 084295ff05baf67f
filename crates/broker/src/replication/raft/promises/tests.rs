//! Majorities of all sizes, and groups that change their members as a model.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::replication::raft::types::{new_log_id, new_vote};

type Set = BTreeSet<u64>;

fn standing(term: u64, last: (u64, u64), voters: &[Set]) -> Standing {
    Standing {
        vote: new_vote(term, 1, true),
        last_log_id: Some(new_log_id(last.0, last.1)),
        votes: true,
        voters: voters.to_vec(),
    }
}

/// All sets of nodes below `size`, as bits.
fn subsets(size: usize) -> impl Iterator<Item = u32> {
    0..1_u32 << size
}

#[test]
fn every_majority_has_one_who_answers_and_no_answer_more_is_asked_for() {
    for size in 1..=7_usize {
        let majorities = || subsets(size).filter(|set| set.count_ones() as usize > size / 2);
        // One who is no voter: every majority. One who is: those with it.
        for me in [0, 1] {
            let is_hit = |heard: u32| {
                let mine = |set: &u32| me == 0 || set & me != 0;
                majorities().filter(mine).all(|set| set & heard & !me != 0)
            };
            let heard = |count: usize| {
                let some = move |set: &u32| set & me == 0 && set.count_ones() as usize == count;
                subsets(size).filter(some)
            };
            assert!(heard(fewest(size)).all(is_hit), "{size} {me}");
            assert!(!heard(fewest(size) - 1).any(is_hit), "{size} {me}");
        }
        assert_eq!(heard_of_all(size), size > 1, "all others are enough, but not nobody");
        assert!(fewest(size) <= size / 2 + 1, "a group that can elect a leader is enough");
    }
}

/// Whether the answers of all others of a group are enough.
fn heard_of_all(size: usize) -> bool {
    let mut promises = Promises::of(1);
    let group = [(1..=size as u64).collect()];
    for node in 2..=size.max(2) as u64 {
        promises.hear(node, standing(1, (1, 1), &group));
    }
    promises.vote().is_some()
}

#[test]
fn a_member_that_has_left_is_not_waited_for() {
    let mut promises = Promises::of(2);
    // At the beginning they were 1, 2 and 3; 1 has left and 4 has come.
    promises.hear(3, standing(7, (7, 90), &[[2, 3, 4].into()]));
    assert_eq!(promises.vote(), None);
    assert_eq!(promises.missing(), [4].into());
    promises.hear(4, standing(6, (5, 80), &[[1, 2, 3].into(), [2, 3, 4].into()]));
    assert_eq!(promises.vote(), Some(new_vote(7, 1, true)));
}

#[test]
fn what_the_newest_log_says_counts_and_both_sides_of_a_change() {
    let mut promises = Promises::of(1);
    promises.hear(2, standing(3, (3, 10), &[[1, 2].into()]));
    assert!(promises.vote().is_some());
    promises.hear(3, standing(5, (4, 5), &[[1, 2].into(), [1, 3, 4].into()]));
    assert_eq!(promises.vote(), None, "the log of the other is longer, and older");
    assert_eq!(promises.named().collect::<Set>(), [1, 2, 3, 4].into());
    promises.hear(4, standing(4, (4, 5), &[[1, 3, 4].into()]));
    assert_eq!(promises.vote(), Some(new_vote(5, 1, true)));
}

#[test]
fn only_the_other_one_of_two_is_helped() {
    let two: Set = [1, 2].into();
    let helps = |answers: &[(u64, Standing)]| {
        let mut promises = Promises::of(1);
        for (node, standing) in answers {
            promises.hear(*node, standing.clone());
        }
        promises.helps()
    };
    let other = (2, standing(3, (3, 10), std::slice::from_ref(&two)));
    assert_eq!(helps(std::slice::from_ref(&other)), Some(new_log_id(3, 10)));
    let behind = (3, standing(3, (2, 40), &[[1, 2, 3].into()]));
    assert_eq!(helps(&[other.clone(), behind]), Some(new_log_id(3, 10)));
    let ahead = (3, standing(3, (3, 11), std::slice::from_ref(&two)));
    assert_eq!(helps(&[other.clone(), ahead]), None, "the newest log is that of somebody else");
    let changing = (2, standing(3, (3, 10), &[two, [1, 2, 3].into()]));
    assert_eq!(helps(&[changing]), None, "a change is under way");
    let three = (2, standing(3, (3, 10), &[[1, 2, 3].into()]));
    assert_eq!(helps(&[three]), None, "three have a leader without this one");
    let lost = (2, Standing { votes: false, ..other.1 });
    assert_eq!(helps(&[lost]), None, "it lost its data, too");
}

#[test]
fn who_recovers_and_who_is_empty_says_nothing() {
    let mut promises = Promises::of(1);
    let group: [Set; 1] = [[1, 2, 3].into()];
    promises.hear(2, Standing { votes: false, ..standing(9, (9, 9), &group) });
    promises.hear(3, Standing { last_log_id: None, ..standing(2, (0, 0), &[]) });
    assert_eq!((promises.vote(), promises.missing()), (None, Set::new()));
    promises.hear(2, standing(9, (9, 9), &group));
    assert_eq!(promises.vote(), Some(new_vote(9, 1, true)), "an empty log is none of a lost one");
}

/// An entry of the model: its term, and the sets of voters when it is a membership.
type ModelEntry = (u64, Option<Vec<Set>>);

#[derive(Clone, Default)]
struct Node {
    vote: u64,
    log: Vec<ModelEntry>,
}

impl Node {
    fn last(&self) -> (u64, usize) {
        (self.log.last().map_or(0, |entry| entry.0), self.log.len())
    }

    /// The places of the last membership and of the one before.
    fn memberships(&self) -> (usize, Option<usize>) {
        let mut places = (0..self.log.len()).rev().filter(|at| self.log[*at].1.is_some());
        (places.next().unwrap(), places.next())
    }

    fn voters(&self) -> &[Set] {
        self.log[self.memberships().0].1.as_ref().unwrap()
    }
}

fn has_majorities(sets: &[Set], nodes: &Set) -> bool {
    sets.iter().all(|set| set.intersection(nodes).count() > set.len() / 2)
}

/// The node that loses its data.
const LOSER: u64 = 1;
const NODES: u64 = 6;

/// Raft without a network: what is asked is answered at once, or never.
struct Model {
    random: SmallRng,
    nodes: BTreeMap<u64, Node>,
    /// Leaders by term, with the length of the log that each node has acknowledged.
    leaders: BTreeMap<u64, (u64, BTreeMap<u64, usize>)>,
    committed: usize,
    /// The newest term in which the loser has helped a leader.
    helped: u64,
    is_lost: bool,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let size = random.random_range(1..=4);
        let first = vec![(0, Some(vec![(1..=size).collect()]))];
        let node = Node { vote: 0, log: first };
        let nodes = (1..=size).map(|id| (id, node.clone()));
        let nodes = nodes.chain((size + 1..=NODES).map(|id| (id, Node::default())));
        Self {
            random,
            nodes: nodes.collect(),
            leaders: BTreeMap::new(),
            committed: 1,
            helped: 0,
            is_lost: false,
        }
    }

    fn some(&mut self, of: &[u64]) -> Set {
        of.iter().copied().filter(|_| self.random.random_bool(0.6)).collect()
    }

    fn act(&mut self) {
        let is_there = |id: &u64| !self.is_lost || *id != LOSER;
        let leaders = self.leaders.iter().filter(|(term, (id, _))| self.nodes[id].vote == **term);
        let leaders: Vec<_> = leaders.map(|(term, (id, _))| (*id, *term)).collect();
        let leaders: Vec<_> = leaders.into_iter().filter(|(id, _)| is_there(id)).collect();
        if leaders.is_empty() || self.random.random_bool(0.1) {
            let id = self.random.random_range(1..=NODES);
            if !self.is_lost || id != LOSER {
                self.campaign(id);
            }
            return;
        }
        let (id, term) = leaders[self.random.random_range(0..leaders.len())];
        if self.random.random_bool(0.3) {
            self.change(id, term);
        } else {
            self.replicate(id, term);
        }
    }

    fn campaign(&mut self, id: u64) {
        let candidate = &self.nodes[&id];
        if candidate.log.is_empty() || !candidate.voters().iter().any(|set| set.contains(&id)) {
            return;
        }
        let (term, last, sets) =
            (candidate.vote + 1, candidate.last(), candidate.voters().to_vec());
        let all: Set = sets.iter().flatten().copied().collect();
        let all: Vec<u64> = all.into_iter().filter(|it| !self.is_lost || *it != LOSER).collect();
        let mut granted = self.some(&all);
        granted.insert(id);
        granted.retain(|it| self.nodes[it].vote < term && self.nodes[it].last() <= last);
        for it in &granted {
            self.nodes.get_mut(it).unwrap().vote = term;
        }
        if has_majorities(&sets, &granted) {
            let log = &mut self.nodes.get_mut(&id).unwrap().log;
            log.push((term, None));
            assert!(log.len() > self.committed, "what is committed stays");
            let acknowledged = BTreeMap::from([(id, log.len())]);
            assert!(self.leaders.insert(term, (id, acknowledged)).is_none(), "one in a term");
            // What it did alone nobody else can know.
            if granted.contains(&LOSER) && granted.len() > 1 {
                self.helped = self.helped.max(term);
            }
        }
    }

    /// What openraft does: half of a change, when the half before it is committed.
    fn change(&mut self, id: u64, term: u64) {
        let all: Vec<u64> = (1..=NODES).collect();
        let is_one = self.random.random_bool(0.7);
        let one = self.random.random_range(1..=NODES);
        let (many, forwards) = (self.some(&all), self.random.random_bool(0.6));
        let node = &self.nodes[&id];
        let is_committed = node.memberships().0 < self.committed_by(id, term);
        let next = match node.voters() {
            [set] if is_one => vec![set.clone(), set ^ &[one].into()],
            [set] => vec![set.clone(), many],
            [old, new] => vec![if forwards { new.clone() } else { old.clone() }],
            _ => unreachable!(),
        };
        if is_committed && next.iter().all(|set| !set.is_empty()) {
            self.nodes.get_mut(&id).unwrap().log.push((term, Some(next)));
            let length = self.nodes[&id].log.len();
            self.acknowledge(id, length, term);
        }
    }

    fn replicate(&mut self, id: u64, term: u64) {
        let leader = self.nodes[&id].clone();
        let to = self.random.random_range(1..=NODES);
        if (self.is_lost && to == LOSER) || self.nodes[&to].vote > term {
            return;
        }
        let length = self.random.random_range(1..=leader.log.len());
        let follower = self.nodes.get_mut(&to).unwrap();
        follower.vote = term;
        if to != id && !follower.log.starts_with(&leader.log[..length]) {
            follower.log = leader.log[..length].to_vec();
        }
        self.acknowledge(to, length, term);
        let is_voter = self.nodes[&id].voters().iter().any(|set| set.contains(&LOSER));
        if to == LOSER && id != LOSER && is_voter {
            self.helped = self.helped.max(term);
        }
        self.committed = self.committed.max(self.committed_by(id, term));
    }

    fn acknowledge(&mut self, node: u64, length: usize, term: u64) {
        let has = self.leaders.get_mut(&term).unwrap().1.entry(node).or_default();
        *has = length.max(*has);
    }

    /// How much of its log a leader knows to be committed.
    fn committed_by(&self, id: u64, term: u64) -> usize {
        let (log, acknowledged) = (&self.nodes[&id].log, &self.leaders[&term].1);
        let is_committed = |length: &usize| {
            let have = acknowledged.iter().filter(|(_, has)| *has >= length);
            let have: Set = have.map(|(node, _)| *node).collect();
            log[length - 1].0 == term && has_majorities(self.nodes[&id].voters(), &have)
        };
        (1..=log.len()).rev().find(is_committed).unwrap_or(0)
    }

    /// What a node answers. It knows what is committed from nobody but itself.
    fn standing(&self, id: u64) -> Standing {
        let node = &self.nodes[&id];
        if node.log.is_empty() {
            return Standing { last_log_id: None, ..standing(node.vote, (0, 0), &[]) };
        }
        let (last, before) = node.memberships();
        let is_known = self
            .leaders
            .get(&node.vote)
            .is_some_and(|(leader, _)| *leader == id && self.committed_by(id, node.vote) > last);
        let mut voters = node.voters().to_vec();
        if let Some(before) = before.filter(|_| !is_known) {
            voters.extend(node.log[before].1.clone().unwrap());
        }
        standing(node.vote, (node.last().0, node.log.len() as u64), &voters)
    }
}

#[test]
fn no_vote_that_counted_is_forgotten_however_members_change() {
    none_is_forgotten(0..4_000);
}

#[test]
#[ignore = "long"]
fn no_vote_that_counted_is_forgotten_over_many_histories() {
    none_is_forgotten(4_000..300_000);
}

fn none_is_forgotten(seeds: std::ops::Range<u64>) {
    let (mut helped, wanted) = (0, (seeds.end - seeds.start) / 2);
    for seed in seeds {
        let mut model = Model::new(seed);
        for _ in 0..model.random.random_range(1..120) {
            model.act();
        }
        model.is_lost = true;
        helped += u64::from(model.helped > 0);
        let mut promises = Promises::of(LOSER);
        let mut silent: Vec<u64> = (1..=NODES).filter(|node| *node != LOSER).collect();
        let found = loop {
            if let Some(vote) = promises.vote() {
                break vote;
            }
            // The group goes on without it between the answers.
            for _ in 0..model.random.random_range(0..5) {
                model.act();
            }
            if silent.is_empty() {
                // All have answered: those whose log is the newest name nobody else.
                let sets = promises.voters().unwrap_or_default();
                assert!(sets.is_empty() || sets.contains(&[LOSER].into()), "{seed}: {sets:?}");
                break new_vote(model.helped, 1, true);
            }
            let next = silent.swap_remove(model.random.random_range(0..silent.len()));
            promises.hear(next, model.standing(next));
        };
        assert!(found.leader_id.term >= model.helped, "{seed}: {found} < {}", model.helped);
    }
    assert!(helped > wanted, "the model does something: {helped}");
}
