//! Where the cluster is and how it is talked to: options that every client command shares.

use std::time::Duration;

use clap::Args;
use skep_client::{Client, Options};

use crate::duration;
use crate::failure::Failure;

/// Where a gateway listens unless said otherwise.
const ADDRESS_DEFAULT: &str = "127.0.0.1:26500";

/// The options of every command that talks to a cluster.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// host:port of the gateway's gRPC port; falls back to ZEEBE_ADDRESS, then 127.0.0.1:26500
    #[arg(long, global = true, env = "SKEP_ADDRESS", value_name = "HOST:PORT")]
    address: Option<String>,

    /// Bearer token sent with each call
    #[arg(long, global = true, env = "SKEP_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,

    /// How long one call may take
    #[arg(long, global = true, value_name = "DURATION", default_value = "20s",
        value_parser = duration::parse)]
    request_timeout: Duration,
}

impl ConnectionArgs {
    /// The address that the options and the environment give.
    pub(crate) fn address(&self) -> String {
        let own = self.address.clone().filter(|address| !address.is_empty());
        own.or_else(|| std::env::var("ZEEBE_ADDRESS").ok().filter(|address| !address.is_empty()))
            .unwrap_or_else(|| ADDRESS_DEFAULT.to_owned())
    }

    /// Whether an address was given for this command.
    pub(crate) fn is_given(&self) -> bool {
        self.address.as_ref().is_some_and(|address| !address.is_empty())
    }

    /// The same connection settings, to this address.
    pub(crate) fn to(&self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self.clone() }
    }

    /// The settings of the client.
    pub(crate) fn options(&self) -> Options {
        Options {
            request_timeout: self.request_timeout,
            bearer_token: self.token.clone(),
            ..Options::default()
        }
    }

    /// Opens the connection.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.address(), self.options()).await?)
    }
}
