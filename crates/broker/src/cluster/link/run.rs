//! The two tasks of a link: one writes what waits, one reads what comes.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use skep_env::net::{Connection, FrameReceiver, FrameSender};
use skep_env::task;

use crate::cluster::frame::{Frame, FrameKind};
use crate::cluster::limits::{HEARTBEAT, SILENCE_MAX};
use crate::cluster::link::Link;

/// Carries frames until the link breaks. `heard` is called for each frame in the order in which they
/// came, and must not wait.
pub(crate) async fn run(link: Arc<Link>, connection: Connection, heard: impl Fn(Frame) + Send) {
    let Connection { sender, receiver, .. } = connection;
    let writer = task::spawn(write(link.clone(), sender));
    read(&link, receiver, heard).await;
    writer.abort();
}

async fn write(link: Arc<Link>, mut sender: Box<dyn FrameSender>) {
    let heartbeat = Frame::Heartbeat.encode();
    let mut frames = Vec::new();
    loop {
        if !link.outgoing.take(&mut frames) {
            tokio::select! {
                biased;
                () = link.outgoing.ready() => {}
                () = tokio::time::sleep(HEARTBEAT) => {
                    // A full queue is no silence.
                    let _ = link.outgoing.push(FrameKind::Heartbeat, heartbeat.clone());
                }
                _ = link.broken() => return,
            }
            continue;
        }
        let sent = tokio::select! {
            biased;
            sent = sender.send(&mut frames) => sent,
            _ = link.broken() => return,
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
    loop {
        let received = tokio::select! {
            biased;
            received = within_silence(receiver.receive(&mut frames)) => received,
            _ = link.broken() => return,
        };
        if let Err(reason) = received {
            link.give_up(&reason);
            return;
        }
        link.heard.fetch_add(frames.len() as u64, Ordering::AcqRel);
        for bytes in frames.drain(..) {
            match Frame::decode(bytes) {
                Ok(Frame::Heartbeat) => {}
                Ok(frame) => heard(frame),
                Err(error) => {
                    link.give_up(&error.to_string());
                    return;
                }
            }
        }
    }
}

/// What has arrived counts, even when this process was not looking for longer than the silence.
async fn within_silence(
    receive: impl Future<Output = std::io::Result<()>>,
) -> Result<(), String> {
    match tokio::time::timeout(SILENCE_MAX, receive).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("the other side closed the connection".to_owned())
        }
        Ok(Err(error)) => Err(format!("the connection is broken: {error}")),
        Err(_) => Err(format!("nothing was heard for {} ms", SILENCE_MAX.as_millis())),
    }
}
