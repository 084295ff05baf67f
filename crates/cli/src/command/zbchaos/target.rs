//! The cluster that is troubled: one that this machine started, or any by its addresses.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::cluster::admin::{self, Admin};
use crate::cluster::http;
use crate::cluster::layout::NodeKind;
use crate::cluster::state::{ClusterState, Node, NodeState};
use crate::failure::Failure;

/// How long a node may take to answer: it may have to ask the coordinator first.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// Behind these management ports.
    Addresses(Vec<String>),
}

impl Target {
    /// The folder; an error for a cluster that is known by addresses only.
    pub(super) fn folder(&self) -> Result<&Path, Failure> {
        match self {
            Self::Folder(folder) => Ok(folder),
            Self::Addresses(_) => Err(Failure::guided(
                2,
                "only a cluster of this machine can be troubled like that".to_owned(),
                "Start one with `skep cluster start` and name its folder with --dir.",
            )),
        }
    }

    /// What is in the folder, as it is now.
    pub(super) fn cluster(&self) -> Result<ClusterState, Failure> {
        admin::existing(self.folder()?)
    }

    /// Takes the cluster into hand.
    pub(super) fn admin(&self) -> Result<Admin, Failure> {
        Admin::open(self.folder()?)
    }

    /// The management ports of the brokers that are running, or of all nodes that are known.
    pub(super) fn brokers(&self) -> Result<Vec<SocketAddr>, Failure> {
        match self {
            Self::Folder(_) => Ok(self
                .cluster()?
                .of_kind(NodeKind::Broker)
                .filter(|node| node.state() == NodeState::Running)
                .map(|node| node.addresses.management.into())
                .collect()),
            Self::Addresses(addresses) => resolve(addresses),
        }
    }

    /// The management ports of all nodes that are running, gateways first.
    fn all(&self) -> Result<Vec<SocketAddr>, Failure> {
        match self {
            Self::Folder(_) => {
                let cluster = self.cluster()?;
                let gateways = cluster.of_kind(NodeKind::Gateway);
                let nodes = gateways.chain(cluster.of_kind(NodeKind::Broker));
                let running = nodes.filter(|node| node.state() == NodeState::Running);
                Ok(running.map(|node: &Node| node.addresses.management.into()).collect())
            }
            Self::Addresses(addresses) => resolve(addresses),
        }
    }

    /// Asks every node; those that do not answer are left out.
    pub(super) fn ask_each(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let answers = self.all()?.into_iter().filter_map(|address| ask_one(address, path));
        Ok(answers.filter_map(|text| serde_json::from_str(&text).ok()).collect())
    }

    /// Asks whichever node answers first.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let body = body.map(Value::to_string);
        for address in self.all()? {
            if let Some((status, text)) =
                http::request(address, method, path, body.as_deref(), PATIENCE)
            {
                return read(status, &text);
            }
        }
        Err(Failure::Unreachable(
            "no node of the cluster answers on its management port".to_owned(),
        ))
    }
}

/// Asks one node; nothing when it does not answer or refuses.
pub(super) fn ask_one(address: SocketAddr, path: &str) -> Option<String> {
    match http::request(address, "GET", path, None, PATIENCE) {
        Some((200, body)) => Some(body),
        _ => None,
    }
}

/// The whole states of the replicas of a broker, by partition; nothing when it does not answer. Reading
/// one takes its partition's time.
pub(crate) fn states_of(address: SocketAddr) -> Option<Vec<(u32, Value)>> {
    let text = ask_one(address, "/actuator/partitions/state")?;
    let shown: Value = serde_json::from_str(&text).unwrap_or_default();
    let replicas = shown.as_object().into_iter().flatten();
    Some(replicas.filter_map(|(id, replica)| Some((id.parse().ok()?, replica.clone()))).collect())
}

fn resolve(addresses: &[String]) -> Result<Vec<SocketAddr>, Failure> {
    let mut found = Vec::new();
    for text in addresses {
        let address = text.trim_start_matches("http://").trim_end_matches('/');
        found.extend(address.to_socket_addrs().map_err(|error| {
            Failure::Usage(format!("{text:?} is no address like 127.0.0.1:9600: {error}"))
        })?);
    }
    if found.is_empty() {
        return Err(Failure::Usage(
            "this needs the management port of a node: --management HOST:PORT".to_owned(),
        ));
    }
    Ok(found)
}

/// What a node answered, or why it refused.
fn read(status: u16, text: &str) -> Result<Value, Failure> {
    let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        return Ok(json);
    }
    let detail = json["detail"].as_str().unwrap_or(text).to_owned();
    let code = match status {
        400 | 501 => 3,
        404 => 4,
        409 => 5,
        503 => 7,
        _ => 1,
    };
    Err(Failure::guided(code, format!("{detail} (HTTP {status})"), "Nothing was changed."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_behind_addresses_has_no_processes() {
        let target = Target::Addresses(vec!["127.0.0.1:9600".to_owned()]);
        assert_eq!(target.admin().map(|_| ()).unwrap_err().exit_code(), 2);
        assert_eq!(target.brokers().unwrap().len(), 1);
        assert!(Target::Addresses(vec!["nonsense".to_owned()]).brokers().is_err());
        assert!(Target::Addresses(vec![]).brokers().is_err());
    }

    #[test]
    fn refusals_keep_their_reason() {
        let codes = [400, 404, 409, 503, 500]
            .map(|status| read(status, r#"{"detail":"because"}"#).unwrap_err().exit_code());
        assert_eq!(codes, [3, 4, 5, 7, 1]);
        assert_eq!(read(202, "").unwrap(), Value::Null);
    }
}
