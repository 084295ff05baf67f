//! What a server says when it serves: where everything is, and what to do next.

use std::io::Write;
use std::net::IpAddr;
use std::time::Instant;

use skep_gateway::server::BoundAddresses;

use crate::failure::Failure;
use crate::server::reachable;

/// Milliseconds since then.
pub(super) fn took_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Says which variables look like options and are none.
pub(super) fn warn_of_unknown(variables: &[String]) {
    for variable in variables {
        tracing::warn!("{variable} is set, but no option has that name; it does nothing");
    }
}

/// The lines of a banner that name the ports.
pub(super) fn ports(addresses: &BoundAddresses) -> String {
    let management = reachable(addresses.management);
    format!(
        "\n  gRPC        {}\
         \n  REST        http://{}/v2\
         \n  management  http://{management}/health  /metrics  /actuator/loggers",
        reachable(addresses.grpc),
        reachable(addresses.rest),
    )
}

/// The end of a banner: a warning when everybody may come in, and what to do next.
pub(super) fn next(
    bind: IpAddr,
    addresses: &BoundAddresses,
    commands: &[&str],
    kind: &str,
) -> String {
    let mut text = String::from("\n");
    if !bind.is_loopback() {
        text.push_str(
            "\n  Anybody who reaches these ports may do everything: the API is unprotected.\n",
        );
    }
    let grpc = reachable(addresses.grpc);
    let address = if grpc.port() == 26_500 { String::new() } else { format!(" --address {grpc}") };
    text.push_str("\nNext, in another terminal:\n");
    for command in commands {
        text.push_str(&format!("  skep {command}{address}\n"));
    }
    text.push_str(&format!("Ctrl-C stops the {kind}.\n"));
    text
}

/// Writes a banner to stdout.
pub(super) fn print(banner: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(banner.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Local(format!("cannot write to stdout: {error}")))
}
