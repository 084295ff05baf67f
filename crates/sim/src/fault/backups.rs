//! The operator's backups: takes them, asks how they are, and remembers what was said.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use skep_broker::backup::{BackupCall, BackupState, BackupStatus};
use skep_broker::metadata::{ManageRequest, RefusalKind};
use skep_check::backup::{Backup, BackupSaid, Said};

use crate::clock::EPOCH_MS;
use crate::cluster::{NodeId, SimCluster};
use crate::generated::chance::Chance;

/// How often a backup is asked for, with a new number each time, and the pause between two attempts.
const ATTEMPTS_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);
/// How often somebody asks how backups are.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What the operator knows of backups. Clones are the same.
#[derive(Clone)]
pub(crate) struct Backups(Rc<Known>);

struct Known {
    chance: RefCell<Chance>,
    last_id: Cell<u64>,
    backups: RefCell<BTreeMap<u64, Backup>>,
}

impl Backups {
    /// None yet. The seed decides which nodes are asked.
    pub(crate) fn new(seed: u64) -> Self {
        let chance = RefCell::new(Chance::new(seed));
        Self(Rc::new(Known { chance, last_id: Cell::default(), backups: RefCell::default() }))
    }

    /// All that is known, by number.
    pub(crate) fn known(&self) -> Vec<Backup> {
        self.0.backups.borrow().values().cloned().collect()
    }

    /// Takes a backup: asks any node, broker or gateway, until one of them begins it.
    pub(crate) async fn take(&self, cluster: &SimCluster) {
        for _ in 0..ATTEMPTS_MAX {
            let Some(node) = self.any(cluster) else { return };
            let id = self.next_id(cluster);
            let requested_ms = Some(now_ms(cluster));
            let asked = Backup { id, requested_ms, ..Backup::default() };
            self.0.backups.borrow_mut().insert(id, asked);
            let request = ManageRequest::Backups(BackupCall::Take { id });
            match cluster.backend(node).manage(request).await {
                Ok(_) => {
                    if let Some(backup) = self.0.backups.borrow_mut().get_mut(&id) {
                        backup.is_accepted = true;
                    }
                    return;
                }
                // Another one is being taken.
                Err(refusal) if refusal.kind == RefusalKind::Conflict => return,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Milliseconds since 1970, as the command line takes them; never the same twice.
    fn next_id(&self, cluster: &SimCluster) -> u64 {
        let now = u64::try_from(EPOCH_MS).unwrap_or(0) + now_ms(cluster);
        let id = now.max(self.0.last_id.get() + 1);
        self.0.last_id.set(id);
        id
    }

    /// Any node that is up.
    fn any(&self, cluster: &SimCluster) -> Option<NodeId> {
        let up = cluster.nodes().into_iter().filter(|node| cluster.is_up(*node));
        let up: Vec<NodeId> = up.collect();
        self.0.chance.borrow_mut().pick_any(up.into_iter())
    }

    /// Asks how backups are, now this node and now that, until it is dropped.
    pub(crate) async fn watch(self, cluster: SimCluster) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(node) = self.any(&cluster) {
                self.ask(&cluster, node).await;
            }
        }
    }

    /// Asks a node how backups are; false when it does not know.
    pub(crate) async fn ask(&self, cluster: &SimCluster, node: NodeId) -> bool {
        let request = ManageRequest::Backups(BackupCall::List);
        let answer = cluster.backend(node).manage(request).await;
        let statuses = answer.ok().and_then(|json| serde_json::from_value(json).ok());
        let Some(statuses) = statuses else { return false };
        self.note(node, now_ms(cluster), statuses);
        true
    }

    fn note(&self, node: NodeId, at_ms: u64, statuses: Vec<BackupStatus>) {
        let mut backups = self.0.backups.borrow_mut();
        for status in statuses {
            let id = status.backup_id;
            let backup = backups.entry(id).or_insert(Backup { id, ..Backup::default() });
            let state = match status.state {
                BackupState::InProgress => BackupSaid::InProgress,
                BackupState::Completed => BackupSaid::Completed,
                _ => BackupSaid::Failed,
            };
            let before = backup.said.iter().rev().find(|said| said.node == node.0);
            if before.is_none_or(|said| said.state != state) {
                let reason = status.failure_reason;
                backup.said.push(Said { at_ms, node: node.0, state, reason });
            }
        }
    }

    /// What nobody knows to have ended yet, asked of every node.
    pub(crate) async fn left(&self, cluster: &SimCluster) -> Vec<String> {
        let mut left = Vec::new();
        for node in cluster.nodes().into_iter().filter(|node| cluster.is_up(*node)) {
            if !self.ask(cluster, node).await {
                left.push(format!("{node:?} does not say how backups are"));
            }
        }
        for backup in self.0.backups.borrow().values() {
            let mut last = BTreeMap::new();
            backup.said.iter().for_each(|said| _ = last.insert(said.node, said.state));
            if last.values().any(|state| *state == BackupSaid::InProgress) {
                left.push(format!("backup {} is in progress", backup.id));
            }
        }
        left
    }
}

fn now_ms(cluster: &SimCluster) -> u64 {
    u64::try_from(cluster.world().elapsed().as_millis()).unwrap_or(u64::MAX)
}
