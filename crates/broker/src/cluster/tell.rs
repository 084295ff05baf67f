//! What this node tells the others about itself without being asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use tokio::time::{Instant, sleep_until};

use crate::cluster::frame::Frame;
use crate::cluster::limits::{REPEAT_INTERVAL, STATUS_INTERVAL};
use crate::cluster::node::Cluster;
use crate::cluster::view::Leaders;
use crate::jobs::{JobStreamSpec, StreamListener};
use crate::metadata::ClusterConfig;
use crate::partition::Control;

/// Tells the roles of this node whenever they change, and now and then. So does a broker with the configuration:
/// who has lost a word of it would not know the cluster as long as the link lives.
pub(super) async fn tell_status(cluster: Arc<Cluster>) {
    loop {
        let next = Instant::now() + STATUS_INTERVAL;
        let status = cluster.status();
        if let Some(id) = cluster.parts.name.broker() {
            cluster.view.heard(id, status.clone());
        }
        cluster.send_to_all(&Frame::Status(status));
        if cluster.parts.name.broker().is_some()
            && let Some(config) = cluster.config()
        {
            cluster.send_to_all(&config_frame(&config));
        }
        tokio::select! {
            biased;
            () = cluster.parts.members.changed() => {}
            () = sleep_until(next) => {}
        }
    }
}

/// Hands on every newer configuration to those that do not have it.
pub(super) async fn tell_config(cluster: Arc<Cluster>) {
    let mut configs = cluster.parts.known.subscribe();
    while configs.changed().await.is_ok() {
        let config = configs.borrow_and_update().clone();
        if let Some(config) = config {
            cluster.send_to_all(&config_frame(&config));
        }
    }
}

/// Repeats what brokers need to know of clients here, as long as this node runs.
pub(super) async fn repeat(cluster: Arc<Cluster>) {
    loop {
        tokio::time::sleep(REPEAT_INTERVAL).await;
        for link in cluster.links().into_iter().filter(|link| link.name().broker().is_some()) {
            cluster.tell_streams(&link);
            link.ask_again();
        }
    }
}

/// The configuration on its way to another node.
pub(super) fn config_frame(config: &ClusterConfig) -> Frame {
    Frame::Config { version: config.version, document: config.encode().into() }
}

/// Lets the partitions of this node know which others can be reached now: what those have not answered
/// is sent again at once.
fn tell_reachable(cluster: &Cluster, before: &Leaders, now: &Leaders) {
    let partitions: BTreeSet<_> = before.keys().chain(now.keys()).copied().collect();
    for partition in partitions {
        let leader = now.get(&partition);
        if before.get(&partition) == leader {
            continue;
        }
        let reachable = leader.is_some();
        cluster.parts.members.each(|member| {
            if member.id != partition {
                member.inbox.control(Control::Reachable { partition, reachable });
            }
        });
    }
}

/// Lets waiting polls ask again when a partition has a new leader: what became available before it
/// led was announced to nobody.
pub(super) async fn watch_leaders(cluster: Arc<Cluster>) {
    let mut leaders = cluster.view.leaders();
    let mut known = leaders.borrow().clone();
    while leaders.changed().await.is_ok() {
        let now = leaders.borrow_and_update().clone();
        cluster.parts.hub.announcements.announce_all_here();
        tell_reachable(&cluster, &known, &now);
        known = now;
    }
}

/// Tells all brokers of the streams that clients open here.
pub(super) struct TellStreams(pub(super) Weak<Cluster>);

impl StreamListener for TellStreams {
    fn opened(&self, stream: u64, spec: &JobStreamSpec) {
        if let Some(cluster) = self.0.upgrade() {
            cluster.send_to_brokers(&Frame::StreamOpen { stream, spec: spec.clone() });
        }
    }

    fn closed(&self, stream: u64) {
        if let Some(cluster) = self.0.upgrade() {
            cluster.send_to_brokers(&Frame::StreamClose { stream });
        }
    }
}

impl Cluster {
    fn send_to_brokers(&self, frame: &Frame) {
        for link in self.links() {
            if link.name().broker().is_some() {
                let _ = link.send(frame);
            }
        }
    }

    /// Somebody on this node waits for jobs of a type: the others tell when there are some. Called after
    /// the wait is registered here, and before partitions are asked, so that nothing falls between.
    pub(crate) fn ask_for_jobs(&self, job_type: &str) {
        for link in self.links() {
            link.ask_for(job_type);
        }
    }
}
