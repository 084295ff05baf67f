//! The simulated machine and the cluster on it.

mod cluster;
mod crash;
mod node;
mod support;
