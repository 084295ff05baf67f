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

/// Carries frames until the link breaks. `heard` is called for each frame in the order in which they
/// came, and must not wait; `early` came with the handshake.
pub(crate) async fn run(
    link: Arc<Link>,
    connection: Connection,
    early: Vec<Bytes>,
    heard: impl Fn(Frame) + Send,
) {
    let Connection { sender, receiver, .. } = connection;
    let _writer = Aborted(task::spawn(write(link.clone(), sender)));
    if hear(&link, early, &heard) {
        read(&link, receiver, heard).await;
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
        link.heard.fetch_add(1, Ordering::AcqRel);
        match Frame::decode(bytes) {
            Ok(Frame::Heartbeat) => {}
            Ok(frame) => heard(frame),
            Err(error) => {
                link.give_up(&error.to_string());
                return false;
            }
        }
    }
    true
}

async fn write(link: Arc<Link>, mut sender: Box<dyn FrameSender>) {
    let heartbeat = Frame::Heartbeat.encode();
    let mut frames = Vec::new();
    let mut broken = pin!(link.broken());
    loop {
        if !link.outgoing.take(&mut frames) {
            tokio::select! {
                biased;
                () = link.outgoing.ready() => {}
                () = tokio::time::sleep(HEARTBEAT) => {
                    // A full queue is no silence.
                    let _ = link.outgoing.push(FrameKind::Heartbeat, heartbeat.clone());
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

async fn read(link: &Link, mut receiver: Box<dyn FrameReceiver>, heard: impl Fn(Frame)) {
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
        if !hear(link, frames.drain(..), &heard) {
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
