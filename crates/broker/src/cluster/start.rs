//! Begins to be one of the cluster.

use std::sync::Arc;

use skep_env::Network;
use skep_env::net::Listener;

use crate::cluster::dial::{dial_all, introduce_to_all};
use crate::cluster::listen::listen;
use crate::cluster::node::Cluster;
use crate::cluster::tell::{TellStreams, repeat, tell_config, tell_status, watch_leaders};
use crate::error::BrokerError;

/// Listens for other nodes.
pub(crate) async fn bind(
    network: &dyn Network,
    address: &str,
) -> Result<Box<dyn Listener>, BrokerError> {
    network.listen(address).await.map_err(|error| {
        BrokerError::internal(format!(
            "cannot listen for other nodes on {address}: {error}; end what uses it, or choose another address \
             with --cluster-bind"
        ))
    })
}

/// Lets the others in, hears whether they let this node in, and dials them from then on.
///
/// # Errors
/// When one of them refuses this node for a reason that an operator has to remove.
pub(crate) async fn start(
    cluster: &Arc<Cluster>,
    listener: Option<Box<dyn Listener>>,
    contacts: Vec<String>,
) -> Result<(), BrokerError> {
    cluster.parts.hub.listen(Arc::new(TellStreams(Arc::downgrade(cluster))));
    if let Some(listener) = listener {
        cluster.spawn(listen(cluster.clone(), listener));
    }
    if let Err(reason) = introduce_to_all(cluster).await {
        cluster.stop();
        // The port is free again when this returns.
        cluster.ended().await;
        return Err(BrokerError::internal(reason));
    }
    cluster.spawn(tell_status(cluster.clone()));
    cluster.spawn(tell_config(cluster.clone()));
    cluster.spawn(repeat(cluster.clone()));
    cluster.spawn(watch_leaders(cluster.clone()));
    cluster.spawn(dial_all(cluster.clone(), contacts));
    Ok(())
}
