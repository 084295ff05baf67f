//! gRPC and REST over the broker: shape checks, routing, long polling, job streams.
//!
//! [`Gateway`] turns requests into commands, finds the partition, and understands the answers;
//! [`grpc`] and [`rest`] are two spellings of it, [`management`] is the port for operators, and
//! [`server`] puts all three on sockets. The gateway reaches a broker through [`Backend`] and
//! keeps nothing durable.
//!
//! Absent on purpose: business rules (what a command does is the engine's), records in JSON, and
//! any state that a restart would miss.

mod backend;
mod broker;
mod check;
mod commands;
mod decisions;
mod delivery;
mod error;
mod gateway;
pub mod grpc;
pub mod limits;
pub mod management;
pub mod metrics;
mod poll;
pub mod rest;
pub mod server;
#[cfg(test)]
mod testing;
pub mod transcode;
pub mod version;
mod wait;

pub use backend::{Backend, BoxFuture, ClockControl, Delivery, JobStream, OpenStream, SubmitError};
pub use error::{ErrorKind, GatewayError};
pub use gateway::{Accepted, Address, Gateway};

/// The wire contract, generated from `proto/gateway.proto` (server side only).
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
pub mod proto {
    tonic::include_proto!("gateway_protocol");
}
