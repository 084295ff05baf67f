//! Nodes that dial this one.

use std::sync::Arc;
use std::time::Duration;

use skep_env::net::{Connection, Listener};
use tokio::time::{sleep, timeout};

use crate::cluster::frame::{Frame, Hello, Purpose, Refusal};
use crate::cluster::handshake::{
    HandshakeError, check, expect_confirmation, expect_hello, send, taken,
};
use crate::cluster::limits::{BACKOFF_MIN, HEARTBEAT, SILENCE_MAX};
use crate::cluster::link::Link;
use crate::cluster::metrics::REFUSED;
use crate::cluster::node::Cluster;

/// How long frames of an earlier life may still be on their way: what is heard later is a living
/// node.
const LATE_FRAMES: Duration = HEARTBEAT;

/// Takes connections for as long as the node runs.
pub(super) async fn listen(cluster: Arc<Cluster>, mut listener: Box<dyn Listener>) {
    loop {
        match listener.accept().await {
            Ok(connection) => {
                let visited = cluster.clone();
                cluster.spawn(async move { admit(visited, connection).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection of another node could not be taken");
                sleep(BACKOFF_MIN).await;
            }
        }
    }
}

async fn admit(cluster: Arc<Cluster>, mut connection: Connection) {
    let peer = connection.peer.clone();
    let theirs = match expect_hello(&mut connection).await {
        Ok(theirs) => theirs,
        Err(error) => {
            tracing::debug!(peer, ?error, "somebody who is no node of this cluster");
            return;
        }
    };
    if cluster.is_cut(theirs.name) {
        return;
    }
    let mine = cluster.hello(theirs.purpose);
    let refusal = match check(&mine, &theirs) {
        Err(refusal) => Some(refusal),
        Ok(()) => taken_by_another(&cluster, &theirs).await,
    };
    if let Some(refusal) = refusal {
        metrics::counter!(REFUSED).increment(1);
        tracing::error!(peer, reason = refusal.reason, "a node is not let in");
        let _ = send(&mut connection, &Frame::Refused(refusal)).await;
        return;
    }
    if let Err(error) = welcome(&cluster, mine, theirs, connection).await {
        tracing::debug!(peer, ?error, "a node went away during the handshake");
    }
}

async fn welcome(
    cluster: &Arc<Cluster>,
    mine: Hello,
    theirs: Hello,
    mut connection: Connection,
) -> Result<(), HandshakeError> {
    send(&mut connection, &Frame::Hello(mine)).await?;
    cluster.introduced(&theirs);
    if theirs.purpose == Purpose::Introduction {
        return Ok(());
    }
    let early = expect_confirmation(&mut connection).await?;
    let link = cluster.begin_link(theirs);
    cluster.live(link, connection, early).await;
    Ok(())
}

/// Whether another life of the same node is connected and lives. One that is silent has ended, and
/// its connection just does not know yet.
async fn taken_by_another(cluster: &Cluster, theirs: &Hello) -> Option<Refusal> {
    let known = cluster.link(theirs.name)?;
    if known.peer.incarnation == theirs.incarnation {
        return None;
    }
    let lives = async {
        sleep(LATE_FRAMES).await;
        let before = known.heard();
        while known.heard() == before {
            sleep(HEARTBEAT / 2).await;
        }
    };
    let still_there = tokio::select! {
        biased;
        _ = known.broken() => false,
        lives = timeout(SILENCE_MAX, lives) => lives.is_ok(),
    };
    still_there.then(|| taken(theirs.name, &address_of(&known)))
}

fn address_of(link: &Link) -> String {
    if link.peer.address.is_empty() {
        "an unknown address".to_owned()
    } else {
        link.peer.address.clone()
    }
}
