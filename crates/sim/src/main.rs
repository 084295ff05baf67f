//! `skep-sim`: runs seeds and scenarios; see `cargo xtask sim`.
#![allow(
    clippy::disallowed_methods,
    reason = "talks to a person about real time; the simulations inside have their own"
)]

use std::process::ExitCode;

mod command;
mod log;

fn main() -> ExitCode {
    command::main()
}
