//! gRPC and REST over the broker: shape checks, routing, long polling, job streams.

/// The wire contract, generated from `proto/gateway.proto` (server side only).
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
pub mod proto {
    tonic::include_proto!("gateway_protocol");
}
