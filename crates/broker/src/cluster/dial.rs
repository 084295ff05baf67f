//! Nodes that this one dials: brokers dial those with higher numbers and introduce themselves to the
//! others; gateways dial all, and so does a broker that was removed, whom the others do not dial any
//! more and whose clients may still be there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::cluster::frame::{Hello, NodeName, Purpose, Refusal};
use crate::cluster::handshake::{HandshakeError, confirm, introduce};
use crate::cluster::limits::{BACKOFF_MAX, BACKOFF_MIN, INTRODUCTION_WAIT};
use crate::cluster::metrics::REFUSED;
use crate::cluster::node::Cluster;

/// Keeps a dialler for every broker of the configuration, and for every address that was told.
pub(super) async fn dial_all(cluster: Arc<Cluster>, contacts: Vec<String>) {
    for contact in contacts {
        let dialling = cluster.clone();
        cluster.spawn(async move { keep_contact(dialling, contact).await });
    }
    let mut configs = cluster.parts.known.subscribe();
    let mut dialled = BTreeSet::new();
    loop {
        let config = configs.borrow_and_update().clone();
        let wanted: BTreeSet<u32> =
            config.iter().flat_map(|config| config.brokers.keys().copied()).collect();
        dialled.retain(|id| wanted.contains(id));
        for id in wanted {
            if cluster.parts.name != NodeName::Broker(id) && dialled.insert(id) {
                let dialling = cluster.clone();
                cluster.spawn(async move { keep_linked(dialling, id).await });
            }
        }
        if configs.changed().await.is_err() {
            return;
        }
    }
}

/// Keeps a link to a broker for as long as it is in the configuration.
async fn keep_linked(cluster: Arc<Cluster>, id: u32) {
    let wake = cluster.wake(id);
    let mut attempts = Attempts::default();
    let is_known = |config: &Option<Arc<crate::metadata::ClusterConfig>>| {
        config.as_ref().is_some_and(|config| config.brokers.contains_key(&id))
    };
    while is_known(&cluster.config()) {
        if let Some(link) = cluster.link(NodeName::Broker(id)) {
            link.broken().await;
            attempts = Attempts::default();
        } else if let Some(address) = cluster.address_of(id) {
            let result = attempt(&cluster, &address, Some(id)).await;
            if result.is_err() {
                cluster.forget_told(id);
            }
            attempts.note(&cluster, &address, result);
        }
        tokio::select! {
            biased;
            () = wake.notified() => {}
            () = sleep(attempts.pause()) => {}
        }
    }
}

/// Keeps a link to whoever is at an address.
async fn keep_contact(cluster: Arc<Cluster>, address: String) {
    let mut attempts = Attempts::default();
    let mut known = None;
    loop {
        if let Some(link) = known.and_then(|name| cluster.link(name)) {
            link.broken().await;
            attempts = Attempts::default();
        } else {
            let result = attempt(&cluster, &address, None).await;
            if let Ok(name) = &result {
                known = Some(*name);
            }
            attempts.note(&cluster, &address, result);
        }
        sleep(attempts.pause()).await;
    }
}

/// One attempt. When it succeeds the link, if it is this side that dials, has lived and broken.
async fn attempt(
    cluster: &Arc<Cluster>,
    address: &str,
    expected: Option<u32>,
) -> Result<NodeName, HandshakeError> {
    let away = |error: std::io::Error| HandshakeError::Away(error.to_string());
    if expected.is_some_and(|id| cluster.is_cut(NodeName::Broker(id))) {
        return Err(cut());
    }
    let mut connection = cluster.parts.network.connect(address).await.map_err(away)?;
    let purpose = purpose(cluster.parts.name, is_dialled(cluster), expected);
    let mine = cluster.hello(purpose);
    let theirs = introduce(&mut connection, &mine).await?;
    check_expected(&theirs, expected, address)?;
    let name = theirs.name;
    if cluster.is_cut(name) {
        return Err(cut());
    }
    if purpose == Purpose::Introduction || cluster.link(name).is_some() {
        return Ok(name);
    }
    let link = cluster.begin_link(theirs);
    if let Err(error) = confirm(&mut connection).await {
        link.give_up("the other side went away during the handshake");
        cluster.remove_link(&link);
        return Err(error);
    }
    cluster.live(link, connection, Vec::new()).await;
    Ok(name)
}

