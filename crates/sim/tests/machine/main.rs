//! The simulated machine and the cluster on it.

mod node;
mod support;
