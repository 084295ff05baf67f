//! Names, ports and addresses of the nodes of a cluster, decided once when the cluster is made.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NodeKind {
    /// Holds partitions.
    Broker,
    /// Holds nothing and finds the brokers.
    Gateway,
}

impl NodeKind {
    /// The name as it is typed.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Gateway => "gateway",
        }
    }
}

/// Where a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) grpc: SocketAddrV4,
    pub(crate) rest: SocketAddrV4,
    pub(crate) management: SocketAddrV4,
    /// For the other nodes; gateways only dial, so theirs is not used.
    pub(crate) cluster: SocketAddrV4,
}

/// The usual ports, which every node has that is alone on its address.
const GRPC: u16 = 26_500;
const REST: u16 = 8080;
const MANAGEMENT: u16 = 9600;
const CLUSTER: u16 = 26_502;

/// Ports of one node when they are counted from a base: round, so that people can read them.
const PORTS_PER_NODE: u16 = 10;

/// A node that a plan asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) kind: NodeKind,
    pub(crate) id: u16,
}

impl Seat {
    /// `broker-0`, `gateway-1`.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", self.kind.text(), self.id)
    }
}

/// The nodes of a plan: brokers first, because gateways look for them.
pub(crate) fn seats(plan: Plan) -> Vec<Seat> {
    let brokers = (0..plan.brokers).map(|id| Seat { kind: NodeKind::Broker, id });
    let gateways = (0..plan.gateways).map(|id| Seat { kind: NodeKind::Gateway, id });
    brokers.chain(gateways).collect()
}

/// Ports of loopback that nobody listens on right now, four for each node.
pub(crate) fn free_ports(nodes: usize) -> Result<Vec<Addresses>, String> {
    let failed = |error: std::io::Error| format!("cannot find a free port: {error}");
    // Held together, so that they differ.
    let listeners = (0..nodes * 4)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let ports = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<Result<Vec<u16>, _>>()
        .map_err(failed)?;
    let at = |port: u16| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    Ok(ports
        .chunks_exact(4)
        .map(|ports| Addresses {
            grpc: at(ports[0]),
            rest: at(ports[1]),
            management: at(ports[2]),
            cluster: at(ports[3]),
        })
        .collect())
}

/// Ports of loopback counted from `base`: gateways first, so that the base itself is where a client
/// goes.
pub(crate) fn counted_ports(seats: &[Seat], base: u16) -> Result<Vec<Addresses>, String> {
    let gateways = seats.iter().filter(|seat| seat.kind == NodeKind::Gateway).count();
    let place = |seat: &Seat| match seat.kind {
        NodeKind::Gateway => usize::from(seat.id),
        NodeKind::Broker => gateways + usize::from(seat.id),
    };
    let at = |place: usize, offset: u16| {
        let place = u16::try_from(place).ok()?;
        let port = base.checked_add(place.checked_mul(PORTS_PER_NODE)?)?.checked_add(offset)?;
        Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    };
    seats
        .iter()
        .map(|seat| {
            let place = place(seat);
            Some(Addresses {
                grpc: at(place, 0)?,
                rest: at(place, 1)?,
                management: at(place, 2)?,
                cluster: at(place, 3)?,
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| {
            format!(
                "{} nodes from port {base} on go beyond port 65535: name a lower base",
                seats.len()
            )
        })
}

/// What the network of a cluster with namespaces is called and where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkPlace {
    /// Tells the devices and namespaces of this cluster from those of others on this machine.
    pub(crate) prefix: String,
    /// First address of the /24; the host has `.1` in it.
    pub(crate) subnet: Ipv4Addr,
}

impl NetworkPlace {
    /// The place of a cluster: the same folder always has the same. `attempt` moves the addresses when
    /// they are taken.
    pub(crate) fn of(folder: &Path, attempt: u8) -> Self {
        let hash = hash_of(folder.as_os_str().as_encoded_bytes());
        let [a, b, c, _, second, third, ..] = hash.to_be_bytes();
        Self {
            prefix: format!("sk{a:02x}{b:02x}{c:02x}"),
            // 10.64.0.0 to 10.191.255.0: away from the edges, where most private networks are.
            subnet: Ipv4Addr::new(10, 64 + second % 128, third.wrapping_add(attempt), 0),
        }
    }

    /// The bridge that all nodes are connected to.
    pub(crate) fn bridge(&self) -> String {
        format!("{}-br", self.prefix)
    }

    /// The network namespace of a node.
    pub(crate) fn namespace(&self, seat: Seat) -> String {
        format!("{}-{}", self.prefix, seat.name())
    }

    /// The host's end of a node's cable; at most 15 letters.
    pub(crate) fn cable(&self, seat: Seat) -> String {
        let letter = match seat.kind {
            NodeKind::Broker => 'b',
            NodeKind::Gateway => 'g',
        };
        format!("{}-{letter}{}", self.prefix, seat.id)
    }

    /// The host's address.
    pub(crate) fn host(&self) -> Ipv4Addr {
        self.with_last(1)
    }

    /// A node's address: brokers from `.10` on, gateways from `.100` on.
    pub(crate) fn address(&self, seat: Seat) -> Ipv4Addr {
        let first = match seat.kind {
            NodeKind::Broker => 10,
            NodeKind::Gateway => 100,
        };
        self.with_last(first + u8::try_from(seat.id).unwrap_or(u8::MAX - first))
    }

    /// Where a node listens: the usual ports, on its own address.
    pub(crate) fn addresses(&self, seat: Seat) -> Addresses {
        let at = |port| SocketAddrV4::new(self.address(seat), port);
        Addresses {
            grpc: at(GRPC),
            rest: at(REST),
            management: at(MANAGEMENT),
            cluster: at(CLUSTER),
        }
    }

    fn with_last(&self, last: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.subnet.octets();
        Ipv4Addr::new(a, b, c, last)
    }
}

/// FNV-1a: short, and the same in every build.
fn hash_of(bytes: &[u8]) -> u64 {
    let mixed = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // Similar names differ in a few bits only: spread them over all.
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
