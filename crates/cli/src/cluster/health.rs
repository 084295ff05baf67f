//! How the nodes are, as they say themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::http;
use super::layout::NodeKind;
use super::state::{ClusterState, Node};

/// What a node says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It takes requests.
    Ready,
    /// It answers, but does not take requests.
    NotReady,
    /// It does not answer.
    Silent,
}

impl Health {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Silent => "silent",
        }
    }
}

/// Asks a node.
pub(crate) fn health(node: &Node) -> Health {
    match http::get(node.addresses.management, "/ready") {
        Some((200, _)) => Health::Ready,
        Some(_) => Health::NotReady,
        None => Health::Silent,
    }
}

/// Who holds which partition in which role, as one node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Broker id and partition, with role and health.
    roles: BTreeMap<(u64, u64), (String, String)>,
}

impl Topology {
    /// Asks a node; none when it does not answer.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        match http::get(node.addresses.rest, "/v2/topology") {
            Some((200, body)) => Self::parse(&serde_json::from_str(&body).ok()?),
            _ => None,
        }
    }

    fn parse(json: &Value) -> Option<Self> {
        let mut roles = BTreeMap::new();
        for broker in json["brokers"].as_array()? {
            let id = broker["nodeId"].as_u64()?;
            for partition in broker["partitions"].as_array()? {
                let text = |name: &str| partition[name].as_str().unwrap_or("").to_lowercase();
                roles.insert(
                    (id, partition["partitionId"].as_u64()?),
                    (text("role"), text("health")),
                );
            }
        }
        Some(Self { roles })
    }

    /// The partitions that have a healthy leader.
    pub(crate) fn led(&self) -> BTreeSet<u64> {
        let leaders =
            self.roles.iter().filter(|(_, (role, health))| role == "leader" && health == "healthy");
        leaders.map(|((_, partition), _)| *partition).collect()
    }

    /// Whether a broker holds anything.
    pub(crate) fn has_replicas(&self, broker: u64) -> bool {
        self.roles.keys().any(|(id, _)| *id == broker)
    }

    /// What a broker holds: `1 leader, 2 follower`.
    pub(crate) fn roles_of(&self, broker: u64) -> String {
        let own = self.roles.iter().filter(|((id, _), _)| *id == broker);
        let texts = own.map(|((_, partition), (role, health))| match health.as_str() {
            "healthy" | "" => format!("{partition} {role}"),
            other => format!("{partition} {role} ({other})"),
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    /// The roles of a broker, for programs.
    pub(crate) fn roles_json(&self, broker: u64) -> Value {
        let own = self.roles.iter().filter(|((id, _), _)| *id == broker);
        own.map(|((_, partition), (role, health))| {
            serde_json::json!({"partitionId": partition, "role": role, "health": health})
        })
        .collect()
    }
}

/// How far a cluster is on its way to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub(crate) nodes: usize,
    pub(crate) nodes_ready: usize,
    pub(crate) partitions: usize,
    /// Partitions whose leader every entrance knows.
    pub(crate) partitions_led: usize,
}

impl Readiness {
    /// Asks everybody.
    pub(crate) fn of(cluster: &ClusterState) -> Self {
        let ready = cluster.nodes.iter().filter(|node| health(node) == Health::Ready).count();
        let all: BTreeSet<u64> = (1..=u64::from(cluster.partitions)).collect();
        let led = cluster.entrances().into_iter().fold(all, |led, node| {
            let seen = Topology::of(node).unwrap_or_default().led();
            led.intersection(&seen).copied().collect()
        });
        Self {
            nodes: cluster.nodes.len(),
            nodes_ready: ready,
            partitions: cluster.partitions as usize,
            partitions_led: led.len(),
        }
    }

    /// Whether the cluster serves.
    pub(crate) fn is_complete(self) -> bool {
        (self.nodes, self.partitions) == (self.nodes_ready, self.partitions_led)
    }

    /// For people.
    pub(crate) fn text(self) -> String {
        format!(
            "{} of {} nodes ready, {} of {} partitions led",
            self.nodes_ready, self.nodes, self.partitions_led, self.partitions
        )
    }
}

/// The topology, from whoever answers: entrances first.
pub(crate) fn any_topology(cluster: &ClusterState) -> Option<Topology> {
    let brokers = cluster.of_kind(NodeKind::Broker);
    cluster.entrances().into_iter().chain(brokers).find_map(Topology::of)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_topology_says_who_leads_and_who_follows() {
        let partition = |id, role: &str, health: &str| json!({"partitionId": id, "role": role, "health": health});
        let topology = Topology::parse(&json!({"brokers": [
            {"nodeId": 0, "partitions": [partition(1, "leader", "healthy"), partition(2, "follower", "healthy")]},
            {"nodeId": 1, "partitions": [partition(2, "leader", "unhealthy")]},
        ]}))
        .unwrap();
        assert_eq!(topology.led(), BTreeSet::from([1]));
        assert_eq!(topology.roles_of(0), "1 leader, 2 follower");
        assert_eq!(topology.roles_of(1), "2 leader (unhealthy)");
        assert_eq!(topology.roles_json(1)[0]["role"], "leader");
        assert_eq!(Topology::parse(&json!({})), None);
    }
}
