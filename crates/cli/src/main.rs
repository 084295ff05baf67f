//! The skep binary: a client's everyday verbs against any Zeebe-compatible cluster, a load
//! generator, and (in their own modules) the server itself.
//!
//! `main` only parses, runs one command and turns its outcome into an exit code.
// This surface talks to a person at a terminal: it may look at the clock and the environment,
// which the rest of Skep takes as inputs.
#![allow(clippy::disallowed_methods)]
#![forbid(unsafe_code)]

mod bench;
#[cfg(target_os = "linux")]
mod cluster;
mod command;
mod compat;
mod config;
mod connection;
mod duration;
mod evidence;
#[cfg(target_os = "linux")]
mod experiments;
mod failure;
mod limits;
#[cfg(target_os = "linux")]
mod lock_file;
mod logging;
mod output;
#[cfg(target_os = "linux")]
mod quiet;
mod server;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod suite;
mod variables;
#[cfg(target_os = "linux")]
mod witness;

use std::process::ExitCode;

use clap::Parser;

use command::Command;
use connection::ConnectionArgs;
use output::Format;

/// The engine makes many small, short-lived allocations: this allocator takes a fifth off an instance
/// (docs/benchmarks.md). Without huge pages, which would hold tens of idle megabytes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the user typed: the options of every command, and one command.
#[derive(Debug, Parser)]
#[command(
    name = "skep",
    version,
    about = "Skep, a process engine for BPMN, and a client for every Zeebe-compatible cluster",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    connection: ConnectionArgs,

    /// How results are printed; json is stable for programs
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 internal fault; 2 wrong usage or unreadable input; 3 refused as invalid;
4 not found; 5 conflict with the current state; 6 no capacity, nothing was accepted; 7 unavailable,
or the outcome is not known; 8 compared, and different. Errors go to stderr and say what to do next.

Examples:
  skep status
  skep deploy order.bpmn && skep create instance order --variables '{\"items\": 3}'
  skep --output json create instance order | jq -r .processInstanceKey";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run(&cli.connection, cli.output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(cli.output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    fn every_leaf(
        command: &clap::Command,
        path: &str,
        visit: &mut impl FnMut(&str, &clap::Command),
    ) {
        let path = format!("{path} {}", command.get_name());
        if command.get_subcommands().next().is_none() {
            visit(path.trim(), command);
        }
        for inner in command.get_subcommands() {
            every_leaf(inner, &path, visit);
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        every_leaf(&Cli::command(), "", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                help.contains(&format!("{path} "))
                    || help.contains(&format!("{path}\n"))
                    || help.ends_with(path),
                "{path} has no example that begins with its own name: {help:?}"
            );
        });
    }

    #[test]
    fn every_example_parses() {
        every_leaf(&Cli::command(), "", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines().filter(|line| line.trim_start().starts_with("skep ")) {
                let words = shell_words(line.trim());
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("the example of {path} does not parse: {line}\n{error}");
                }
            }
        });
    }

    /// Splits as a shell would, as far as the examples need it: single quotes and pipes.
    fn shell_words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for character in line.chars() {
            match character {
                '\'' => quoted = !quoted,
                '|' | '<' | '>' | '&' if !quoted => break,
                ' ' if !quoted => words.push(String::new()),
                other => words.last_mut().expect("one word at least").push(other),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }
}
