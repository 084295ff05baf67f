//! The stream processor with an engine that only counts: alone, and as a group of replicas.

mod counter;
mod faults;
mod group;
mod replicas;
mod returns;
mod single;
