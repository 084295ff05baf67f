//! How the machines of a simulated cluster are called.

/// A node of a cluster: brokers are counted from 0, gateways from [`GATEWAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// The number of the first gateway.
pub const GATEWAYS: u32 = 100;

/// What the machine with the backups is called; it is no node.
pub const SHARE_NODE: NodeId = NodeId(900);

impl NodeId {
    /// The broker of this number.
    #[must_use]
    pub fn broker(number: u32) -> Self {
        Self(number)
    }

    /// The gateway of this number, from 0.
    #[must_use]
    pub fn gateway(number: u32) -> Self {
        Self(GATEWAYS + number)
    }

    /// Whether it is a gateway of its own.
    #[must_use]
    pub fn is_gateway(self) -> bool {
        self.0 >= GATEWAYS && self.0 < SHARE_NODE.0
    }
}
