//! A whole cluster on one thread under one seed.
//!
//! [`simulate`] runs a scenario in a [`World`] whose time is simulated. A [`SimCluster`] runs the
//! production code of brokers and gateways in it, on simulated clocks, disks and a network that
//! fails on demand. The seed decides everything: two runs of it are the same run.
//!
//! Nothing depends on this crate.

pub mod clock;
pub mod cluster;
pub mod disk;
pub mod evidence;
pub mod fault;
mod generated;
mod life;
pub mod minimise;
pub mod mutation;
pub mod net;
mod node;
mod node_id;
mod port;
mod restored;
pub mod run;
pub mod scenario;
mod seeds;
mod share;
mod store;
pub mod sweep;
pub mod trace;
pub mod workload;
mod world;

pub use clock::SimClock;
pub use cluster::{ClusterConfig, NodeId, SimCluster};
pub use disk::SimDisk;
pub use life::Crash;
pub use net::{Cut, Link, SimNetwork};
pub use port::{CLIENTS, Lost};
pub use seeds::Seeds;
pub use skep_check::{check, history};
pub use store::SimStores;
pub use trace::Trace;
pub use world::{Options, Simulated, World, simulate, whereabouts};
