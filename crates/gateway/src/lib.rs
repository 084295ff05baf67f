//! gRPC and REST over the broker: shape checks, routing, long polling, job streams.
