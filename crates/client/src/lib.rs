//! Typed Rust client of the Zeebe gRPC protocol.

/// The wire contract, generated from `proto/gateway.proto` (client side only).
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
pub mod proto {
    tonic::include_proto!("gateway_protocol");
}
