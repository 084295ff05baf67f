//! The gRPC service: one short method per RPC of the contract.

mod convert;
mod service;

pub use service::GrpcService;
