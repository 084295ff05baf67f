//! The network between nodes as a trait: connections that carry frames.
//!
//! A frame is a message of bytes that arrives whole or not at all. On one connection frames arrive in
//! the order in which they were sent; a broken connection loses the frames that were under way,
//! and neither side knows which. A network may lose, repeat or reorder even on a living connection:
//! simulation and chaos do, so whoever uses this numbers what it sends and gives up waiting in time.

mod tcp;

pub use tcp::TcpNetwork;

use std::fmt;
use std::io;

use async_trait::async_trait;
use bytes::Bytes;

/// Where connections come from.
#[async_trait]
pub trait Network: Send + Sync + fmt::Debug {
    /// Takes connections at this address (`host:port`; port 0 chooses a free one).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`, `InvalidInput` and the like.
    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>>;

    /// Connects to who listens at this address.
    ///
    /// # Errors
    /// When nobody does, or nobody can be reached in time.
    async fn connect(&self, address: &str) -> io::Result<Connection>;
}

/// Takes connections.
#[async_trait]
pub trait Listener: Send {
    /// The address that others connect to.
    fn local_address(&self) -> String;

    /// The next connection.
    ///
    /// # Errors
    /// When this connection failed (go on), or the listener is broken.
    async fn accept(&mut self) -> io::Result<Connection>;
}

/// Both directions of a connection. Dropping either half closes the connection.
pub struct Connection {
    /// The address of the other side, for people.
    pub peer: String,
    /// What goes out.
    pub sender: Box<dyn FrameSender>,
    /// What comes in.
    pub receiver: Box<dyn FrameReceiver>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The sending half.
#[async_trait]
pub trait FrameSender: Send {
    /// Sends these frames, in order, and empties the list; many frames cost one system call.
    ///
    /// # Errors
    /// When the connection is broken, or a frame is longer than [`FRAME_BYTES_MAX`]. Then any of them may have arrived.
    async fn send(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()>;

    /// Sends a frame of which this bit flips on the way, counted from the first and around the end: a fault
    /// that the other side finds by its checksum. A network without checksums of its own breaks the
    /// connection, which is what would come of it.
    ///
    /// # Errors
    /// When the connection is broken.
    async fn send_damaged(&mut self, frame: Bytes, bit: u64) -> io::Result<()> {
        let _ = (frame, bit);
        Err(io::Error::new(io::ErrorKind::InvalidData, "a frame was damaged"))
    }
}

/// The receiving half.
#[async_trait]
pub trait FrameReceiver: Send {
    /// Waits for the next frame and adds it and those that have arrived with it.
    ///
    /// # Errors
    /// `UnexpectedEof` when the other side closed; `InvalidData` when what arrived are no frames.
    async fn receive(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()>;
}

/// Longest frame, in bytes: a whole snapshot piece or the largest entry of a log with its head.
pub const FRAME_BYTES_MAX: usize = 24 * 1024 * 1024;
