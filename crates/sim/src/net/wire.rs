//! Connections and what is under way on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use skep_env::SeededRandom;
use tokio::time::Instant;

use super::UNACKNOWLEDGED_MAX;
use super::endpoint::Listening;
use super::link::{Cut, Link, LinkState};
use super::pipe::{Broken, Pipe};
use crate::life::{Crash, Life};
use crate::seeds::Seeds;
use crate::trace::{Kind, Trace};

/// A direction of a connection: from who dialed, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    There,
    Back,
}

impl Direction {
    pub(super) fn reverse(self) -> Self {
        match self {
            Self::There => Self::Back,
            Self::Back => Self::There,
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// A connection. What belongs to the end that dialed is at 0, to the other end at 1; the pipe in
/// which the end that dialed sends is at 0 too.
pub(super) struct Wired {
    pub(super) hosts: [u32; 2],
    lives: [u32; 2],
    pub(super) closed: [bool; 2],
    pub(super) pipes: [Pipe; 2],
}

impl Wired {
    pub(super) fn route(&self, direction: Direction) -> (u32, u32) {
        match direction {
            Direction::There => (self.hosts[0], self.hosts[1]),
            Direction::Back => (self.hosts[1], self.hosts[0]),
        }
    }

    /// This end hears and says nothing any more.
    pub(super) fn break_end(&mut self, end: Direction, why: Broken, wakers: &mut Vec<Waker>) {
        self.pipes[end.index()].break_sending(why, wakers);
        self.pipes[end.reverse().index()].break_receiving(why, wakers);
    }
}

/// What will happen on a connection.
pub(super) enum Plan {
    /// A frame arrives.
    Arrive(Bytes),
    /// The news that the sending end was closed arrives.
    Close(Broken),
    /// The sending end learns that nobody is there.
    Bounce,
    /// The sending end gives up, if what it sent at this time is not acknowledged.
    Expire(Instant),
}

/// What becomes of an attempt to connect.
pub(super) enum Dial {
    Taken(u64, Arc<Listening>),
    Refused,
    Silence,
}

/// Everything about the network, behind its lock.
pub(super) struct Wire {
    random: SeededRandom,
    pub(super) default: Link,
    links: BTreeMap<(u32, u32), LinkState>,
    pub(super) hosts: BTreeMap<String, u32>,
    pub(super) lives: BTreeMap<u32, Arc<Life>>,
    /// Machines without power: they do not even refuse.
    dark: BTreeSet<u32>,
    pub(super) listeners: BTreeMap<String, Arc<Listening>>,
    pub(super) connections: BTreeMap<u64, Wired>,
    next_connection: u64,
    agenda: BTreeMap<(Instant, u64), (u64, Direction, Plan)>,
    next_plan: u64,
}

impl Wire {
    pub(super) fn new(seeds: Seeds) -> Self {
        Self {
            random: SeededRandom::new(seeds.value()),
            default: Link::default(),
            links: BTreeMap::new(),
            hosts: BTreeMap::new(),
            lives: BTreeMap::new(),
            dark: BTreeSet::new(),
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            agenda: BTreeMap::new(),
            next_plan: 0,
        }
    }

    pub(super) fn link(&mut self, from: u32, to: u32) -> &mut LinkState {
        self.links.entry((from, to)).or_default()
    }

    fn quality(&self, from: u32, to: u32) -> &Link {
        let own = self.links.get(&(from, to)).and_then(|link| link.quality.as_ref());
        own.unwrap_or(&self.default)
    }

    fn cut(&self, from: u32, to: u32) -> Option<(Cut, Instant)> {
        self.links.get(&(from, to)).and_then(|link| link.cut)
    }

    pub(super) fn latency(&self, from: u32, to: u32) -> Option<Duration> {
        if self.cut(from, to).is_some() {
            return None;
        }
        Some(self.quality(from, to).latency(&self.random))
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Instant> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    fn plan(&mut self, at: Instant, connection: u64, direction: Direction, plan: Plan) {
        self.agenda.insert((at, self.next_plan), (connection, direction, plan));
        self.next_plan += 1;
    }

    pub(super) fn dial(&mut self, from: u32, to: u32, address: &str) -> Dial {
        if self.dark.contains(&to) || self.cut(from, to).is_some() || self.cut(to, from).is_some() {
            return Dial::Silence;
        }
        let refuse = self.links.get(&(from, to)).is_some_and(|link| link.refuse);
        let (Some(listening), Some(life)) = (self.listeners.get(address), self.lives.get(&from))
        else {
            return Dial::Refused;
        };
        if refuse {
            return Dial::Refused;
        }
        let connection = self.next_connection;
        self.next_connection += 1;
        let wired = Wired {
            hosts: [from, to],
            lives: [life.number, listening.life],
            closed: [false; 2],
            pipes: Default::default(),
        };
        self.connections.insert(connection, wired);
        Dial::Taken(connection, listening.clone())
    }

    /// Sends a frame, which the link may hold, lose, delay or repeat.
    pub(super) fn send(
        &mut self,
        connection: u64,
        direction: Direction,
        frame: Bytes,
        trace: &Trace,
    ) {
        let Some(wired) = self.connections.get_mut(&connection) else { return };
        let (from, to) = wired.route(direction);
        wired.pipes[direction.index()].under_way += frame.len();
        let now = Instant::now();
        let cut = self.cut(from, to);
        if cut.is_some() || self.cut(to, from).is_some() || self.dark.contains(&to) {
            self.plan(now + UNACKNOWLEDGED_MAX, connection, direction, Plan::Expire(now));
        }
        match cut {
            Some((Cut::Hold, _)) => {
                if let Some(wired) = self.connections.get_mut(&connection) {
                    wired.pipes[direction.index()].held.push_back(frame);
                }
            }
            Some((Cut::Lose, _)) => {
                trace.add(Kind::Lose, [connection, direction as u64, 0, 0]);
            }
            None => self.convey(now, connection, direction, frame, trace),
        }
    }

    /// Puts a frame on its way.
    fn convey(
        &mut self,
        now: Instant,
        connection: u64,
        direction: Direction,
        frame: Bytes,
        trace: &Trace,
    ) {
        let Some(wired) = self.connections.get(&connection) else { return };
        let (from, to) = wired.route(direction);
        let quality = self.quality(from, to);
        let fate = quality.fate(&self.random);
        let bytes_per_s = quality.bytes_per_s;
        if fate.lost {
            trace.add(Kind::Lose, [connection, direction as u64, 1, 0]);
            return;
        }
        let Some(wired) = self.connections.get_mut(&connection) else { return };
        let pipe = &mut wired.pipes[direction.index()];
        let sent = pipe.occupy(now, frame.len(), bytes_per_s);
        let mut at = sent + fate.latency;
        if fate.overtaken {
            at += fate.latency * 3;
        } else {
            at = pipe.in_order(at);
        }
        if fate.repeated {
            pipe.under_way += frame.len();
            let again = at + fate.latency;
            self.plan(again, connection, direction, Plan::Arrive(frame.clone()));
        }
        self.plan(at, connection, direction, Plan::Arrive(frame));
    }

    /// An end was dropped: the other one hears of it.
    pub(super) fn close(&mut self, connection: u64, end: Direction, why: Broken) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let Some(wired) = self.connections.get_mut(&connection) else { return wakers };
        if std::mem::replace(&mut wired.closed[end.index()], true) {
            return wakers;
        }
        wired.break_end(end, Broken::Local, &mut wakers);
        if wired.closed == [true; 2] {
            self.connections.remove(&connection);
            return wakers;
        }
        let (from, to) = wired.route(end);
        if self.cut(from, to).is_some() {
            if let Some(wired) = self.connections.get_mut(&connection) {
                wired.pipes[end.index()].held_close = Some(why);
            }
        } else {
            self.say_closed(connection, end, why);
        }
        wakers
    }

    fn say_closed(&mut self, connection: u64, end: Direction, why: Broken) {
        let Some(wired) = self.connections.get(&connection) else { return };
        let (from, to) = wired.route(end);
        let latency = self.quality(from, to).latency(&self.random);
        let Some(wired) = self.connections.get_mut(&connection) else { return };
        let at = wired.pipes[end.index()].in_order(Instant::now() + latency);
        self.plan(at, connection, end, Plan::Close(why));
    }

    /// Carries out what is due; returns who has to be woken.
    pub(super) fn carry_out(&mut self, now: Instant, trace: &Trace) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (connection, direction, plan) = entry.remove();
            if !self.connections.contains_key(&connection) {
                continue;
            }
            match plan {
                Plan::Arrive(frame) => {
                    self.arrive(now, connection, direction, frame, trace, &mut wakers);
                }
                Plan::Close(why) => {
                    self.break_at(connection, direction.reverse(), why, &mut wakers)
                }
                Plan::Bounce => self.break_at(connection, direction, Broken::Reset, &mut wakers),
                Plan::Expire(since) => {
                    self.expire(connection, direction, since, trace, &mut wakers)
                }
            }
        }
        wakers
    }

    fn break_at(&mut self, connection: u64, end: Direction, why: Broken, wakers: &mut Vec<Waker>) {
        if let Some(wired) = self.connections.get_mut(&connection) {
            wired.break_end(end, why, wakers);
        }
    }

    fn arrive(
        &mut self,
        now: Instant,
        connection: u64,
        direction: Direction,
        frame: Bytes,
        trace: &Trace,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(wired) = self.connections.get_mut(&connection) else { return };
        let (from, to) = wired.route(direction);
        let checksum = u64::from(crc32c::crc32c(&frame));
        trace.add(Kind::Arrive, [connection, direction as u64, frame.len() as u64, checksum]);
        if !wired.closed[direction.reverse().index()] {
            wired.pipes[direction.index()].arrive(frame, wakers);
        } else if !self.dark.contains(&to)
            && let Some(latency) = self.latency(to, from)
        {
            self.plan(now + latency, connection, direction, Plan::Bounce);
        }
    }

    fn expire(
        &mut self,
        connection: u64,
        direction: Direction,
        since: Instant,
        trace: &Trace,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(wired) = self.connections.get(&connection) else { return };
        let (from, to) = wired.route(direction);
        let stuck = |cut: Option<(Cut, Instant)>| cut.is_some_and(|(_, begun)| begun <= since);
        if stuck(self.cut(from, to)) || stuck(self.cut(to, from)) || self.dark.contains(&to) {
            trace.add(Kind::Break, [connection, direction as u64, 0, 0]);
            self.break_at(connection, direction, Broken::TimedOut, wakers);
        }
    }

    pub(super) fn heal(&mut self, from: u32, to: u32, trace: &Trace) {
        if let Some(link) = self.links.get_mut(&(from, to)) {
            link.cut = None;
        }
        let now = Instant::now();
        let waiting: Vec<(u64, Direction)> = self
            .connections
            .iter()
            .flat_map(|(number, wired)| {
                let both = [Direction::There, Direction::Back];
                both.into_iter()
                    .filter(|direction| wired.route(*direction) == (from, to))
                    .map(|direction| (*number, direction))
            })
            .collect();
        for (connection, direction) in waiting {
            let Some(wired) = self.connections.get_mut(&connection) else { continue };
            let pipe = &mut wired.pipes[direction.index()];
            let held = std::mem::take(&mut pipe.held);
            let close = pipe.held_close.take();
            for frame in held {
                self.convey(now, connection, direction, frame, trace);
            }
            if let Some(why) = close {
                self.say_closed(connection, direction, why);
            }
        }
    }

    pub(super) fn heal_all(&mut self, trace: &Trace) {
        let links: Vec<_> = self.links.keys().copied().collect();
        for (from, to) in links {
            self.heal(from, to, trace);
        }
        self.links.clear();
    }

    /// The living connections between two hosts.
    pub(super) fn between(&self, one: u32, other: u32) -> Vec<u64> {
        let mut pair = [one, other];
        pair.sort_unstable();
        let matches = |wired: &Wired| {
            let mut hosts = wired.hosts;
            hosts.sort_unstable();
            hosts == pair
        };
        self.connections.iter().filter(|(_, it)| matches(it)).map(|(number, _)| *number).collect()
    }

    pub(super) fn reset(&mut self, one: u32, other: u32, trace: &Trace) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for connection in self.between(one, other) {
            trace.add(Kind::Break, [connection, 0, 1, 0]);
            for end in [Direction::There, Direction::Back] {
                self.break_at(connection, end, Broken::Reset, &mut wakers);
            }
        }
        wakers
    }

    /// A host has power again, or for the first time.
    pub(super) fn begin(&mut self, host: u32, life: Arc<Life>) {
        self.dark.remove(&host);
        self.lives.insert(host, life);
    }

    pub(super) fn end(&mut self, life: &Life) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let is_it = |host: u32, number: u32| host == life.node && number == life.number;
        self.listeners.retain(|_, listening| !is_it(listening.host, listening.life));
        self.lives.retain(|host, known| !is_it(*host, known.number));
        let silent = life.crash() == Some(Crash::PowerLoss);
        if silent {
            self.dark.insert(life.node);
        }
        let mut ends = Vec::new();
        for (number, wired) in &self.connections {
            for end in [Direction::There, Direction::Back] {
                if is_it(wired.hosts[end.index()], wired.lives[end.index()]) {
                    ends.push((*number, end));
                }
            }
        }
        for (connection, end) in ends {
            if !silent {
                wakers.extend(self.close(connection, end, Broken::Reset));
            } else if let Some(wired) = self.connections.get_mut(&connection) {
                wired.closed[end.index()] = true;
                if wired.closed == [true; 2] {
                    self.connections.remove(&connection);
                }
            }
        }
        wakers
    }
}
