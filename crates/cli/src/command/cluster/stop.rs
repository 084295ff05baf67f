//! `skep cluster stop`.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::FolderArgs;
use crate::cluster::admin::{self, Admin};
use crate::cluster::state::ClusterState;
use crate::duration;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  skep cluster stop\n  skep cluster stop --wipe --grace 0s")]
pub(crate) struct StopArgs {
    #[command(flatten)]
    folder: FolderArgs,

    /// Delete the data, the logs and the cluster itself
    #[arg(long)]
    wipe: bool,

    /// How long the nodes may take to finish what is under way, before they are killed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    grace: Duration,
}

impl StopArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let folder = admin::full_path(&self.folder.dir)?;
        if ClusterState::load(&folder)?.is_none() {
            let sentence = format!("There is no cluster in {}: nothing to stop.", folder.display());
            return format.done(&sentence, &json!({"stopped": false, "killed": []}));
        }
        let mut admin = Admin::open(&folder)?;
        let killed = admin.stop_everything(self.grace)?;
        if self.wipe {
            admin.delete_everything()?;
        }
        let mut sentence = if self.wipe {
            format!("Stopped, and deleted what was in {}.", folder.display())
        } else {
            "Stopped. The data is there; `skep cluster start` goes on with it, `skep cluster stop \
             --wipe` deletes it."
                .to_owned()
        };
        if !killed.is_empty() && !self.grace.is_zero() {
            sentence
                .push_str(&format!("\nNot done in time, and so killed: {}.", killed.join(", ")));
        }
        format.done(&sentence, &json!({"stopped": true, "wiped": self.wipe, "killed": killed}))
    }
}
