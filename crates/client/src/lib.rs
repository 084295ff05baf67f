//! Typed Rust client of the Zeebe gRPC protocol, for Skep and every compatible cluster.
//!
//! [`Client`] has one method for each RPC. Requests are the messages of the contract
//! ([`proto`]) with constructors and `with_...` setters, so that a call names only what matters:
//!
//! ```no_run
//! # async fn example() -> Result<(), skep_client::Error> {
//! use skep_client::proto::CreateProcessInstanceRequest;
//! use skep_client::{Client, Options};
//!
//! let client = Client::connect("127.0.0.1:26500", Options::default()).await?;
//! let request = CreateProcessInstanceRequest::latest("order").with_variables(r#"{"items": 3}"#);
//! let instance = client.create_process_instance(request).await?;
//! println!("started {}", instance.process_instance_key);
//! # Ok(())
//! # }
//! ```
//!
//! [`Worker`] turns an async function into a job worker. An [`Error`] has a kind that tells what
//! to do next. A command is repeated only when it was provably not accepted (see [`Options`]), so
//! that no call can start two instances.
#![forbid(unsafe_code)]

mod client;
mod error;
mod jobs;
mod limits;
mod options;
mod requests;
mod retry;
pub mod worker;

pub use client::Client;
pub use error::{Error, ErrorKind};
pub use jobs::{JobPoll, JobStream};
pub use options::Options;
pub use worker::{Delivery, JobOutcome, Worker, WorkerHandle};

/// The wire contract, generated from `proto/gateway.proto` (client side only).
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
pub mod proto {
    tonic::include_proto!("gateway_protocol");
}
