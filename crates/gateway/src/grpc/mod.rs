//! The gRPC service: one short method per RPC of the contract.

mod convert;
mod decisions;
mod service;

pub use service::GrpcService;
