//! `skep completion SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;
use crate::failure::Failure;
use crate::output::print_line;

#[derive(Debug, Args)]
#[command(after_help = "Example (add it to your shell's start file):
  skep completion bash > ~/.local/share/bash-completion/completions/skep")]
pub(crate) struct CompletionArgs {
    /// The shell
    shell: Shell,
}

impl CompletionArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "skep", &mut script);
        print_line(String::from_utf8_lossy(&script).trim_end())
    }
}
