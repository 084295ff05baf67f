//! What a node is told about its cluster.

use std::collections::{BTreeMap, BTreeSet};

/// Name of a cluster that was not given one.
pub const CLUSTER_ID_DEFAULT: &str = "skep-cluster";

/// A broker's cluster, as its flags say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Name of the cluster; nodes of another name are refused.
    pub cluster_id: String,
    /// All brokers of the cluster, this one among them, and where they are dialled (`host:port`).
    pub peers: BTreeMap<u32, String>,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// Where other nodes are listened for; where the peers dial this node by default.
    pub bind: Option<String>,
    /// What the others are told to dial; where this node listens by default.
    pub advertise: Option<String>,
    /// The cluster exists without this broker: it waits until an operator adds it.
    pub join: bool,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            cluster_id: CLUSTER_ID_DEFAULT.to_owned(),
            peers: BTreeMap::new(),
            replication_factor: 1,
            bind: None,
            advertise: None,
            join: false,
        }
    }
}

impl ClusterSettings {
    /// Whether what was said makes sense for this node.
    ///
    /// # Errors
    /// With what to do.
    pub fn check(&self, node_id: u32) -> Result<(), String> {
        if self.cluster_id.trim().is_empty() {
            return Err("a cluster needs a name; give one with --cluster-id".to_owned());
        }
        let mut addresses = BTreeSet::new();
        for (id, address) in &self.peers {
            check_address(address).map_err(|error| format!("--peers {id}={address}: {error}"))?;
            if !addresses.insert(address) {
                return Err(format!(
                    "--peers names {address} twice; every broker has an address of its own"
                ));
            }
        }
        for address in self.bind.iter().chain(&self.advertise) {
            check_address(address).map_err(|error| format!("'{address}': {error}"))?;
        }
        if self.join && self.peers.is_empty() {
            return Err("--join needs --peers: the brokers of the cluster to join".to_owned());
        }
        if !self.join && !self.peers.is_empty() && !self.peers.contains_key(&node_id) {
            let known: Vec<String> = self.peers.keys().map(ToString::to_string).collect();
            return Err(format!(
                "this is node {node_id}, but --peers names only {}; name this node there too, correct --node-id, \
                 or give --join when the cluster exists without this node",
                known.join(", ")
            ));
        }
        Ok(())
    }

    /// Where this node listens for others, when it does.
    #[must_use]
    pub fn listens_at(&self, node_id: u32) -> Option<String> {
        self.bind.clone().or_else(|| self.peers.get(&node_id).cloned())
    }

    /// The brokers that the first configuration of the cluster has.
    #[must_use]
    pub fn founders(&self, node_id: u32, address: &str) -> BTreeMap<u32, String> {
        if self.peers.is_empty() {
            BTreeMap::from([(node_id, address.to_owned())])
        } else {
            self.peers.clone()
        }
    }
}

/// `host:port`, with a port that can be dialled.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    let expected = || "an address is host:port, for example 127.0.0.1:26502".to_owned();
    let (host, port) = address.rsplit_once(':').ok_or_else(expected)?;
    let port: u16 = port.parse().map_err(|_| expected())?;
    if host.is_empty() || host.contains(char::is_whitespace) || port == 0 {
        return Err(expected());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(peers: &[(u32, &str)]) -> ClusterSettings {
        let peers = peers.iter().map(|(id, address)| (*id, (*address).to_owned())).collect();
        ClusterSettings { peers, ..ClusterSettings::default() }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_to_do() {
        assert_eq!(settings(&[]).check(0), Ok(()));
        let three = settings(&[(0, "a:1"), (1, "b:1"), (2, "[::1]:1")]);
        assert_eq!(three.check(2), Ok(()));
        let missing = three.check(3).unwrap_err();
        assert!(missing.contains("node 3") && missing.contains("0, 1, 2"), "{missing}");
        assert_eq!(ClusterSettings { join: true, ..three.clone() }.check(3), Ok(()));
        assert!(settings(&[(0, "a:1"), (1, "a:1")]).check(0).unwrap_err().contains("twice"));
        for wrong in ["a", "a:", ":1", "a:0", "a:65536", "a b:1", ""] {
            let refused = settings(&[(0, wrong)]).check(0).unwrap_err();
            assert!(refused.contains("host:port"), "{refused}");
        }
        let nameless = ClusterSettings { cluster_id: " ".to_owned(), ..three };
        assert!(nameless.check(0).unwrap_err().contains("--cluster-id"));
        let nobody = ClusterSettings { join: true, ..settings(&[]) };
        assert!(nobody.check(0).unwrap_err().contains("--peers"));
    }

    #[test]
    fn a_node_listens_where_the_others_dial_it() {
        let mut two = settings(&[(0, "a:1"), (1, "b:1")]);
        assert_eq!(two.listens_at(1).as_deref(), Some("b:1"));
        two.bind = Some("0.0.0.0:1".to_owned());
        assert_eq!(two.listens_at(1).as_deref(), Some("0.0.0.0:1"));
        assert_eq!(settings(&[]).listens_at(0), None);
    }
}
