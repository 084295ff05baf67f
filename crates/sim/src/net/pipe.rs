//! One direction of a connection: what is on its way, and who waits for it.

use std::collections::VecDeque;
use std::io;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::WINDOW_BYTES;

/// Why a direction carries nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// This end was closed here.
    Local,
    /// The other end was closed.
    Closed,
    /// The other end, or something between, reset the connection.
    Reset,
    /// What was sent was not acknowledged for too long.
    TimedOut,
}

impl Broken {
    fn error(self, receiving: bool) -> io::Error {
        let kind = match self {
            Self::Local => io::ErrorKind::NotConnected,
            Self::Closed if receiving => io::ErrorKind::UnexpectedEof,
            Self::Closed => io::ErrorKind::BrokenPipe,
            Self::Reset => io::ErrorKind::ConnectionReset,
            Self::TimedOut => io::ErrorKind::TimedOut,
        };
        kind.into()
    }
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Pipe {
    /// Arrived and not taken.
    inbox: VecDeque<Bytes>,
    /// Sent, and held back by a cut.
    pub(super) held: VecDeque<Bytes>,
    pub(super) held_close: Option<Broken>,
    /// Sent and not taken, in bytes.
    pub(super) under_way: usize,
    receiving_ended: Option<Broken>,
    sending_ended: Option<Broken>,
    receiver: Option<Waker>,
    sender: Option<Waker>,
    /// The latest arrival that is planned: what is sent later does not overtake it.
    latest: Option<Instant>,
    /// When the line is free again.
    free_at: Option<Instant>,
}

impl Pipe {
    /// Takes up the line for a frame; returns when its last byte has left.
    pub(super) fn occupy(&mut self, now: Instant, bytes: usize, rate: Option<u64>) -> Instant {
        let Some(rate) = rate else { return now };
        let micros = (bytes as u64).saturating_mul(1_000_000) / rate.max(1);
        let free_at = self.free_at.map_or(now, |at| at.max(now)) + Duration::from_micros(micros);
        self.free_at = Some(free_at);
        free_at
    }

    /// An arrival that does not overtake the one before.
    pub(super) fn in_order(&mut self, at: Instant) -> Instant {
        let at = self.latest.map_or(at, |latest| latest.max(at));
        self.latest = Some(at);
        at
    }

    pub(super) fn arrive(&mut self, frame: Bytes, wakers: &mut Vec<Waker>) {
        if self.receiving_ended.is_none() {
            self.inbox.push_back(frame);
            wakers.extend(self.receiver.take());
        }
    }

    pub(super) fn break_sending(&mut self, why: Broken, wakers: &mut Vec<Waker>) {
        self.sending_ended.get_or_insert(why);
        wakers.extend(self.sender.take());
    }

    pub(super) fn break_receiving(&mut self, why: Broken, wakers: &mut Vec<Waker>) {
        self.receiving_ended.get_or_insert(why);
        wakers.extend(self.receiver.take());
    }

    /// Whether another frame may be sent.
    pub(super) fn poll_room(&mut self, waker: &Waker) -> Poll<io::Result<()>> {
        if let Some(why) = self.sending_ended {
            return Poll::Ready(Err(why.error(false)));
        }
        if self.under_way < WINDOW_BYTES {
            return Poll::Ready(Ok(()));
        }
        self.sender = Some(waker.clone());
        Poll::Pending
    }

    /// Takes what has arrived.
    pub(super) fn poll_receive(
        &mut self,
        frames: &mut Vec<Bytes>,
        waker: &Waker,
    ) -> Poll<io::Result<()>> {
        if self.inbox.is_empty() {
            if let Some(why) = self.receiving_ended {
                return Poll::Ready(Err(why.error(true)));
            }
            self.receiver = Some(waker.clone());
            return Poll::Pending;
        }
        let taken: usize = self.inbox.iter().map(Bytes::len).sum();
        self.under_way = self.under_way.saturating_sub(taken);
        frames.extend(self.inbox.drain(..));
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
        Poll::Ready(Ok(()))
    }
}
