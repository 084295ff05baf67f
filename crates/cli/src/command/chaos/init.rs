//! `skep chaos init`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InitArgs {
    /// Where the experiment goes
    #[arg(long, value_name = "FILE", default_value = "./experiment.json")]
    experiment_path: PathBuf,

    /// What it is called; asked for on a terminal
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// What is broken; asked for on a terminal
    #[arg(long, value_name = "WHAT", value_enum)]
    trouble: Option<Trouble>,

    /// The partition that is troubled; asked for on a terminal
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u32>,

    /// Ask nothing
    #[arg(long)]
    yes: bool,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

const AFTER_HELP: &str = "\
On a terminal it asks for what was not given. The experiment checks that the cluster is ready, breaks
something, checks that a partition still takes new instances, and heals.

Examples:
  skep chaos init
  skep chaos init --yes --trouble terminate-leader --partition 2 --title 'Lose a leader'";

/// What a first experiment can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Trouble {
    /// Kill the leader of the partition
    TerminateLeader,
    /// Restart the leader of the partition in order
    RestartLeader,
    /// Cut the network between the partition's leader and its followers
    Disconnect,
}

impl InitArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let path = self.experiment_path.clone();
        if path.exists() && !self.force {
            return Err(Failure::guided(
                5,
                format!("{} is there already", path.display()),
                "Name another file (--experiment-path), or replace it (--force).",
            ));
        }
        let experiment = self.experiment()?;
        std::fs::write(&path, format!("{experiment:#}\n"))
            .map_err(|error| Failure::file("write", &path, error))?;
        let shown = path.display().to_string();
        format.done(
            &format!(
                "The experiment is in {shown}. Next:\n  skep chaos validate --explain {shown}\n  \
                 skep chaos run {shown}"
            ),
            &json!({"experiment": shown}),
        )
    }

    fn experiment(self) -> Result<Value, Failure> {
        let asking = !self.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
        let partition = match self.partition {
            Some(partition) => partition,
            None => asked(asking, "Partition to trouble", "1", |text| {
                text.parse().map_err(|_| "a number, please".to_owned())
            })?,
        };
        let trouble = match self.trouble {
            Some(trouble) => trouble,
            None => asked(
                asking,
                "What to break (terminate-leader, restart-leader, disconnect)",
                "terminate-leader",
                |text| Trouble::from_str(text, true),
            )?,
        };
        let title = match self.title {
            Some(title) => title,
            None => asked(asking, "Title", &default_title(trouble, partition), |text| {
                Ok(text.to_owned())
            })?,
        };
        Ok(starter(&title, trouble, partition))
    }
}

/// Asks on the terminal until the answer is good; without one the default is the answer.
fn asked<T>(
    asking: bool,
    question: &str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        let mut answer = String::new();
        if asking {
            eprint!("{question} [{default}]: ");
            let _ = io::stderr().flush();
            io::stdin()
                .lock()
                .read_line(&mut answer)
                .map_err(|error| Failure::Usage(format!("cannot read the answer: {error}")))?;
        }
        let given = if answer.trim().is_empty() { default } else { answer.trim() };
        match parse(given) {
            Ok(value) => return Ok(value),
            Err(message) if asking => eprintln!("{message}"),
            Err(message) => return Err(Failure::Usage(message)),
        }
    }
}

fn default_title(trouble: Trouble, partition: u32) -> String {
    let what = match trouble {
        Trouble::TerminateLeader => "loses its leader",
        Trouble::RestartLeader => "has its leader restarted",
        Trouble::Disconnect => "has its leader cut off from a follower",
    };
    format!("Partition {partition} {what}")
}

fn zbchaos(kind: &str, name: &str, arguments: &[&str]) -> Value {
    json!({
        "type": kind,
        "name": name,
        "provider": {"type": "process", "path": "zbchaos", "arguments": arguments, "timeout": 900},
    })
}

fn good(mut activity: Value) -> Value {
    activity["tolerance"] = json!(0);
    activity
}

fn starter(title: &str, trouble: Trouble, partition: u32) -> Value {
    let partition = partition.to_string();
    let of_partition = ["--partitionId", &partition];
    let role = ["--role", "LEADER"];
    let verb = |words: &[&'static str]| -> Vec<String> {
        words.iter().chain(&role).chain(&of_partition).map(ToString::to_string).collect()
    };
    let (name, arguments) = match trouble {
        Trouble::TerminateLeader => ("Terminate the leader", verb(&["terminate", "broker"])),
        Trouble::RestartLeader => ("Restart the leader", verb(&["restart", "broker"])),
        Trouble::Disconnect => (
            "Cut the leader off",
            [
                "disconnect",
                "brokers",
                "--broker1PartitionId",
                &partition,
                "--broker1Role",
                "LEADER",
                "--broker2PartitionId",
                &partition,
                "--broker2Role",
                "FOLLOWER",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let instances = ["verify", "instance-creation", "--partitionId", &partition];
    let mut experiment = json!({
        "version": "0.1.0",
        "title": title,
        "description": "The cluster should take new instances whatever happens to one of its nodes.",
        "tags": ["starter"],
        "steady-state-hypothesis": {
            "title": "The cluster is alive",
            "probes": [good(zbchaos("probe", "All nodes are ready", &["verify", "readiness"]))],
        },
        "method": [
            zbchaos("action", "Deploy a process", &["deploy", "process"]),
            zbchaos("action", name, &arguments),
            good(zbchaos("probe", "The partition takes new instances", &instances)),
        ],
        "rollbacks": [],
    });
    if trouble == Trouble::Disconnect {
        experiment["rollbacks"] =
            json!([zbchaos("action", "Connect the brokers again", &["connect", "brokers"])]);
        experiment["runtime"] = json!({"rollbacks": {"strategy": "always"}});
    }
    experiment
}

#[cfg(test)]
mod tests {
    use skep_chaos::{Language, RunOptions};

    use super::*;
    use crate::command::chaos::programs::BuiltIn;

    #[test]
    fn every_first_experiment_is_valid() {
        for trouble in [Trouble::TerminateLeader, Trouble::RestartLeader, Trouble::Disconnect] {
            let text = starter(&default_title(trouble, 2), trouble, 2).to_string();
            let document = skep_chaos::read("x.json", &text, Language::Json).expect("JSON");
            let programs = BuiltIn::new("/bin/skep".into(), None);
            let outcome = skep_chaos::validate(
                &document,
                &RunOptions::default(),
                &programs,
                &skep_chaos::Quiet,
            );
            assert!(outcome.is_ok(), "{trouble:?}: {outcome:?}");
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let args = |force| InitArgs {
            experiment_path: folder.path().join("x.json"),
            title: None,
            trouble: None,
            partition: Some(3),
            yes: true,
            force,
        };
        args(false).run(Format::Json).expect("written");
        assert_eq!(args(false).run(Format::Json).expect_err("there already").exit_code(), 5);
        args(true).run(Format::Json).expect("replaced");
        let text = std::fs::read_to_string(folder.path().join("x.json")).expect("written");
        let experiment: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(experiment["title"], "Partition 3 loses its leader");
    }
}
