//! Replicas that come back: behind, without data, on a full disk; and those that are new.

use std::io;
use std::time::Duration;

use skep_env::DiskOperation;

use crate::partition::tests::group::{Group, Look, with_local};

fn count(state: &Look, name: &str) -> u64 {
    state.0.get(name).copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_follower_far_behind_gets_a_snapshot() {
    with_local(async {
        let mut group = Group::with_checkpoints(3, 2_000).await;
        group.publish("m").await;
        group.kill(3).await;
        for _ in 0..200 {
            group.publish("m").await;
        }
        let leader = group.until_led().await;
        assert!(group.node(leader).first_index() > 100, "a gone follower does not keep the log");
        group.boot(3).await;
        let state = group.until_equal().await;
        assert_eq!(count(&state, "m"), 201);
        assert!(group.node(3).first_index() > 100, "it came as a snapshot");
        assert!(count(&group.node(3).stored(), "m") > 100);
        // It goes on from there, and across a restart.
        group.publish("m").await;
        group.kill(3).await;
        group.publish("m").await;
        group.boot(3).await;
        assert_eq!(count(&group.until_equal().await, "m"), 203);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_was_away_for_a_moment_gets_what_it_lacks() {
    with_local(async {
        let mut group = Group::with_checkpoints(3, 2_000).await;
        for _ in 0..100 {
            group.publish("m").await;
        }
        group.until_equal().await;
        group.kill(3).await;
        // A checkpoint may come in between.
        for _ in 0..5 {
            group.publish("m").await;
        }
        group.boot(3).await;
        let first = group.node(3).first_index();
        group.until_equal().await;
        let last = group.node(3).look().last_index.unwrap();
        assert!(group.node(3).first_index() < last - 5, "from {first}: no snapshot");
        let leader = group.until_led().await;
        assert!(group.node(leader).first_index() > 20, "older entries are gone");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_disk_comes_back_from_log_or_snapshot() {
    with_local(async {
        for checkpoint_log_bytes in [u64::MAX, 2_000] {
            let mut group = Group::with_checkpoints(3, checkpoint_log_bytes).await;
            for _ in 0..100 {
                group.publish("m").await;
            }
            group.wipe(2).await;
            group.publish("m").await;
            group.boot(2).await;
            group.publish("m").await;
            assert_eq!(count(&group.until_equal().await, "m"), 102);
            // Once it has caught up it is as good as any other.
            group.sleep_ms(2_000).await;
            group.wipe(1).await;
            group.publish("m").await;
            group.boot(1).await;
            assert_eq!(count(&group.until_equal().await, "m"), 103);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_disk_helps_nobody_to_be_elected_who_lacks_entries() {
    with_local(async {
        let mut group = Group::start(3).await;
        group.publish("m").await;
        // 3 misses what 1 and 2 have committed, then 2 forgets it and 1 is gone.
        group.kill(3).await;
        let (leader, other) = group.until_one_of_two_leads().await;
        group.publish("committed").await;
        group.kill(leader).await;
        group.wipe(other).await;
        group.boot(3).await;
        group.boot(other).await;
        group.sleep_ms(20_000).await;
        assert_eq!(group.leader(), None, "nobody who can vote has the entry");
        group.boot(leader).await;
        group.publish("m").await;
        let state = group.until_equal().await;
        assert_eq!((count(&state, "committed"), count(&state, "m")), (1, 2));
    })
    .await;
}

/// Without the vote of the one that lost its disk there would be no leader ever again.
#[tokio::test(start_paused = true)]
async fn of_two_the_one_that_lost_its_disk_helps_to_elect_the_other() {
    with_local(async {
        for checkpoint_log_bytes in [u64::MAX, 2_000] {
            let mut group = Group::with_checkpoints(2, checkpoint_log_bytes).await;
            for _ in 0..100 {
                group.publish("m").await;
            }
            let (leader, follower) = group.until_one_of_two_leads().await;
            group.wipe(leader).await;
            group.boot(leader).await;
            group.publish("m").await;
            assert_eq!(count(&group.until_equal().await, "m"), 101);
            // The other way round: who follows loses its disk, and who led starts again.
            group.sleep_ms(2_000).await;
            group.kill(leader).await;
            group.wipe(follower).await;
            group.boot(follower).await;
            group.boot(leader).await;
            group.publish("m").await;
            assert_eq!(count(&group.until_equal().await, "m"), 102);
        }
    })
    .await;
}

/// It may stop before it has caught up, and then it has data: it still has to help.
#[tokio::test(start_paused = true)]
async fn of_two_the_one_that_lost_its_disk_helps_after_a_restart_too() {
    with_local(async {
        let mut group = Group::start(2).await;
        group.publish("m").await;
        let (leader, follower) = group.until_one_of_two_leads().await;
        group.wipe(leader).await;
        group.boot(leader).await;
        // It has asked, and the other one is gone before it was elected.
        group.sleep_ms(1_050).await;
        group.kill(follower).await;
        group.sleep_ms(50).await;
        group.kill(leader).await;
        group.boot(leader).await;
        group.boot(follower).await;
        group.publish("m").await;
        assert_eq!(count(&group.until_equal().await, "m"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_on_one_follower_does_not_stop_the_group() {
    with_local(async {
        let mut group = Group::with_checkpoints(3, 1_000).await;
        let leader = group.until_led().await;
        group.publish("m").await;
        let full = group.machine(3).disk.faults();
        full.full_after(0);
        for _ in 0..100 {
            group.publish("m").await;
            group.sleep_ms(100).await;
        }
        assert_eq!(group.leader(), Some(leader));
        assert!(
            group.node(leader).first_index() > 20,
            "the log of the leader does not grow with it"
        );
        full.clear();
        let state = group.until_equal().await;
        assert_eq!(count(&state, "m"), 101);
        group.kill(3).await;
        group.boot(3).await;
        assert_eq!(count(&group.until_equal().await, "m"), 101);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_written_is_sent_again() {
    with_local(async {
        let mut group = Group::with_checkpoints(3, 2_000).await;
        for _ in 0..100 {
            group.publish("m").await;
        }
        group.wipe(3).await;
        let failing = group.machine(3).disk.faults();
        group.boot(3).await;
        failing.fail_nth(DiskOperation::Rename, 0, io::ErrorKind::Other);
        assert_eq!(count(&group.until_equal().await, "m"), 100);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_under_load() {
    with_local(async {
        let mut group = Group::prepared(1);
        group.boot(1).await;
        group.publish("m").await;
        for node in 2..=4 {
            group.join(node).await;
            let leader = group.until_led().await;
            group.node(leader).replica.add_learner(node).await.unwrap();
            group.node(leader).replica.add_learner(node).await.unwrap();
            group.publish("m").await;
        }
        let leader = group.until_led().await;
        let replica = group.node(leader).replica.clone();
        let mut changing =
            tokio::task::spawn_local(async move { replica.change_members([2, 3, 4].into()).await });
        let mut published = 0;
        while !changing.is_finished() || published < 20 {
            group.publish("during").await;
            published += 1;
            group.sleep_ms(10).await;
        }
        (&mut changing).await.unwrap().unwrap();
        let leader = group.until_led_without(1).await;
        assert_eq!(group.node(leader).look().voters, [2, 3, 4].into());
        group.until("1 follows", |group| !group.node(1).status.is_leader()).await;
        group.kill(1).await;
        group.publish("m").await;
        let state = group.until_equal().await;
        assert_eq!(count(&state, "m"), 5);
        assert!(count(&state, "during") >= published);
        // A voter that leaves the group for good.
        let leader = group.until_led().await;
        let stay: Vec<u64> = [2, 3, 4].into_iter().filter(|node| *node != leader).collect();
        let replica = group.node(leader).replica.clone();
        replica.change_members([leader, stay[0]].into()).await.unwrap();
        assert_eq!(group.node(leader).look().voters.len(), 2);
        group.kill(stay[1]).await;
        group.publish("m").await;
        assert_eq!(count(&group.until_equal().await, "m"), 6);
    })
    .await;
}

/// New members, those of the beginning gone for good.
async fn moved(to: [u64; 3]) -> Group {
    let mut group = Group::start(3).await;
    group.publish("m").await;
    let new: Vec<u64> = to.into_iter().filter(|node| !group.ids().contains(node)).collect();
    for node in new {
        group.join(node).await;
        let leader = group.until_led().await;
        group.node(leader).replica.add_learner(node).await.unwrap();
    }
    let leader = group.until_led().await;
    group.node(leader).replica.change_members(to.into()).await.unwrap();
    for node in group.ids().into_iter().filter(|node| !to.contains(node)) {
        group.until_led_without(node).await;
        group.kill(node).await;
    }
    group.publish("m").await;
    group.network.tell(&to);
    group
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_disk_asks_those_who_are_members_now() {
    with_local(async {
        for to in [[2, 3, 4], [3, 4, 5], [4, 5, 6]] {
            let mut group = moved(to).await;
            let mut published = 2;
            for node in to {
                group.until_all_vote().await;
                group.wipe(node).await;
                group.publish("m").await;
                // It knows the members of the beginning.
                group.boot(node).await;
                published += 1;
                assert_eq!(count(&group.until_equal().await, "m"), published, "{to:?} {node}");
            }
            group.until_all_vote().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_is_not_begun_anew_while_one_says_that_it_has_left() {
    with_local(async {
        let mut group = Group::prepared(3);
        group.network.without_replica(1, true);
        group.boot(2).await;
        group.boot(3).await;
        group.sleep_ms(20_000).await;
        assert_eq!(group.leader(), None, "2 and 3 may have lost what 4 and 5 still have");
        // It only was not there yet.
        group.network.without_replica(1, false);
        group.publish("m").await;
        group.boot(1).await;
        assert_eq!(count(&group.until_equal().await, "m"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn leadership_moves_under_load_and_nothing_is_lost() {
    with_local(async {
        let group = Group::start(3).await;
        let mut longest = Duration::ZERO;
        let mut published = 0;
        for round in 0..12 {
            let leader = group.until_led().await;
            let to = 1 + (leader % 3);
            let replica = group.node(leader).replica.clone();
            let moving = tokio::task::spawn_local(async move {
                use crate::replication::Replication;
                replica.transfer_leader(to).await
            });
            let mut last = tokio::time::Instant::now();
            while !moving.is_finished() || group.leader() != Some(to) {
                assert_eq!(group.publish("m").await, 0, "round {round}: answered in doubt");
                published += 1;
                longest = longest.max(last.elapsed());
                last = tokio::time::Instant::now();
            }
            moving.await.unwrap().unwrap();
            group.publish("m").await;
            published += 1;
            longest = longest.max(last.elapsed());
        }
        assert_eq!(count(&group.until_equal().await, "m"), published);
        assert!(longest < Duration::from_millis(50), "{longest:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_that_fails_ends_with_a_leader() {
    with_local(async {
        use crate::replication::Replication;
        let group = Group::start(3).await;
        let leader = group.until_led().await;
        group.publish("m").await;
        group.sleep_ms(200).await;
        let replica = group.node(leader).replica.clone();
        assert!(replica.transfer_leader(9).await.is_err(), "no member");
        group.network.silence(leader, 3, true);
        assert!(replica.transfer_leader(3).await.is_err(), "it hears nothing");
        group.network.silence(leader, 3, false);
        group.publish("m").await;
        assert_eq!(count(&group.until_equal().await, "m"), 2);
    })
    .await;
}
