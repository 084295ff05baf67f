//! Frames over TCP.
//!
//! Each frame is its length (u32), the crc32c of its bytes (u32), both little-endian, and its bytes.
//! TCP's own checksum is 16 bits wide and is often left to the network card; a frame that arrives damaged breaks
//! the connection.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::{Connection, FRAME_BYTES_MAX, FrameReceiver, FrameSender, Listener, Network};

/// The machine's network.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpNetwork;

/// Bytes of a frame's head.
const HEAD_BYTES: usize = 8;

/// Frames up to this size are gathered into one buffer; larger ones are written from where they
/// lie, because a copy would cost more than a system call.
const GATHERED_BYTES_MAX: usize = 64 * 1024;

/// Room that one read is given at least.
const READ_BYTES: usize = 64 * 1024;

/// How long a connection may take. On a local network it takes a millisecond; the kernel's own second
/// before it repeats a lost SYN is too long for a cluster that wants its leader back.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// What was sent and not acknowledged by the other machine for this long breaks the connection: the
/// kernel would repeat it for a quarter of an hour, ever more seldom.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(3);

#[async_trait]
impl Network for TcpNetwork {
    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(Accepting(TcpListener::bind(address).await?)))
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        connection(stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)
    }
}

struct Accepting(TcpListener);

#[async_trait]
impl Listener for Accepting {
    fn local_address(&self) -> String {
        self.0.local_addr().map(|address| address.to_string()).unwrap_or_default()
    }

    async fn accept(&mut self) -> io::Result<Connection> {
        connection(self.0.accept().await?.0)
    }
}

fn connection(stream: TcpStream) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(UNACKNOWLEDGED_MAX))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    let peer = stream.peer_addr()?.to_string();
    let (read, write) = stream.into_split();
    Ok(Connection {
        peer,
        sender: Box::new(Sender { write, buffer: BytesMut::new() }),
        receiver: Box::new(Receiver { read, buffer: BytesMut::new() }),
    })
}

struct Sender {
    write: OwnedWriteHalf,
    buffer: BytesMut,
}

impl Sender {
    async fn flush(&mut self) -> io::Result<()> {
        self.write.write_all(&self.buffer).await?;
        self.buffer.clear();
        Ok(())
    }
}

#[async_trait]
impl FrameSender for Sender {
    async fn send(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        for frame in frames.drain(..) {
            if frame.len() > FRAME_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("a frame of {} bytes; the longest is {FRAME_BYTES_MAX}", frame.len()),
                ));
            }
            let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            self.buffer.extend_from_slice(&length.to_le_bytes());
            self.buffer.extend_from_slice(&crc32c::crc32c(&frame).to_le_bytes());
            if frame.len() > GATHERED_BYTES_MAX {
                self.flush().await?;
                self.write.write_all(&frame).await?;
            } else {
                self.buffer.extend_from_slice(&frame);
                if self.buffer.len() > GATHERED_BYTES_MAX {
                    self.flush().await?;
                }
            }
        }
        if self.buffer.is_empty() { Ok(()) } else { self.flush().await }
    }

    async fn send_damaged(&mut self, frame: Bytes, bit: u64) -> io::Result<()> {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&crc32c::crc32c(&frame).to_le_bytes());
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(&frame);
        let bits = (frame.len() as u64 * 8).max(1);
        let (byte, bit) = (bit % bits / 8, bit % 8);
        let at = begin.saturating_add(usize::try_from(byte).unwrap_or_default());
        if let Some(byte) = self.buffer.get_mut(at) {
            *byte ^= 1 << bit;
        }
        self.flush().await
    }
}

struct Receiver {
    read: OwnedReadHalf,
    buffer: BytesMut,
}

impl Receiver {
    /// The next frame that is whole.
    fn take(&mut self) -> io::Result<Option<Bytes>> {
        let Some((head, rest)) = self.buffer.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let mut head = &head[..];
        let (length, crc) = (head.get_u32_le() as usize, head.get_u32_le());
        if length > FRAME_BYTES_MAX {
            let text = format!("a frame of {length} bytes; the longest is {FRAME_BYTES_MAX}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if rest.len() < length {
            self.buffer.reserve(HEAD_BYTES + length - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(HEAD_BYTES);
        let frame = self.buffer.split_to(length).freeze();
        if crc32c::crc32c(&frame) != crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame arrived damaged"));
        }
        Ok(Some(frame))
    }
}

#[async_trait]
impl FrameReceiver for Receiver {
    async fn receive(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        let before = frames.len();
        loop {
            while let Some(frame) = self.take()? {
                frames.push(frame);
            }
            if frames.len() > before {
                return Ok(());
            }
            self.buffer.reserve(READ_BYTES);
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair() -> (Connection, Connection) {
        let mut listener = TcpNetwork.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_address();
        let (here, there) = tokio::join!(TcpNetwork.connect(&address), listener.accept());
        (here.unwrap(), there.unwrap())
    }

    #[tokio::test]
    async fn frames_of_all_sizes_arrive_whole_and_in_order() {
        let (mut here, mut there) = pair().await;
        let sizes = [0, 1, 100, GATHERED_BYTES_MAX, GATHERED_BYTES_MAX + 1, 3_000_000, 5];
        let sent: Vec<Bytes> = sizes
            .iter()
            .map(|size| vec![u8::try_from(size % 251).unwrap(); *size].into())
            .collect();
        let mut outgoing = sent.clone();
        let sending = tokio::spawn(async move {
            here.sender.send(&mut outgoing).await.unwrap();
            (here, outgoing)
        });
        let mut received = Vec::new();
        while received.len() < sent.len() {
            there.receiver.receive(&mut received).await.unwrap();
        }
        assert!(received == sent);
        let (here, outgoing) = sending.await.unwrap();
        assert!(outgoing.is_empty());
        drop(here);
        let ended = there.receiver.receive(&mut received).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused() {
        let mut listener = TcpNetwork.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_address();
        for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\x03\0\0\0\0\0\0\0abc"] {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let mut there = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            let refused = there.receiver.receive(&mut Vec::new()).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn a_bit_that_flips_on_the_way_is_found() {
        for bit in [0, 7, 31, u64::MAX] {
            let (mut here, mut there) = pair().await;
            here.sender.send_damaged(Bytes::from_static(b"four"), bit).await.unwrap();
            let found = there.receiver.receive(&mut Vec::new()).await.unwrap_err();
            assert_eq!(found.kind(), io::ErrorKind::InvalidData);
            assert!(found.to_string().contains("damaged"), "{found}");
        }
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_is_not_sent() {
        let (mut here, _there) = pair().await;
        let mut frames = vec![Bytes::from(vec![0; FRAME_BYTES_MAX + 1])];
        let refused = here.sender.send(&mut frames).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
