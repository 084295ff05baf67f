//! The simulated network: connections between hosts, with faults per direction.
//!
//! It behaves as TCP does between machines: frames of a connection arrive in order, and a cut holds
//! them back until it is healed or the sender gives up. On top of that a link may be told to lose,
//! repeat and reorder single frames of living connections, which no TCP does: whoever builds on
//! frames must bear it. All that happens is planned on one agenda and carried out by one task.

mod connection;
mod endpoint;
mod link;
mod pipe;
#[cfg(test)]
mod tests;
mod wire;

pub use link::{Cut, Link};

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::life::Life;
use crate::seeds::Seeds;
use crate::trace::{Kind, Trace};
use endpoint::Endpoint;
use pipe::Broken;
use wire::{Dial, Direction, Wire};

/// The network of a simulation. Clones are the same network.
#[derive(Clone)]
pub struct SimNetwork(Arc<Shared>);

pub(super) struct Shared {
    trace: Arc<Trace>,
    wire: Mutex<Wire>,
    /// The agenda has something earlier than before.
    earlier: Notify,
}

/// How long data that the other side does not acknowledge keeps a connection alive; as TCP's user
/// timeout in production.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(3);

/// How long a connection may take; as in production.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Bytes that a connection takes before its sender has to wait: buffers of both kernels.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;

impl SimNetwork {
    pub(crate) fn new(seeds: Seeds, trace: Arc<Trace>) -> Self {
        let wire = Mutex::new(Wire::new(seeds));
        Self(Arc::new(Shared { trace, wire, earlier: Notify::new() }))
    }

    /// Carries out the agenda, for as long as the simulation runs.
    pub(crate) async fn run(self) {
        loop {
            let now = Instant::now();
            let next = {
                let mut wire = self.0.wire.lock();
                let wakers = wire.carry_out(now, &self.0.trace);
                let next = wire.next();
                drop(wire);
                for waker in wakers {
                    waker.wake();
                }
                next
            };
            let earlier = self.0.earlier.notified();
            match next {
                None => earlier.await,
                Some(at) => {
                    tokio::select! {
                        biased;
                        () = earlier => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
            }
        }
    }

    /// The network as a life of a host sees it; `name` is what its addresses begin with.
    pub(crate) fn endpoint(&self, host: u32, name: &str, life: Arc<Life>) -> Endpoint {
        let mut wire = self.0.wire.lock();
        wire.hosts.insert(name.to_owned(), host);
        wire.begin(host, life.clone());
        drop(wire);
        Endpoint::new(self.clone(), host, name.to_owned(), life)
    }

    /// A life of a host has ended: its connections and listeners are gone, and its peers hear of it
    /// unless the power failed.
    pub(crate) fn end(&self, life: &Life) {
        let wakers = self.0.wire.lock().end(life);
        self.0.earlier.notify_one();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Cuts what goes from one host to another, until it is healed.
    pub fn cut(&self, from: u32, to: u32, how: Cut) {
        self.fault([1, u64::from(from), u64::from(to), how as u64]);
        self.0.wire.lock().link(from, to).cut = Some((how, Instant::now()));
    }

    /// Ends the cut from one host to another: what it held back is on its way.
    pub fn heal(&self, from: u32, to: u32) {
        self.fault([2, u64::from(from), u64::from(to), 0]);
        self.0.wire.lock().heal(from, to, &self.0.trace);
        self.0.earlier.notify_one();
    }

    /// Ends all cuts, and gives all links the quality of the default.
    pub fn heal_all(&self) {
        self.fault([3, 0, 0, 0]);
        self.0.wire.lock().heal_all(&self.0.trace);
        self.0.earlier.notify_one();
    }

    /// Changes the quality of the link from one host to another.
    pub fn set_link(&self, from: u32, to: u32, link: Link) {
        self.fault([4, u64::from(from), u64::from(to), link.latency_us.1]);
        self.0.wire.lock().link(from, to).quality = Some(link);
    }

    /// Changes the quality of all links that have none of their own.
    pub fn set_default(&self, link: Link) {
        self.fault([5, 0, 0, link.latency_us.1]);
        self.0.wire.lock().default = link;
    }

    /// Breaks all connections between two hosts, both ways.
    pub fn reset(&self, one: u32, other: u32) {
        self.fault([6, u64::from(one), u64::from(other), 0]);
        let wakers = self.0.wire.lock().reset(one, other, &self.0.trace);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Refuses new connections from one host to another, or takes them again.
    pub fn refuse(&self, from: u32, to: u32, refuse: bool) {
        self.fault([7, u64::from(from), u64::from(to), u64::from(refuse)]);
        self.0.wire.lock().link(from, to).refuse = refuse;
    }

    /// The number of living connections between two hosts.
    pub fn connections(&self, one: u32, other: u32) -> usize {
        self.0.wire.lock().between(one, other).len()
    }

    /// How long a message from one host to another takes now; `None` when it does not arrive. For
    /// what goes between hosts without a connection: calls of clients.
    pub(crate) fn latency(&self, from: u32, to: u32) -> Option<Duration> {
        self.0.wire.lock().latency(from, to)
    }

    /// The host that an address belongs to.
    fn host_of(&self, address: &str) -> Option<u32> {
        let name = address.rsplit_once(':').map_or(address, |(name, _)| name);
        self.0.wire.lock().hosts.get(name).copied()
    }

    fn dial(&self, from: u32, to: u32, address: &str) -> Dial {
        self.0.wire.lock().dial(from, to, address)
    }

    fn send(&self, connection: u64, direction: Direction, frame: Bytes) {
        let checksum = u64::from(crc32c::crc32c(&frame));
        let numbers = [connection, direction as u64, frame.len() as u64, checksum];
        self.0.trace.add(Kind::Send, numbers);
        self.change(|wire, trace| wire.send(connection, direction, frame, trace));
    }

    fn close(&self, connection: u64, end: Direction) {
        let wakers = self.change(|wire, _| wire.close(connection, end, Broken::Closed));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Changes the agenda, and wakes who carries it out when it begins earlier now.
    fn change<T>(&self, change: impl FnOnce(&mut Wire, &Trace) -> T) -> T {
        let mut wire = self.0.wire.lock();
        let before = wire.next();
        let changed = change(&mut wire, &self.0.trace);
        if wire.next().is_some_and(|next| before.is_none_or(|before| next < before)) {
            self.0.earlier.notify_one();
        }
        changed
    }

    fn poll_room(
        &self,
        connection: u64,
        direction: Direction,
        waker: &Waker,
    ) -> Poll<io::Result<()>> {
        match self.0.wire.lock().connections.get_mut(&connection) {
            Some(wired) => wired.pipes[direction.index()].poll_room(waker),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_receive(
        &self,
        connection: u64,
        direction: Direction,
        frames: &mut Vec<Bytes>,
        waker: &Waker,
    ) -> Poll<io::Result<()>> {
        match self.0.wire.lock().connections.get_mut(&connection) {
            Some(wired) => wired.pipes[direction.index()].poll_receive(frames, waker),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn fault(&self, numbers: [u64; 4]) {
        self.0.trace.add(Kind::Fault, numbers);
    }
}

impl fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNetwork").finish_non_exhaustive()
    }
}
