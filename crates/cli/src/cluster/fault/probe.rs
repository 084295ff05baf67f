//! One packet that is really sent, and what became of it.
//!
//! A probe connects from inside the namespace of a node, because only there its routes count. It is a
//! process of its own, `skep cluster probe`, which prints one line.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::output::print_line;

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The other side answered: taken, or refused because nobody listens.
    Answered,
    /// The kernel knows no way there.
    Unreachable,
    /// Nothing came back in time.
    Silence,
}

/// A connection that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    outcome: Outcome,
    took_us: u64,
}

/// Tries a connection, and prints what became of it.
pub(crate) fn run(address: SocketAddr, limit: Duration) -> Result<(), Failure> {
    let began = Instant::now();
    let outcome = match TcpStream::connect_timeout(&address, limit) {
        Ok(_) => Outcome::Answered,
        Err(error) => outcome_of(error.kind()),
    };
    let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let line = serde_json::to_string(&Line { outcome, took_us })
        .map_err(|error| Failure::Local(error.to_string()))?;
    print_line(&line)
}

fn outcome_of(error: ErrorKind) -> Outcome {
    match error {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Outcome::Answered,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Outcome::Unreachable,
        _ => Outcome::Silence,
    }
}

/// Runs a probe, and reads what it printed.
pub(super) fn ask(mut command: Command) -> Result<Probe, Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Local(format!("cannot run a probe of the network: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line: Line = serde_json::from_str(text.trim()).map_err(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        Failure::Local(format!("a probe of the network failed: {}", errors.trim()))
    })?;
    Ok(Probe { outcome: line.outcome, took: Duration::from_micros(line.took_us) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_answer_also_when_nobody_listens() {
        assert_eq!(outcome_of(ErrorKind::ConnectionRefused), Outcome::Answered);
        assert_eq!(outcome_of(ErrorKind::HostUnreachable), Outcome::Unreachable);
        assert_eq!(outcome_of(ErrorKind::TimedOut), Outcome::Silence);
    }
}
