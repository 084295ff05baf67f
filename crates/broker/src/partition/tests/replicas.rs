//! Partitions that replicate to each other.

use crate::partition::tests::group::Group;

async fn with_local(test: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(test).await;
}

fn count(state: &super::group::Look, name: &str) -> u64 {
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
        let status = group.node(1).look();
        assert_eq!(status.voters, [1, 2, 3].into());
        assert_eq!(group.node(2).sent(), 0, "only the leader has effects");
    })
    .await;
}
