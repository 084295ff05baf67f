//! Both halves of a simulated connection as production code sees them.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use skep_env::net::{FRAME_BYTES_MAX, FrameReceiver, FrameSender};

use super::SimNetwork;
use super::wire::Direction;
use crate::life::Life;

/// One end of a connection; when the last half of it is dropped, or the first, it is closed.
pub(super) struct End {
    network: SimNetwork,
    connection: u64,
    /// The direction in which this end sends.
    outward: Direction,
    life: Arc<Life>,
}

impl End {
    /// The halves of one end.
    pub(super) fn halves(
        network: &SimNetwork,
        connection: u64,
        outward: Direction,
        life: &Arc<Life>,
    ) -> (Box<dyn FrameSender>, Box<dyn FrameReceiver>) {
        let end = || Self { network: network.clone(), connection, outward, life: life.clone() };
        (Box::new(Sender(end())), Box::new(Receiver(end())))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // What has ended closes nothing: the network knows how its life ended.
        if self.life.is_alive() {
            self.network.close(self.connection, self.outward);
        }
    }
}

struct Sender(End);

struct Receiver(End);

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the simulated node has crashed")
}

#[async_trait]
impl FrameSender for Sender {
    async fn send(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        let end = &self.0;
        for frame in frames.drain(..) {
            if frame.len() > FRAME_BYTES_MAX {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            poll_fn(|context| end.network.poll_room(end.connection, end.outward, context.waker()))
                .await?;
            if !end.life.step() {
                return Err(ended());
            }
            end.network.send(end.connection, end.outward, frame);
        }
        Ok(())
    }
}

#[async_trait]
impl FrameReceiver for Receiver {
    async fn receive(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        let end = &self.0;
        poll_fn(|context| {
            if !end.life.is_alive() {
                return Poll::Ready(Err(ended()));
            }
            let inward = end.outward.reverse();
            end.network.poll_receive(end.connection, inward, frames, context.waker())
        })
        .await
    }
}
