//! Typed Rust client of the Zeebe gRPC protocol.
