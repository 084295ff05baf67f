//! The simulated machine and the cluster on it.

mod crash;
mod node;
mod support;
