//! The life of a link, from the handshake to its end.

use std::sync::Arc;

use bytes::Bytes;
use skep_env::net::Connection;

use crate::cluster::frame::{Frame, Hello};
use crate::cluster::link::{self, Link, LinkFaults};
use crate::cluster::metrics::BROKEN;
use crate::cluster::node::Cluster;
use crate::cluster::tell::config_frame;

impl Cluster {
    /// Makes a link to who has introduced itself. What is sent on it waits until [`Cluster::live`].
    pub(super) fn begin_link(&self, peer: Hello) -> Arc<Link> {
        let faults = self.parts.faults.clone().map(|points| LinkFaults::new(points, peer.name));
        let link = Link::new(peer, faults);
        self.add_link(&link);
        link
    }

    /// Carries frames until the link breaks. `early` came with the handshake.
    pub(super) async fn live(
        self: &Arc<Self>,
        link: Arc<Link>,
        connection: Connection,
        early: Vec<Bytes>,
    ) {
        self.up(&link);
        let cluster = self.clone();
        let heard_on = link.clone();
        link::run(link.clone(), connection, early, move |frame| cluster.heard(&heard_on, frame))
            .await;
        self.down(&link);
    }

    /// Both sides have agreed: each tells the other what it needs to know.
    fn up(&self, link: &Arc<Link>) {
        tracing::info!(node = %link.name(), address = link.peer.address, "connected");
        self.view.up(&link.peer);
        if let Some(config) = self.config()
            && config.version > link.peer.config_version
        {
            let _ = link.send(&config_frame(&config));
        }
        if self.parts.name.broker().is_some() {
            let _ = link.send(&Frame::Status(self.status()));
        }
        if link.name().broker().is_some() {
            self.tell_streams(link);
            for job_type in self.parts.hub.announcements.awaited() {
                link.ask_for(&job_type);
            }
        }
        if let Some(id) = link.name().broker() {
            for replica in self.replicas() {
                replica.peer_found(u64::from(id));
            }
        }
    }

    /// Tells a broker of the streams that clients have open here; those that it has stay as they are.
    pub(super) fn tell_streams(&self, link: &Link) {
        for (stream, spec) in self.parts.hub.streams_here() {
            let _ = link.send(&Frame::StreamOpen { stream, spec });
        }
    }

    fn down(&self, link: &Arc<Link>) {
        link.give_up("it has ended");
        let reason = link.reason();
        metrics::counter!(BROKEN).increment(1);
        self.close_streams(link);
        if !self.remove_link(link) {
            return;
        }
        tracing::warn!(node = %link.name(), reason, "not connected any more");
        self.view.lost(&link.peer);
        self.parts.hub.announcements.forget(link.name());
        if let Some(id) = link.name().broker() {
            for replica in self.replicas() {
                replica.peer_lost(u64::from(id));
            }
        }
    }
}
