//! The two tasks of a link: one writes what waits, one reads what comes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use skep_env::net::{Connection, FrameReceiver, FrameSender};
use skep_env::task;
use tokio::task::JoinHandle;

use crate::cluster::frame::{Frame, FrameKind};
use crate::cluster::limits::{HEARTBEAT, SILENCE_MAX};
use crate::cluster::link::Link;
use crate::cluster::link::faults::{Heard, LinkFaults};

/// Carries frames until the link breaks. `heard` is called for each frame in the order in which they
/// came, and must not wait; `early` came with the handshake.
pub(crate) async fn run(
    link: Arc<Link>,
    connection: Connection,
    early: Vec<Bytes>,
    heard: impl Fn(Frame) + Send + Sync + 'static,
) {
    let Connection { sender, receiver, .. } = connection;
    let heard = Arc::new(heard);
    let _writer = Aborted(task::spawn(write(link.clone(), sender)));
    // Nothing is held back on a node without fault points.
    let _later = link.faults.is_some().then(|| {
        let leaving = Aborted(task::spawn(leave_later(link.clone())));
        (leaving, Aborted(task::spawn(hear_later(link.clone(), heard.clone()))))
    });
    if hear(&link, early, &*heard) {
        read(&link, receiver, &*heard).await;
    }
}

/// Sends what a fault delays.
async fn leave_later(link: Arc<Link>) {
    let Some(faults) = &link.faults else { return };
    loop {
        let (kind, frame) = faults.leaving.next().await;
        // A full queue loses it, as it does everything else.
        let _ = link.outgoing.push(kind, frame);
    }
}

/// Hears what a fault delays.
async fn hear_later(link: Arc<Link>, heard: Arc<impl Fn(Frame)>) {
    let Some(faults) = &link.faults else { return };
    loop {
        let frame = faults.arriving.next().await;
        if !hear_one(&link, frame, &*heard) {
            return;
        }
    }
}

/// A task that ends with whoever started it.
struct Aborted(JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Hands frames on; false when one cannot be read.
fn hear(link: &Link, frames: impl IntoIterator<Item = Bytes>, heard: &impl Fn(Frame)) -> bool {
    for bytes in frames {
        let goes_on = match &link.faults {
            None => hear_one(link, bytes, heard),
            Some(faults) => hear_faulty(link, faults.hear(bytes), heard),
        };
        if !goes_on {
            return false;
        }
    }
    true
}

/// What a fault leaves of a frame.
fn hear_faulty(link: &Link, what: Heard, heard: &impl Fn(Frame)) -> bool {
    match what {
        Heard::Once(frame) => hear_one(link, frame, heard),
        Heard::Twice(frame) => hear_one(link, frame.clone(), heard) && hear_one(link, frame, heard),
        Heard::Nothing => true,
        Heard::Damaged => {
            link.give_up("the connection is broken: a frame arrived damaged");
            false
        }
    }
}

/// Hands a frame on; false when it cannot be read.
fn hear_one(link: &Link, bytes: Bytes, heard: &impl Fn(Frame)) -> bool {
    link.heard.fetch_add(1, Ordering::AcqRel);
    match Frame::decode(bytes) {
        Ok(Frame::Heartbeat) => true,
        Ok(frame) => {
            heard(frame);
            true
        }
        Err(error) => {
            link.give_up(&error.to_string());
            false
        }
    }
}

async fn write(link: Arc<Link>, mut sender: Box<dyn FrameSender>) {
    let heartbeat = Frame::Heartbeat.encode();
    let mut frames = Vec::new();
    let mut broken = pin!(link.broken());
    loop {
        if let Some(faults) = &link.faults
            && let Err(error) = send_damaged(faults, &mut *sender).await
        {
            link.give_up(&format!("the connection is broken: {error}"));
            return;
        }
        if !link.outgoing.take(&mut frames) {
            tokio::select! {
                biased;
                () = link.outgoing.ready() => {}
                () = tokio::time::sleep(HEARTBEAT) => {
                    // A full queue is no silence.
                    let _ = link.push(FrameKind::Heartbeat, heartbeat.clone());
                }
                _ = &mut broken => return,
            }
            continue;
        }
        let sent = tokio::select! {
            biased;
            sent = sender.send(&mut frames) => sent,
            _ = &mut broken => return,
        };
        if let Err(error) = sent {
            link.give_up(&format!("the connection is broken: {error}"));
            return;
        }
        frames.clear();
    }
}

/// Sends frames with a bit flipped, which the other side finds by their checksums.
async fn send_damaged(faults: &LinkFaults, sender: &mut dyn FrameSender) -> std::io::Result<()> {
    for (frame, bit) in faults.take_damaged() {
        sender.send_damaged(frame, bit).await?;
    }
    Ok(())
}

async fn read(link: &Link, mut receiver: Box<dyn FrameReceiver>, heard: &(impl Fn(Frame) + Sync)) {
    let mut frames = Vec::new();
    let mut broken = pin!(link.broken());
    loop {
        let received = tokio::select! {
            biased;
            received = within_silence(receiver.receive(&mut frames)) => received,
            _ = &mut broken => return,
        };
        if let Err(reason) = received {
            link.give_up(&reason);
            return;
        }
        if !hear(link, frames.drain(..), heard) {
            return;
        }
    }
}

/// What has arrived counts, even when this process was not looking for longer than the silence.
async fn within_silence(receive: impl Future<Output = std::io::Result<()>>) -> Result<(), String> {
    match tokio::time::timeout(SILENCE_MAX, receive).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("the other side closed the connection".to_owned())
        }
        Ok(Err(error)) => Err(format!("the connection is broken: {error}")),
        Err(_) => Err(format!("nothing was heard for {} ms", SILENCE_MAX.as_millis())),
    }
}
