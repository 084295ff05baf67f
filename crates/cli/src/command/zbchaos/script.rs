//! The scripts of the older tool, by their names: what they did, as verbs.

use std::ffi::OsString;

use clap::{Args, Parser};

use super::ZbchaosArgs;
use super::context::Context;
use crate::failure::Failure;

/// Every script that is known, without its ending.
pub(crate) const NAMES: [&str; 26] = [
    "verify-readiness",
    "verify-steady-state",
    "start-instance-on-partition-with-version",
    "terminate-partition",
    "shutdown-gracefully-partition",
    "disconnect-leaders",
    "disconnect-leaders-one-way",
    "connect-leaders",
    "disconnect-standalone-gateway",
    "connect-standalone-gateway",
    "apply_net_admin",
    "stress-cpu",
    "deploy-different-versions",
    "publish-message",
    "await-message-correlation",
    "await-processes-with-result",
    "capture-and-compare-status",
    "start-many-instances",
    "complete-instance",
    "terminate-workers",
    "deploy-model",
    "deploy-specific-model",
    "restart-leader",
    "terminate-leader",
    "start-instance-on-partition",
    "verify-instance-count",
];

#[derive(Debug, Args)]
#[command(after_help = "\
What comes behind a script's own arguments goes to the verb that it stands for.

Examples:
  skep zbchaos script verify-readiness.sh
  skep zbchaos script start-instance-on-partition-with-version.sh 3 latest-deployed --awaitResult")]
pub(super) struct ScriptArgs {
    /// Name of the script; a folder before it and `.sh` behind it do not matter
    #[arg(value_name = "NAME")]
    name: String,

    /// Its arguments
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The name of a script in a path, when it is one that is known.
fn known(path: &str) -> Option<&'static str> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".sh").unwrap_or(file);
    NAMES.into_iter().find(|name| *name == stem)
}

/// A command line of its own.
#[derive(Debug, Parser)]
#[command(name = "zbchaos", no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: ZbchaosArgs,
}

impl ScriptArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let partitions = if self.name.contains("disconnect-leaders") {
            context.topology().await?.partitions
        } else {
            0
        };
        if known(&self.name) == Some("apply_net_admin") {
            return super::network::check(context);
        }
        for line in translate(&self.name, &self.arguments, partitions, context.has_capture()?)? {
            let mut words: Vec<OsString> = context.own_globals();
            words.extend(line.iter().map(OsString::from));
            let line = Line::try_parse_from(words)
                .map_err(|error| Failure::Usage(error.to_string().trim().to_owned()))?;
            Box::pin(line.args.run(&context.connection)).await?;
        }
        Ok(())
    }
}

