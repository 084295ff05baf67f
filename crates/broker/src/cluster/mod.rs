//! Several nodes as one cluster: links between them, what they tell each other, and where a command goes.

mod config;
pub(crate) mod frame;
pub mod limits;

pub use config::{BrokerAddress, CLUSTER_ID_DEFAULT, ClusterConfig};
pub use frame::NodeName;
