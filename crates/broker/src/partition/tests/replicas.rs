//! Partitions that replicate to each other: leaders come and go, nothing acknowledged is lost.

use std::time::Duration;

use tokio::time::Instant;

use crate::partition::tests::group::{Group, Look, with_local};

fn count(state: &Look, name: &str) -> u64 {
    state.0.get(name).copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn what_the_leader_acknowledges_is_on_all_replicas() {
    with_local(async {
        let group = Group::start(3).await;
        let leader = group.until_led().await;
        assert_eq!(leader, 1, "it has the highest priority");
        for _ in 0..20 {
            assert_eq!(group.publish("m").await, 0);
        }
        let state = group.until_equal().await;
        assert_eq!(count(&state, "m"), 20);
        assert_eq!(group.node(1).look().voters, [1, 2, 3].into());
        assert!(group.node(1).sent() > 0);
        assert_eq!(group.node(2).sent(), 0, "only the leader has effects");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_replaced_and_nothing_acknowledged_is_lost() {
    with_local(async {
        let mut group = Group::start(3).await;
        let mut gaps_ms = Vec::new();
        let mut published = 0;
        for round in 0..20 {
            let leader = group.until_led().await;
            for _ in 0..5 {
                assert_eq!(group.publish("m").await, 0, "round {round}");
                published += 1;
            }
            let killed = Instant::now();
            group.kill(leader).await;
            group.until_led_without(leader).await;
            gaps_ms.push(killed.elapsed().as_millis());
            group.boot(leader).await;
            let state = group.until_equal().await;
            assert_eq!(count(&state, "m"), published, "round {round}");
        }
        gaps_ms.sort_unstable();
        assert!(gaps_ms[10] <= 100 && gaps_ms[19] <= 500, "{gaps_ms:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_leader_had_processed_ahead_leaves_no_trace() {
    with_local(async {
        let group = Group::start(3).await;
        let old = group.until_led().await;
        group.publish("kept").await;
        group.network.isolate(old, &group.ids());
        let lost: Vec<_> = (0..3).map(|_| group.node(old).submit("lost")).collect();
        let new = group.until_led_without(old).await;
        assert_eq!(group.publish("after").await, 0);
        for answer in lost {
            let error = answer.await.unwrap().err().unwrap();
            assert!(!error.not_accepted(), "it may have been done: {error:?}");
        }
        assert!(!group.node(old).status.is_leader(), "it has no quorum");
        assert_eq!(
            count(&group.node(old).state().await, "lost"),
            0,
            "the engine is that of the log"
        );
        let sent = group.node(old).sent();
        for other in group.ids() {
            if other != old {
                group.network.heal(old, other);
            }
        }
        let state = group.until_equal().await;
        let counts = ["kept", "lost", "after"].map(|name| count(&state, name));
        assert_eq!(counts, [1, 0, 1]);
        assert_eq!(group.node(old).sent(), sent, "nothing was released");
        assert_eq!(group.until_led().await, new, "the one that came back disturbs nobody");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_falls_silent_is_replaced_and_steps_down() {
    with_local(async {
        let group = Group::start(3).await;
        let old = group.until_led().await;
        group.publish("m").await;
        let silent = Instant::now();
        for other in group.ids() {
            group.network.silence(old, other, true);
            group.network.silence(other, old, true);
        }
        let waiting = group.node(old).submit("waiting");
        group.until_led_without(old).await;
        let replaced_ms = silent.elapsed().as_millis();
        assert!((700..1_500).contains(&replaced_ms), "{replaced_ms}");
        let error = waiting.await.unwrap().err().unwrap();
        assert!(!error.not_accepted());
        assert!(silent.elapsed() < Duration::from_millis(1_500), "{:?}", silent.elapsed());
        for other in group.ids() {
            group.network.silence(old, other, false);
            group.network.silence(other, old, false);
        }
        group.publish("m").await;
        assert_eq!(count(&group.until_equal().await, "m"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_only_loses_its_own_connection_changes_nothing() {
    with_local(async {
        let group = Group::start(3).await;
        let leader = group.until_led().await;
        group.publish("m").await;
        group.sleep_ms(500).await;
        let term = group.node(leader).look().term;
        group.network.cut(leader, 3);
        for _ in 0..20 {
            group.sleep_ms(200).await;
            group.publish("m").await;
        }
        group.network.heal(leader, 3);
        let state = group.until_equal().await;
        assert_eq!(count(&state, "m"), 21);
        assert_eq!(group.node(leader).look().term, term, "no election");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_quorum_that_answers_late_costs_no_leadership() {
    with_local(async {
        let group = Group::start(3).await;
        let leader = group.until_led().await;
        let term = group.node(leader).look().term;
        for other in [2, 3] {
            group.network.silence(other, leader, true);
        }
        group.sleep_ms(600).await;
        // The lease is over: openraft would refuse this. It waits instead.
        let answer = group.node(leader).submit("m");
        group.sleep_ms(100).await;
        for other in [2, 3] {
            group.network.silence(other, leader, false);
        }
        assert!(answer.await.unwrap().is_ok());
        assert_eq!(group.node(leader).look().term, term);
        assert_eq!(count(&group.until_equal().await, "m"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_slows_only_its_follower() {
    with_local(async {
        let group = Group::start(3).await;
        let leader = group.until_led().await;
        group.publish("m").await;
        let term = group.node(leader).look().term;
        let late = Duration::from_millis(100);
        group.network.delay(leader, 3, late);
        group.network.delay(3, leader, late);
        let started = Instant::now();
        for _ in 0..50 {
            group.publish("m").await;
        }
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        group.sleep_ms(5_000).await;
        assert_eq!(count(&group.until_equal().await, "m"), 51);
        assert_eq!(group.node(leader).look().term, term, "no election");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_stopped_goes_on() {
    with_local(async {
        let mut group = Group::start(3).await;
        for _ in 0..10 {
            group.publish("m").await;
        }
        for node in group.ids() {
            group.kill(node).await;
        }
        for node in [3, 1, 2] {
            group.boot(node).await;
        }
        let started = Instant::now();
        assert_eq!(group.publish("m").await, 0);
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
        assert_eq!(count(&group.until_equal().await, "m"), 11);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_of_three_begin_a_new_group() {
    with_local(async {
        let mut group = Group::prepared(3);
        group.boot(2).await;
        group.sleep_ms(1_000).await;
        group.boot(3).await;
        group.publish("m").await;
        group.boot(1).await;
        group.publish("m").await;
        assert_eq!(count(&group.until_equal().await, "m"), 2);
        assert_eq!(group.node(1).look().voters, [1, 2, 3].into());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_gone_is_not_asked_without_a_pause() {
    with_local(async {
        let mut group = Group::start(3).await;
        group.until_led().await;
        group.kill(3).await;
        let before = group.network.requests();
        group.sleep_ms(10_000).await;
        let requests = group.network.requests() - before;
        // 100 heartbeats to each follower, and a try every 160 ms.
        assert!(requests < 400, "{requests} requests in 10 idle seconds");
        group.publish("m").await;
    })
    .await;
}