/// The verbs that a script stands for, in order.
fn translate(
    name: &str,
    arguments: &[String],
    partitions: u32,
    captured: bool,
) -> Result<Vec<Vec<String>>, Failure> {
    let script = known(name).ok_or_else(|| {
        Failure::Usage(format!("{name} is no script that is known; there are {}", NAMES.join(", ")))
    })?;
    let at = |index: usize, otherwise: &'static str| {
        let given = arguments.get(index).map(String::as_str).filter(|word| !word.is_empty());
        given.unwrap_or(otherwise)
    };
    // Leader of 1 and of 3, or of 2 where there is no third: asked of the cluster, not assumed.
    let other = partitions.clamp(2, 3).to_string();
    let leaders =
        ["--broker1PartitionId", "1", "--broker2PartitionId", other.as_str(), "--separate"];
    let (own, lines): (usize, Vec<Vec<&str>>) = match script {
        "verify-readiness" => (0, vec![vec!["verify", "readiness"]]),
        "verify-steady-state" => {
            (1, vec![vec!["verify", "steady-state", "--partitionId", at(0, "1")]])
        }
        "start-instance-on-partition-with-version" => {
            let start = ["verify", "instance-creation", "--bpmnProcessId", "multiVersion"];
            let which = ["--partitionId", at(0, "1"), "--version", at(1, "latest-deployed")];
            (2, vec![[&start[..], &which[..]].concat()])
        }
        "terminate-partition" | "shutdown-gracefully-partition" => {
            let verb = if script == "terminate-partition" { "terminate" } else { "restart" };
            let broker = [verb, "broker", "--role", at(0, "LEADER"), "--partitionId", at(1, "1")];
            (2, vec![broker.to_vec()])
        }
        "restart-leader" => (1, vec![vec!["restart", "broker", "--partitionId", at(0, "1")]]),
        "terminate-leader" => (1, vec![vec!["terminate", "broker", "--partitionId", at(0, "1")]]),
        "start-instance-on-partition" => {
            (1, vec![vec!["verify", "instance-creation", "--partitionId", at(0, "1")]])
        }
        "verify-instance-count" => {
            (1, vec![vec!["verify", "instance-count", "--instanceCount", at(0, "1")]])
        }
        "disconnect-leaders" => (0, vec![[&["disconnect", "brokers"][..], &leaders[..]].concat()]),
        "disconnect-leaders-one-way" => {
            let verb = ["disconnect", "brokers", "--one-direction"];
            (0, vec![[&verb[..], &leaders[..]].concat()])
        }
        "connect-leaders" => (0, vec![vec!["connect", "brokers"]]),
        "disconnect-standalone-gateway" => (0, vec![vec!["disconnect", "gateway", "--all"]]),
        "connect-standalone-gateway" => (0, vec![vec!["connect", "gateway"]]),
        "stress-cpu" => {
            let what = if at(0, "broker") == "gateway" { "gateway" } else { "broker" };
            (1, vec![vec!["stress", what, "--cpu"]])
        }
        // Its arguments were a role and a partition, which it never used.
        "deploy-different-versions" => {
            let unused = arguments.iter().take_while(|word| !word.starts_with('-')).count();
            (unused, vec![vec!["deploy", "multi-version"]])
        }
        "publish-message" => (0, vec![vec!["publish", "--partitionId", "1"]]),
        "await-message-correlation" => {
            let start = ["verify", "instance-creation", "--awaitResult", "--bpmnProcessId"];
            (
                0,
                vec![
                    [&start[..], &["oneReceiveMsgEvent", "--variables", r#"{"key": "0"}"#]]
                        .concat(),
                ],
            )
        }
        "await-processes-with-result" => {
            (0, vec![vec!["verify", "instance-creation", "--awaitResult"]])
        }
        "capture-and-compare-status" if captured => (0, vec![vec!["verify", "unchanged"]]),
        "capture-and-compare-status" => (0, vec![vec!["capture"]]),
        "start-many-instances" => {
            let count = ["verify", "instance-count", "--instanceCount", at(0, "100")];
            (1, vec![[&count[..], &["--timeoutInSec", "300"]].concat()])
        }
        "complete-instance" => {
            let job = ["verify", "job-completion", "--jobType", at(0, "benchmark-task")];
            (1, vec![job.to_vec()])
        }
        "terminate-workers" => (0, vec![vec!["terminate", "worker", "--all"]]),
        "deploy-model" => (0, vec![vec!["deploy", "process"]]),
        _ => (1, vec![vec!["deploy", "process", "--processModelPath", at(0, "")]]),
    };
    let more = arguments.get(own..).unwrap_or_default();
    Ok(lines
        .into_iter()
        .map(|line| {
            let words = line.into_iter().map(ToOwned::to_owned);
            words.chain(more.iter().cloned()).collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let lines = translate(name, &arguments, 3, false).unwrap();
        lines.iter().map(|line| line.join(" ")).collect()
    }

    #[test]
    fn scripts_are_known_with_and_without_folder_and_ending() {
        for path in ["scripts/verify-readiness.sh", "verify-readiness.sh", "verify-readiness"] {
            assert_eq!(known(path), Some("verify-readiness"));
        }
        assert!(translate("rm.sh", &[], 3, false).is_err());
    }

    #[test]
    fn arguments_have_their_places_and_the_rest_goes_on() {
        assert_eq!(
            lines("start-instance-on-partition-with-version.sh", &["3", "10", "--awaitResult"]),
            [
                "verify instance-creation --bpmnProcessId multiVersion --partitionId 3 --version 10 --awaitResult"
            ]
        );
        assert_eq!(
            lines("deploy-different-versions.sh", &["Follower", "3", "--models", "task"]),
            ["deploy multi-version --models task"]
        );
        assert_eq!(
            lines("terminate-partition.sh", &["Leader", "2"]),
            ["terminate broker --role Leader --partitionId 2"]
        );
    }

    #[test]
    fn every_script_is_a_line_that_parses() {
        for name in NAMES.into_iter().filter(|name| *name != "apply_net_admin") {
            for line in translate(name, &[], 3, true).unwrap() {
                if let Err(error) = Line::try_parse_from(&line) {
                    panic!("{name}: {line:?}: {error}");
                }
            }
        }
    }

    #[test]
    fn leaders_are_those_that_there_are() {
        let line = translate("disconnect-leaders.sh", &[], 2, false).unwrap().concat().join(" ");
        assert!(line.contains("--broker2PartitionId 2"), "{line}");
        let line = translate("disconnect-leaders.sh", &[], 12, false).unwrap().concat().join(" ");
        assert!(line.contains("--broker2PartitionId 3"), "{line}");
    }
}
