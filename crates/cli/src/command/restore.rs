//! `skep restore`: a data folder from a backup, while the node is not running.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use skep_broker::backup::{
    BackupError, FolderStore, RestoreSettings, Restored, read_manifest, restore,
};
use skep_broker::{BrokerConfig, Environment};
use skep_env::OsDisk;

use crate::config::Peers;
use crate::failure::Failure;
use crate::output::Format;
use crate::server;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RestoreArgs {
    /// Folder of the backups: --backup-dir of the brokers
    #[arg(long, env = "SKEP_BACKUP_DIR", value_name = "FOLDER")]
    backup_dir: PathBuf,

    /// Number of the backup; `skep backup list` shows them
    #[arg(long, value_name = "ID")]
    backup_id: u64,

    /// Data folder to make: missing or empty
    #[arg(long, env = "SKEP_DATA_DIR", value_name = "FOLDER", required_unless_present = "check")]
    data_dir: Option<PathBuf>,

    /// The broker that it is for
    #[arg(long, env = "SKEP_NODE_ID", value_name = "NUMBER", default_value_t = 0)]
    node_id: u32,

    /// All brokers of the new cluster, as they will be started: 0=HOST:PORT,1=HOST:PORT,...
    #[arg(long, env = "SKEP_PEERS", value_name = "BROKERS")]
    peers: Option<Peers>,

    /// Copies of each partition in the new cluster [default: as in the backup; 1 without --peers]
    #[arg(long, env = "SKEP_REPLICATION_FACTOR", value_name = "NUMBER")]
    replication_factor: Option<u32>,

    /// Refuse a backup with another number of partitions
    #[arg(long, env = "SKEP_PARTITIONS", value_name = "NUMBER")]
    partitions: Option<u32>,

    /// Name of the new cluster [default: as in the backup]
    #[arg(long, env = "SKEP_CLUSTER_ID", value_name = "NAME")]
    cluster_id: Option<String>,

    /// The new cluster may have another name than that of the backup
    #[arg(long)]
    rename_cluster: bool,

    /// Only show what the backup is, and restore nothing
    #[arg(long)]
    check: bool,
}

const AFTER_HELP: &str = "\
Everything is checked before anything is written. The folder can be started only when it is complete;
after an interruption run the restore again. Restore every broker of a cluster from the same backup,
then start them with the same --peers, --partitions, --replication-factor and --cluster-id.

Examples:
  skep restore --backup-dir /share --backup-id 42 --data-dir /data
  skep restore --backup-dir /share --backup-id 42 --data-dir /data --node-id 1 --peers 0=a:26502,1=b:26502 --replication-factor 2
  skep restore --backup-dir /share --backup-id 42 --check --output json";

impl RestoreArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let store = FolderStore::new(Arc::new(OsDisk), &self.backup_dir);
        let Some(data_dir) = self.data_dir.clone().filter(|_| !self.check) else {
            let manifest = read_manifest(&store, self.backup_id).map_err(refused)?;
            let json = serde_json::to_value(&manifest)
                .map_err(|error| Failure::Local(error.to_string()))?;
            let sentence = format!(
                "Backup {} of cluster '{}', taken by Skep {}: {} partition(s), replication factor {}.",
                manifest.backup_id,
                manifest.cluster_id,
                manifest.skep_version,
                manifest.partition_count,
                manifest.replication_factor
            );
            return format.done(&sentence, &json);
        };
        let settings = RestoreSettings {
            backup_id: self.backup_id,
            data_dir: data_dir.clone(),
            node_id: self.node_id,
            brokers: self.peers.unwrap_or_default().0,
            replication_factor: self.replication_factor,
            partitions: self.partitions,
            cluster_id: self.cluster_id,
            rename_cluster: self.rename_cluster,
            journal_segment_bytes: BrokerConfig::default().journal_segment_bytes,
            state: None,
        };
        let machine = Environment::system();
        let restoring = restore(&store, &settings, &machine);
        let restored = server::runtime()?.block_on(restoring).map_err(refused)?;
        let partitions: Vec<String> = restored.partitions.keys().map(ToString::to_string).collect();
        let sentence = format!(
            "Backup {} is restored to {}: partition(s) {} for node {}, replication factor {}.",
            self.backup_id,
            data_dir.display(),
            partitions.join(", "),
            self.node_id,
            restored.replication_factor
        );
        format.done(&sentence, &outcome(&restored, self.node_id))
    }
}

fn outcome(restored: &Restored, node_id: u32) -> serde_json::Value {
    let partitions: Vec<_> = restored
        .partitions
        .iter()
        .map(|(id, position)| json!({ "partitionId": id, "position": position }))
        .collect();
    json!({
        "backupId": restored.manifest.backup_id,
        "clusterId": restored.manifest.cluster_id,
        "nodeId": node_id,
        "replicationFactor": restored.replication_factor,
        "partitions": partitions,
    })
}

fn refused(error: BackupError) -> Failure {
    let code = match &error {
        BackupError::NotFound { .. } => 4,
        BackupError::Unusable { .. } | BackupError::Target { .. } => 3,
        _ => 1,
    };
    Failure::guided(code, error.to_string(), "Nothing was restored.")
}
