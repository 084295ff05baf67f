//! Running other programs, with what was run in the message when it fails.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a task answers: nothing, or a message for a person.
pub(crate) type Outcome = Result<(), String>;

/// The cargo that runs this task, so that a pinned toolchain stays pinned.
pub(crate) fn cargo(directory: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// Runs the command with its output shown, and fails when it does.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let text = shown(command);
    let status = command.status().map_err(|error| format!("cannot start `{text}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{text}` failed ({status})")) }
}

/// Runs the command and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let text = shown(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{text}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{text}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{text}` printed something that is not text"))
}

/// Whether a program can be found and started.
pub(crate) fn is_installed(program: &str, version_argument: &str) -> bool {
    Command::new(program)
        .arg(version_argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
