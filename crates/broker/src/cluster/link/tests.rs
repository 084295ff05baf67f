use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use skep_env::net::{Connection, FrameReceiver, FrameSender};
use tokio::sync::mpsc;

use super::*;
use crate::cluster::frame::Purpose;
use crate::cluster::limits::{HEARTBEAT, SILENCE_MAX};

/// What was sent, in order.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Bytes>>>);

#[async_trait]
impl FrameSender for Sent {
    async fn send(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        self.0.lock().append(frames);
        Ok(())
    }
}

/// What the test lets come in.
struct Arriving(mpsc::Receiver<Bytes>);

#[async_trait]
impl FrameReceiver for Arriving {
    async fn receive(&mut self, frames: &mut Vec<Bytes>) -> io::Result<()> {
        let frame = self.0.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        frames.push(frame);
        Ok(())
    }
}

fn peer() -> Hello {
    Hello {
        protocol: 1,
        protocol_min: 1,
        version: "1".to_owned(),
        cluster_id: "c".to_owned(),
        name: NodeName::Broker(1),
        incarnation: 1,
        purpose: Purpose::Link,
        address: String::new(),
        client_address: String::new(),
        config_version: 1,
        partition_count: 1,
        replication_factor: 1,
        members: 1,
    }
}

struct Bench {
    link: Arc<Link>,
    sent: Sent,
    arrive: mpsc::Sender<Bytes>,
    heard: Arc<Mutex<Vec<Frame>>>,
    running: tokio::task::JoinHandle<()>,
}

fn start(early: Vec<Bytes>) -> Bench {
    let link = Link::new(peer(), None);
    let sent = Sent::default();
    let (arrive, arriving) = mpsc::channel(8);
    let heard = Arc::<Mutex<Vec<Frame>>>::default();
    let connection = Connection {
        peer: "there".to_owned(),
        sender: Box::new(sent.clone()),
        receiver: Box::new(Arriving(arriving)),
    };
    let note = heard.clone();
    let note = move |frame| note.lock().push(frame);
    let running = tokio::spawn(run(link.clone(), connection, early, note));
    Bench { link, sent, arrive, heard, running }
}

fn interest() -> Frame {
    Frame::Interest { job_type: "pay".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn silence_breaks_a_link_and_tells_who_waits() {
    let bench = start(Vec::new());
    let encode = |request| Frame::Manage { request, document: Bytes::new() }.encode();
    let call = bench.link.request(FrameKind::Manage, encode).unwrap();
    let began = tokio::time::Instant::now();
    assert!(call.answer().await.is_none(), "nobody knows whether it was done");
    assert_eq!(began.elapsed(), SILENCE_MAX);
    bench.running.await.unwrap();
    assert!(bench.link.is_broken() && bench.link.reason().contains("nothing was heard"));
    assert_eq!(bench.link.send(&interest()), Err(Unsent::Broken));
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_says_that_it_lives() {
    let bench = start(Vec::new());
    for _ in 0..30 {
        tokio::time::sleep(HEARTBEAT).await;
        bench.arrive.send(Frame::Heartbeat.encode()).await.unwrap();
    }
    assert!(!bench.link.is_broken());
    let beats = bench.sent.0.lock().len();
    assert!((25..=35).contains(&beats), "{beats} heartbeats in three seconds");
    assert!(bench.heard.lock().is_empty(), "heartbeats are nobody's business");
    assert!(bench.link.heard() >= 25);
}

#[tokio::test(start_paused = true)]
async fn frames_are_heard_in_order_beginning_with_those_of_the_handshake() {
    let bench = start(vec![Frame::StreamClose { stream: 1 }.encode()]);
    for stream in 2..5 {
        bench.arrive.send(Frame::StreamClose { stream }.encode()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let heard: Vec<_> = std::mem::take(&mut *bench.heard.lock());
    let expected: Vec<_> = (1..5).map(|stream| Frame::StreamClose { stream }).collect();
    assert_eq!(heard, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_breaks_the_link() {
    let bench = start(Vec::new());
    bench.arrive.send(Bytes::from_static(b"\xffnonsense")).await.unwrap();
    bench.running.await.unwrap();
    assert!(bench.link.reason().contains("another version"), "{}", bench.link.reason());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_is_noticed_at_once() {
    let bench = start(Vec::new());
    let began = tokio::time::Instant::now();
    drop(bench.arrive);
    bench.running.await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(bench.link.reason().contains("closed"));
}

#[tokio::test(start_paused = true)]
async fn a_job_type_is_asked_for_once_until_it_was_told() {
    let bench = start(Vec::new());
    bench.link.ask_for("pay");
    bench.link.ask_for("pay");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.sent.0.lock().as_slice(), [interest().encode()]);
    bench.link.told_of("pay");
    bench.link.ask_for("pay");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.sent.0.lock().len(), 2);
}
