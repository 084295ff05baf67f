//! What a run has done so far, for the commands that come after: which versions its deployments made,
//! what `capture` saw, which workers it started.
//!
//! A file beside the cluster, replaced as a whole. It is worth nothing without the cluster, and goes
//! with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::run::Run;
use super::target::Target;
use crate::cluster::admin::MEMORY;
use crate::cluster::state::Process;
use crate::failure::Failure;
use crate::lock_file;

/// Runs that are remembered; the oldest are forgotten.
const RUNS_MAX: usize = 200;

/// Everything that is remembered of a cluster.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    runs: BTreeMap<String, Remembered>,
    /// Counts up, so that the oldest run is known.
    clock: u64,
    shared: Shared,
}

impl File {
    fn read(path: &Path) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| Failure::file("understand", path, error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::file("read", path, error)),
        }
    }
}

/// What does not belong to a run but to the cluster.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Shared {
    /// `dataloss prepare` was called: a broker whose data is deleted stays down.
    pub(super) dataloss_prepared: bool,
    /// The brokers write backups to this folder.
    pub(super) backups: Option<PathBuf>,
}

/// What is remembered of a run.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Remembered {
    used: u64,
    /// Process id to the version of the last deployment.
    pub(super) processes: BTreeMap<String, i32>,
    /// Decision id to the version of the last deployment.
    pub(super) decisions: BTreeMap<String, i32>,
    /// Deployments that changed something.
    pub(super) deployments: u64,
    pub(super) captured: Option<Captured>,
    pub(super) workers: Vec<Process>,
    /// Instances of the built-in process whose creation was acknowledged.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) started: BTreeSet<i64>,
    /// Instances whose job was handed out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) worked: BTreeSet<i64>,
}

/// How a cluster was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Captured {
    /// Partition and its leader.
    pub(super) leaders: BTreeMap<u32, u32>,
    /// Deployments that each broker had processed for each partition: broker, partition, number.
    pub(super) deployments: Vec<(u32, u32, u64)>,
    /// The same of those that were rejected.
    pub(super) rejected: Vec<(u32, u32, u64)>,
    /// Deployments of the run until then.
    pub(super) deployments_made: u64,
    /// Incidents of each partition.
    pub(super) incidents: BTreeMap<u32, u64>,
}

/// The memory of a run.
pub(super) struct Memory {
    path: PathBuf,
    run: String,
    file: File,
}

impl Memory {
    pub(super) fn load(target: &Target, run: &Run) -> Result<Self, Failure> {
        let path = match target {
            Target::Folder(folder) => folder.join(MEMORY),
            Target::Addresses(addresses) => {
                let name: String = addresses.join("-");
                let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
                let name: String = name.chars().map(plain).collect();
                std::env::temp_dir().join(format!("skep-zbchaos-{name}.json"))
            }
        };
        let file = File::read(&path)?;
        Ok(Self { path, run: run.0.clone(), file })
    }

    pub(super) fn read(&self) -> Remembered {
        self.file.runs.get(&self.run).cloned().unwrap_or_default()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.file.shared
    }

    /// Changes what is remembered of the cluster.
    pub(super) fn share(&mut self, change: impl FnOnce(&mut Shared)) -> Result<(), Failure> {
        let _lock = self.read_again()?;
        change(&mut self.file.shared);
        self.save()
    }

    /// Changes what is remembered of the run.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Remembered)) -> Result<(), Failure> {
        let _lock = self.read_again()?;
        self.file.clock += 1;
        let used = self.file.clock;
        let remembered = self.file.runs.entry(self.run.clone()).or_default();
        remembered.used = used;
        change(remembered);
        while self.file.runs.len() > RUNS_MAX {
            let oldest = self.file.runs.iter().min_by_key(|(_, run)| run.used);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { break };
            self.file.runs.remove(&name);
        }
        self.save()
    }

    /// Commands of one run go on at the same time: none may undo what another has just written.
    fn read_again(&mut self) -> Result<std::fs::File, Failure> {
        let path = self.path.with_extension("lock");
        let failed = |error| Failure::file("lock", &path, error);
        let lock = lock_file::open(&path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        self.file = File::read(&self.path)?;
        Ok(lock)
    }

    fn save(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file("write", &self.path, error);
        let folder = self.path.parent().unwrap_or(&self.path);
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut new, &self.file).map_err(|error| failed(error.into()))?;
        new.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_remembered_apart_and_the_oldest_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Folder(folder.path().to_path_buf());
        let memory = |name: &str| Memory::load(&target, &Run::named(name)).unwrap();
        memory("a").change(|run| run.deployments = 1).unwrap();
        memory("b").change(|run| run.deployments = 2).unwrap();
        assert_eq!((memory("a").read().deployments, memory("b").read().deployments), (1, 2));
        for number in 0..RUNS_MAX {
            memory(&format!("n{number}")).change(|run| run.deployments = 3).unwrap();
        }
        assert_eq!(memory("a").read(), Remembered::default());
        let (mut one, mut other) = (memory("c"), memory("c"));
        one.change(|run| _ = run.started.insert(1)).unwrap();
        other.change(|run| _ = run.started.insert(2)).unwrap();
        assert_eq!(memory("c").read().started, BTreeSet::from([1, 2]), "none undoes the other");
        memory("").share(|shared| shared.dataloss_prepared = true).unwrap();
        assert!(memory("b").shared().dataloss_prepared);
    }
}
