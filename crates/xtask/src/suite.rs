//! `cargo xtask test`: the tests of the whole workspace, closed by one line that sums them up.
//!
//! Plain `cargo test`, so that a newcomer has nothing to install. It prints a summary per test binary;
//! the sum over all of them is the last line, alone and without decoration, so that a script can read it.

use crate::shell::{self, Outcome};
use crate::workspace;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// Tests counted over all binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Adds a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; ...`.
    fn add_line(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Runs `cargo test --workspace` with further arguments, and prints the sum as the last line.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut command = shell::cargo(&workspace::root());
    command.args(["test", "--workspace"]);
    if !arguments.iter().any(|argument| argument == "--") {
        // One failing binary must not hide what the others say.
        command.arg("--no-fail-fast");
    }
    command.args(arguments).stdout(Stdio::piped());
    let text = shell::shown(&command);
    let mut child = command.spawn().map_err(|error| format!("cannot start `{text}`: {error}"))?;
    let stdout = child.stdout.take().ok_or("cargo test has no output")?;
    let mut tally = Tally::default();
    let mut terminal = std::io::stdout();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(|error| format!("cannot read from `{text}`: {error}"))?;
        let line = String::from_utf8_lossy(&line);
        tally.add_line(&line);
        writeln!(terminal, "{line}").map_err(|error| format!("cannot print: {error}"))?;
    }
    let status = child.wait().map_err(|error| format!("lost `{text}`: {error}"))?;
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    if status.success() {
        Ok(())
    } else if tally.failed > 0 {
        Err(format!("{} tests failed; their output stands above", tally.failed))
    } else {
        Err(format!("`{text}` failed ({status}) before all tests had run; see above"))
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn sums_the_summaries_of_all_binaries() {
        let mut tally = Tally::default();
        tally.add_line("running 3 tests");
        tally.add_line(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
        );
        tally.add_line(
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(tally, Tally { passed: 13, failed: 2, skipped: 1 });
    }
}
