//! Two hosts that exchange frames.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use skep_env::Network;
use skep_env::net::Connection;

use super::*;
use crate::life::Crash;
use crate::world::{Options, World, simulate};

struct Pair {
    world: World,
    lives: [Arc<Life>; 2],
    here: Connection,
    there: Connection,
}

async fn pair(world: World) -> Pair {
    let lives = [1, 2].map(|node| Arc::new(Life::new(node, 1)));
    let one = world.network().endpoint(1, "one", lives[0].clone());
    let two = world.network().endpoint(2, "two", lives[1].clone());
    let mut listener = two.listen("two:1").await.unwrap();
    let here = one.connect("two:1").await.unwrap();
    let there = listener.accept().await.unwrap();
    Pair { world, lives, here, there }
}

impl Pair {
    async fn send(&mut self, numbers: std::ops::Range<u8>) -> io::Result<()> {
        let mut frames = numbers.map(|number| Bytes::from(vec![number])).collect();
        self.here.sender.send(&mut frames).await
    }

    /// What arrives until nothing has arrived for a second.
    async fn arrives(&mut self) -> Vec<u8> {
        let mut frames = Vec::new();
        let receiver = &mut self.there.receiver;
        let second = Duration::from_secs(1);
        while let Ok(Ok(())) = tokio::time::timeout(second, receiver.receive(&mut frames)).await {}
        frames.iter().map(|frame| frame[0]).collect()
    }

    async fn error(&mut self) -> ErrorKind {
        let mut frames = Vec::new();
        loop {
            if let Err(error) = self.there.receiver.receive(&mut frames).await {
                return error.kind();
            }
        }
    }
}

fn run(seed: u64, scenario: impl AsyncFnOnce(Pair)) {
    let simulated = simulate(seed, Options::default(), async |world: World| {
        let pair = pair(world).await;
        scenario(pair).await;
    });
    assert_eq!(simulated.value, Ok(()));
}

#[test]
fn frames_arrive_in_order_although_they_take_different_times() {
    run(1, async |mut pair| {
        pair.world.network().set_default(Link { latency_us: (0, 9_000), ..Link::default() });
        pair.send(0..100).await.unwrap();
        assert_eq!(pair.arrives().await, Vec::from_iter(0..100));
        drop(pair.here);
        let ended = pair.there.receiver.receive(&mut Vec::new()).await.unwrap_err();
        assert_eq!(ended.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_link_loses_repeats_and_reorders_when_it_is_told_to() {
    run(1, async |mut pair| {
        let bad = Link {
            lose_ppm: 100_000,
            repeat_ppm: 100_000,
            reorder_ppm: 200_000,
            ..Link::default()
        };
        pair.world.network().set_link(1, 2, bad);
        pair.send(0..200).await.unwrap();
        let mut arrived = pair.arrives().await;
        let in_order = arrived.is_sorted();
        let all = arrived.len();
        arrived.sort_unstable();
        arrived.dedup();
        assert!(!in_order && arrived.len() < 200 && all > arrived.len(), "{all} {}", arrived.len());
    });
}

#[test]
fn a_short_cut_holds_frames_back_and_a_long_one_breaks_the_connection() {
    for seed in 0..10 {
        run(seed, async |mut pair| {
            let network = pair.world.network().clone();
            network.cut(1, 2, Cut::Hold);
            pair.send(0..3).await.unwrap();
            assert!(pair.arrives().await.is_empty());
            network.heal(1, 2);
            assert_eq!(pair.arrives().await, [0, 1, 2]);
            network.cut(1, 2, Cut::Lose);
            pair.send(3..4).await.unwrap();
            tokio::time::sleep(UNACKNOWLEDGED_MAX * 2).await;
            let error = pair.send(4..5).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            network.heal(1, 2);
            assert!(pair.arrives().await.is_empty(), "what was lost stays lost");
        });
    }
}

#[test]
fn a_cut_against_the_direction_of_the_data_stops_its_acknowledgements() {
    run(1, async |mut pair| {
        pair.world.network().cut(2, 1, Cut::Hold);
        pair.send(0..1).await.unwrap();
        assert_eq!(pair.arrives().await, [0], "data goes through");
        tokio::time::sleep(UNACKNOWLEDGED_MAX).await;
        assert!(pair.send(1..2).await.is_err());
    });
}

#[test]
fn peers_of_a_killed_process_are_reset_and_those_of_a_dark_machine_hear_nothing() {
    run(1, async |mut pair| {
        pair.lives[0].end(Some(Crash::Kill));
        pair.world.network().end(&pair.lives[0]);
        assert_eq!(pair.error().await, ErrorKind::ConnectionReset);
    });
    run(1, async |mut pair| {
        pair.lives[0].end(Some(Crash::PowerLoss));
        pair.world.network().end(&pair.lives[0]);
        assert!(pair.arrives().await.is_empty());
        let waited = tokio::time::timeout(Duration::from_secs(60), pair.error()).await;
        assert!(waited.is_err(), "who only listens never hears of it");
        pair.there.sender.send(&mut vec![Bytes::from_static(b"?")]).await.unwrap();
        assert_eq!(pair.error().await, ErrorKind::TimedOut);
    });
}

#[test]
fn connections_are_refused_or_time_out() {
    run(1, async |pair| {
        let life = Arc::new(Life::new(1, 1));
        let network = pair.world.network();
        let one = network.endpoint(1, "one", life);
        let kind = async |address: &str| one.connect(address).await.unwrap_err().kind();
        assert_eq!(kind("two:2").await, ErrorKind::ConnectionRefused, "nobody listens there");
        assert_eq!(kind("three:1").await, ErrorKind::NotFound);
        network.cut(2, 1, Cut::Hold);
        assert_eq!(kind("two:2").await, ErrorKind::TimedOut);
        network.heal(2, 1);
        pair.lives[1].end(Some(Crash::PowerLoss));
        network.end(&pair.lives[1]);
        assert_eq!(kind("two:2").await, ErrorKind::TimedOut);
    });
}

#[test]
fn a_slow_line_takes_its_time_and_a_full_one_makes_senders_wait() {
    run(1, async |mut pair| {
        let slow = Link { bytes_per_s: Some(1_000_000), ..Link::default() };
        pair.world.network().set_link(1, 2, slow);
        let before = pair.world.elapsed();
        let mut frames = vec![Bytes::from(vec![0; 1_000_000]); 2];
        pair.here.sender.send(&mut frames).await.unwrap();
        let mut arrived = Vec::new();
        while arrived.len() < 2 {
            pair.there.receiver.receive(&mut arrived).await.unwrap();
        }
        let took = pair.world.elapsed() - before;
        assert!(took >= Duration::from_secs(2) && took < Duration::from_millis(2_100), "{took:?}");
        let mut many = vec![Bytes::from(vec![0; 1_000_000]); 8];
        let sending = pair.here.sender.send(&mut many);
        let stuck = tokio::time::timeout(Duration::from_secs(60), sending).await;
        assert!(stuck.is_err(), "nobody takes what arrives");
    });
}
