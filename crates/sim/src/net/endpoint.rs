//! The network as one node sees it: where it listens, and whom it calls.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use parking_lot::Mutex;
use skep_env::Network;
use skep_env::net::{Connection, Listener};

use super::connection::End;
use super::wire::{Dial, Direction};
use super::{CONNECT_TIMEOUT, SimNetwork};
use crate::life::Life;
use crate::trace::Kind;

/// The network of one life of a host.
pub(crate) struct Endpoint {
    network: SimNetwork,
    host: u32,
    name: String,
    life: Arc<Life>,
}

/// Connections that wait to be taken at an address.
#[derive(Default)]
pub(super) struct Listening {
    pub(super) host: u32,
    pub(super) life: u32,
    queue: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Connections, and who dialled them.
    connections: VecDeque<(u64, String)>,
    /// Who wants to take one.
    taker: Option<Waker>,
}

impl Listening {
    /// Adds a connection, as the kernel does.
    fn add(&self, connection: u64, peer: String) {
        let mut queue = self.queue.lock();
        queue.connections.push_back((connection, peer));
        let waker = queue.taker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Endpoint {
    pub(super) fn new(network: SimNetwork, host: u32, name: String, life: Arc<Life>) -> Self {
        Self { network, host, name, life }
    }

    async fn travel(&self, target: u32, there: bool) -> io::Result<()> {
        let (from, to) = if there { (self.host, target) } else { (target, self.host) };
        match self.network.latency(from, to) {
            Some(latency) => {
                tokio::time::sleep(latency).await;
                Ok(())
            }
            None => {
                tokio::time::sleep(CONNECT_TIMEOUT).await;
                Err(io::Error::new(io::ErrorKind::TimedOut, "nobody can be reached there"))
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("host", &self.host).finish_non_exhaustive()
    }
}

#[async_trait]
impl Network for Endpoint {
    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        let listening = Arc::new(Listening {
            host: self.host,
            life: self.life.number,
            queue: Mutex::default(),
        });
        let mut wire = self.network.0.wire.lock();
        if wire.listeners.contains_key(address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        wire.listeners.insert(address.to_owned(), listening.clone());
        drop(wire);
        Ok(Box::new(SimListener {
            network: self.network.clone(),
            address: address.to_owned(),
            listening,
            life: self.life.clone(),
        }))
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        if !self.life.step() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let Some(target) = self.network.host_of(address) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no host has this name"));
        };
        self.travel(target, true).await?;
        let dialed = self.network.dial(self.host, target, address);
        let numbers = [u64::from(self.host), u64::from(target), 0, 0];
        let (connection, listening) = match dialed {
            Dial::Taken(connection, listening) => (connection, listening),
            Dial::Refused => {
                self.network.0.trace.add(Kind::Refuse, numbers);
                self.travel(target, false).await?;
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Dial::Silence => {
                self.network.0.trace.add(Kind::Refuse, numbers);
                tokio::time::sleep(CONNECT_TIMEOUT).await;
                return Err(io::ErrorKind::TimedOut.into());
            }
        };
        listening.add(connection, format!("{}:0", self.name));
        let (sender, receiver) =
            End::halves(&self.network, connection, Direction::There, &self.life);
        let made = Connection { peer: address.to_owned(), sender, receiver };
        self.travel(target, false).await?;
        self.network.0.trace.add(Kind::Connect, [numbers[0], numbers[1], connection, 0]);
        Ok(made)
    }
}

struct SimListener {
    network: SimNetwork,
    address: String,
    listening: Arc<Listening>,
    life: Arc<Life>,
}

#[async_trait]
impl Listener for SimListener {
    fn local_address(&self) -> String {
        self.address.clone()
    }

    async fn accept(&mut self) -> io::Result<Connection> {
        let (connection, peer) = poll_fn(|context| {
            let mut queue = self.listening.queue.lock();
            match queue.connections.pop_front() {
                Some(waiting) => Poll::Ready(waiting),
                None => {
                    queue.taker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        let (sender, receiver) =
            End::halves(&self.network, connection, Direction::Back, &self.life);
        Ok(Connection { peer, sender, receiver })
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        if self.life.is_alive() {
            self.network.0.wire.lock().listeners.remove(&self.address);
            let untaken = std::mem::take(&mut self.listening.queue.lock().connections);
            for (connection, _) in untaken {
                self.network.close(connection, Direction::Back);
            }
        }
    }
}