fn cut() -> HandshakeError {
    HandshakeError::Away("a fault lets nothing pass".to_owned())
}

/// Whether this is a node that others dial: a broker of the configuration, as far as it is known.
fn is_dialled(cluster: &Cluster) -> bool {
    let Some(mine) = cluster.parts.name.broker() else { return false };
    cluster.config().is_none_or(|config| config.brokers.contains_key(&mine))
}

/// Of two brokers that are dialled the one with the lower number dials; all others dial whom they want.
fn purpose(name: NodeName, is_dialled: bool, expected: Option<u32>) -> Purpose {
    match (name, expected) {
        (NodeName::Broker(mine), Some(theirs)) if is_dialled && theirs < mine => {
            Purpose::Introduction
        }
        _ => Purpose::Link,
    }
}

fn check_expected(
    theirs: &Hello,
    expected: Option<u32>,
    address: &str,
) -> Result<(), HandshakeError> {
    match expected {
        Some(id) if theirs.name != NodeName::Broker(id) => {
            Err(HandshakeError::Refused(Refusal::fatal(format!(
                "{} answers at {address}, where node {id} should be; correct --peers",
                theirs.name
            ))))
        }
        _ => Ok(()),
    }
}

/// Pauses that grow, and words that do not repeat themselves.
#[derive(Default)]
struct Attempts {
    failures: u32,
    said: String,
}

impl Attempts {
    fn note(&mut self, cluster: &Cluster, address: &str, result: Result<NodeName, HandshakeError>) {
        match result {
            Ok(_) => *self = Self::default(),
            Err(HandshakeError::Away(reason)) => {
                self.failures = self.failures.saturating_add(1);
                if self.said != reason {
                    tracing::info!(address, reason, "a node is not reached; dialling on");
                    self.said = reason;
                }
            }
            Err(HandshakeError::Refused(refusal)) => {
                self.failures = u32::MAX;
                if self.said != refusal.reason {
                    metrics::counter!(REFUSED).increment(1);
                    tracing::error!(address, reason = refusal.reason, "refused");
                    self.said.clone_from(&refusal.reason);
                }
                if refusal.fatal {
                    cluster.fail(&refusal.reason);
                }
            }
        }
    }

    fn pause(&self) -> Duration {
        BACKOFF_MIN.saturating_mul(1 << self.failures.min(6)).min(BACKOFF_MAX)
    }
}

/// Asks every broker that is there whether it lets this node in, before anything starts.
///
/// # Errors
/// The refusal that an operator has to act on.
pub(super) async fn introduce_to_all(cluster: &Arc<Cluster>) -> Result<(), String> {
    let Some(config) = cluster.config() else { return Ok(()) };
    let others = config.brokers.keys().filter(|id| cluster.parts.name != NodeName::Broker(**id));
    // Who does not answer in time is away, and is dialled later.
    let introductions = others.map(|&id| timeout(INTRODUCTION_WAIT, introduce_to(cluster, id)));
    let results = futures::future::join_all(introductions).await;
    results.into_iter().flatten().flatten().map(Err).next().unwrap_or(Ok(()))
}

async fn introduce_to(cluster: &Arc<Cluster>, id: u32) -> Option<String> {
    let address = cluster.address_of(id)?;
    let mut connection = cluster.parts.network.connect(&address).await.ok()?;
    let mine = cluster.hello(Purpose::Introduction);
    let result = introduce(&mut connection, &mine).await;
    match result.and_then(|theirs| check_expected(&theirs, Some(id), &address)) {
        Err(HandshakeError::Refused(refusal)) if refusal.fatal => Some(refusal.reason),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_brokers_one_dials_unless_the_other_would_not() {
        let broker = NodeName::Broker;
        assert_eq!(purpose(broker(1), true, Some(2)), Purpose::Link);
        assert_eq!(purpose(broker(2), true, Some(1)), Purpose::Introduction);
        assert_eq!(purpose(broker(2), false, Some(1)), Purpose::Link);
        assert_eq!(purpose(broker(2), true, None), Purpose::Link);
    }
}
