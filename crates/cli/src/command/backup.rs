//! `skep backup`: backups of a running cluster, over the management port of any of its nodes.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use skep_env::{Clock, SystemClock};

use crate::cluster::http;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

/// How long a node may take to answer: it may have to wait for partition 1, or ask another node.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pause between two looks at a backup: it takes seconds.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Take a backup, and wait until it is complete
    Create(CreateArgs),
    /// List the backups in the store
    List(ListArgs),
    /// Show a backup, partition by partition
    Show(ShowArgs),
    /// Remove a backup from the store
    Delete(DeleteArgs),
}

/// Whom to ask.
#[derive(Debug, Args)]
struct TargetArgs {
    /// Management port of any node of the cluster
    #[arg(
        long,
        env = "SKEP_MANAGEMENT",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:9600"
    )]
    management: String,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What was acknowledged before the call is in the backup.\n\nExamples:\n  skep backup create\n  skep backup create 42 --management 10.0.0.1:9600\n  skep backup create --no-wait --output json"
)]
pub(crate) struct CreateArgs {
    /// Its number, higher than that of every backup before; by default the milliseconds since 1970
    #[arg(value_name = "ID")]
    id: Option<u64>,

    #[command(flatten)]
    target: TargetArgs,

    /// Answer when the backup has begun, not when it is complete
    #[arg(long)]
    no_wait: bool,

    /// How long to wait for its end; it goes on all the same
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep backup list --management 10.0.0.1:9600")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep backup show 42 --output json")]
pub(crate) struct ShowArgs {
    /// Its number
    #[arg(value_name = "ID")]
    id: u64,

    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep backup delete 42")]
pub(crate) struct DeleteArgs {
    /// Its number
    #[arg(value_name = "ID")]
    id: u64,

    #[command(flatten)]
    target: TargetArgs,
}

impl BackupCommand {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        match self {
            Self::Create(args) => args.run(format),
            Self::List(args) => args.run(format),
            Self::Show(args) => args.run(format),
            Self::Delete(args) => args.run(format),
        }
    }
}

impl TargetArgs {
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let addresses = http::management(&self.management)?;
        http::ask(&addresses, (method, path), body, PATIENCE, advice)
    }

    fn show(&self, id: u64) -> Result<Value, Failure> {
        self.ask("GET", &format!("/actuator/backups/{id}"), None)
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        400 | 501 => "No backup was taken.",
        404 | 409 => "See `skep backup list`.",
        503 => "Try again in a moment.",
        _ => "See the log of the node.",
    }
}

impl CreateArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let now_ms = || u64::try_from(SystemClock.now_ms()).unwrap_or(1);
        let id = self.id.unwrap_or_else(now_ms);
        self.target.ask("POST", "/actuator/backups", Some(&json!({ "backupId": id })))?;
        if self.no_wait {
            let sentence = format!("Backup {id} has begun. See `skep backup show {id}`.");
            return format.done(&sentence, &json!({ "backupId": id, "state": "IN_PROGRESS" }));
        }
        let ended = self.wait_for(id)?;
        if ended["state"] != "COMPLETED" {
            let state = ended["state"].as_str().unwrap_or("").to_lowercase();
            let reason = ended["failureReason"].as_str().unwrap_or("the reason is not known");
            return Err(Failure::guided(
                1,
                format!("backup {id} is {state}: {reason}"),
                "It cannot be restored. Take another one; `skep backup delete` removes this one.",
            ));
        }
        let partitions = ended["details"].as_array().map_or(0, Vec::len);
        let sentence = format!(
            "Backup {id} is complete: {partitions} partition(s), {} bytes.",
            bytes_of(&ended)
        );
        format.done(&sentence, &ended)
    }

    fn wait_for(&self, id: u64) -> Result<Value, Failure> {
        let began = Instant::now();
        loop {
            // A node that is restarted meanwhile is no reason to give up.
            let seen = self.target.show(id);
            if let Ok(backup) = &seen
                && backup["state"] != "IN_PROGRESS"
            {
                return Ok(backup.clone());
            }
            if began.elapsed() > self.timeout {
                seen?;
                return Err(Failure::guided(
                    7,
                    format!("backup {id} is not complete after {} s", self.timeout.as_secs()),
                    "It goes on. See `skep backup show`.",
                ));
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }
}

/// What the parts of a backup take together.
fn bytes_of(backup: &Value) -> u64 {
    let parts = backup["details"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["bytes"].as_u64()).sum()
}

impl ListArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let backups = self.target.ask("GET", "/actuator/backups", None)?;
        let mut rows = backups.as_array().cloned().unwrap_or_default();
        if format == Format::Table {
            for row in &mut rows {
                row["partitions"] = json!(row["details"].as_array().map_or(0, Vec::len));
                row["bytes"] = json!(bytes_of(row));
            }
        }
        format.list(
            &["backupId", "state", "createdAt", "partitions", "bytes", "failureReason"],
            &rows,
        )
    }
}

impl ShowArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        let backup = self.target.show(self.id)?;
        if format == Format::Json {
            return format.record(&backup);
        }
        let mut head = backup.clone();
        head.as_object_mut().map(|fields| fields.remove("details"));
        format.record(&head)?;
        let rows = backup["details"].as_array().cloned().unwrap_or_default();
        format.list(
            &["partitionId", "state", "brokerId", "checkpointPosition", "bytes", "failureReason"],
            &rows,
        )
    }
}

impl DeleteArgs {
    fn run(self, format: Format) -> Result<(), Failure> {
        self.target.ask("DELETE", &format!("/actuator/backups/{}", self.id), None)?;
        let sentence = format!("Backup {} is removed.", self.id);
        format.done(&sentence, &json!({ "backupId": self.id }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_parts() {
        let backup = json!({ "details": [{ "bytes": 3 }, {}, { "bytes": 4 }] });
        assert_eq!(bytes_of(&backup), 7);
        assert_eq!(bytes_of(&json!({})), 0);
    }
}
