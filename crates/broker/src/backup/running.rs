//! A backup that this node takes: asks partitions until each has its part in the store.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use skep_engine::Response;
use skep_protocol::{CheckpointIntent, PartitionId, Payload};

use crate::backup::driver::{ClusterFacts, DriverSettings, create_command};
use crate::backup::manifest::{FORMAT_VERSION, MANIFEST, Manifest};
use crate::backup::request::BackupRequest;
use crate::backup::status::part_of;
use crate::backup::{BackupId, BackupStore, Part};
use crate::error::BrokerError;
use crate::limits;

/// What became of a backup.
pub(crate) enum Progress {
    Going,
    Completed,
    Failed(String),
}

/// What is known of a partition.
struct Asked {
    part: Option<Part>,
    /// When it was asked last, monotonic microseconds.
    asked_us: Option<u64>,
    waiting: bool,
    /// When its leader answered last, monotonic microseconds.
    answered_us: u64,
    problem: String,
}

type Answer = (PartitionId, Result<Response, BrokerError>);

fn is_new(response: &Response) -> bool {
    let Response::Accepted { payload, .. } = response else { return false };
    matches!(**payload, Payload::Checkpoint(CheckpointIntent::Created, _))
}

/// A backup under way.
pub(crate) struct Running {
    id: BackupId,
    request: BackupRequest,
    cluster: ClusterFacts,
    partitions: BTreeMap<PartitionId, Asked>,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    heard: Vec<Answer>,
    started_us: u64,
    lease_us: u64,
    /// The store has failed since then, monotonic microseconds.
    store_failing_us: Option<u64>,
}

impl Running {
    pub(crate) fn new(
        id: BackupId,
        request: BackupRequest,
        cluster: ClusterFacts,
        settings: &DriverSettings,
    ) -> Self {
        let now_us = settings.clock.monotonic_us();
        let asked = |partition| Asked {
            part: None,
            asked_us: (partition == 1).then_some(now_us),
            waiting: false,
            answered_us: now_us,
            problem: "it has not answered yet".to_owned(),
        };
        let partitions = (1..=cluster.partition_count).map(|it| (it, asked(it))).collect();
        let mut running = Self {
            id,
            request,
            cluster,
            partitions,
            answers: FuturesUnordered::new(),
            heard: Vec::new(),
            started_us: now_us,
            lease_us: now_us,
            store_failing_us: None,
        };
        running.ask(settings, now_us);
        running
    }

    pub(crate) fn id(&self) -> BackupId {
        self.id
    }

    /// What is to be written down of it when it failed.
    pub(crate) fn failed(&self, reason: String) -> BackupRequest {
        BackupRequest { failure_reason: Some(reason), ..self.request.clone() }
    }

    /// Waits for an answer of a partition; [`Running::advance`] looks at it.
    pub(crate) async fn heard(&mut self) {
        match self.answers.next().await {
            Some(answer) => self.heard.push(answer),
            None => std::future::pending().await,
        }
    }

    /// One step; called often.
    pub(crate) fn advance(&mut self, settings: &DriverSettings) -> Progress {
        let now_us = settings.clock.monotonic_us();
        match self.try_advance(settings, now_us) {
            Ok(None) => {
                self.store_failing_us = None;
                Progress::Going
            }
            Ok(Some(Ok(()))) => Progress::Completed,
            Ok(Some(Err(reason))) => Progress::Failed(reason),
            Err(error) => {
                let since_us = *self.store_failing_us.get_or_insert(now_us);
                if now_us.saturating_sub(since_us) < limits::BACKUP_SILENCE_US_MAX {
                    return Progress::Going;
                }
                Progress::Failed(format!("the backup store cannot be used: {error}"))
            }
        }
    }

    fn try_advance(
        &mut self,
        settings: &DriverSettings,
        now_us: u64,
    ) -> std::io::Result<Option<Result<(), String>>> {
        let store = &*settings.store;
        let overtaken = self.take_answers(now_us) && store.list()?.last() > Some(&self.id);
        for (partition, asked) in &mut self.partitions {
            if asked.part.is_some() {
                continue;
            }
            match part_of(store, self.id, *partition)? {
                Some(Ok(part)) => asked.part = Some(part),
                Some(Err(reason)) => {
                    return Ok(Some(Err(format!("partition {partition}: {reason}"))));
                }
                None => {}
            }
        }
        if self.partitions.values().all(|asked| asked.part.is_some()) {
            self.write_manifest(settings)?;
            return Ok(Some(Ok(())));
        }
        if overtaken {
            return Ok(Some(Err("a backup with a higher number was begun meanwhile".to_owned())));
        }
        if let Some(reason) = self.is_hopeless(now_us) {
            return Ok(Some(Err(reason)));
        }
        self.ask(settings, now_us);
        self.renew(store, settings.clock.now_ms(), now_us)?;
        Ok(None)
    }

    /// Whether a partition that has no part had made this checkpoint before, or a later one.
    fn take_answers(&mut self, now_us: u64) -> bool {
        let mut refused = false;
        for (partition, answer) in self.heard.drain(..) {
            let Some(asked) = self.partitions.get_mut(&partition) else { continue };
            asked.waiting = false;
            match answer {
                Ok(response) => {
                    asked.answered_us = now_us;
                    refused |= asked.part.is_none() && !is_new(&response);
                }
                Err(error) => asked.problem = error.to_string(),
            }
        }
        refused
    }

    fn is_hopeless(&self, now_us: u64) -> Option<String> {
        if now_us.saturating_sub(self.started_us) > limits::BACKUP_US_MAX {
            return Some(format!("it took longer than {} s", limits::BACKUP_US_MAX / 1_000_000));
        }
        let silent = |asked: &&Asked| {
            asked.part.is_none()
                && now_us.saturating_sub(asked.answered_us) > limits::BACKUP_SILENCE_US_MAX
        };
        let (partition, asked) = self.partitions.iter().find(|(_, asked)| silent(asked))?;
        Some(format!(
            "partition {partition} has not answered for {} s: {}",
            limits::BACKUP_SILENCE_US_MAX / 1_000_000,
            asked.problem
        ))
    }

    /// Asks again and again: a new leader does not know that its part is wanted.
    fn ask(&mut self, settings: &DriverSettings, now_us: u64) {
        for (partition, asked) in &mut self.partitions {
            let recent = asked
                .asked_us
                .is_some_and(|at_us| now_us.saturating_sub(at_us) < limits::BACKUP_ASK_AGAIN_US);
            if asked.part.is_some() || asked.waiting || recent {
                continue;
            }
            asked.waiting = true;
            asked.asked_us = Some(now_us);
            let partition = *partition;
            let answer = (settings.submit)(partition, create_command(self.id));
            self.answers.push(Box::pin(async move { (partition, answer.await) }));
        }
    }

    /// Tells other nodes that this one is still at it.
    fn renew(&mut self, store: &dyn BackupStore, now_ms: i64, now_us: u64) -> std::io::Result<()> {
        if now_us.saturating_sub(self.lease_us) < limits::BACKUP_LEASE_RENEWAL_US {
            return Ok(());
        }
        self.request.alive_until_ms = now_ms.saturating_add(limits::BACKUP_DRIVER_LEASE_MS);
        self.request.write(store, self.id)?;
        self.lease_us = now_us;
        Ok(())
    }

    fn write_manifest(&self, settings: &DriverSettings) -> std::io::Result<()> {
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            backup_id: self.id,
            cluster_id: self.cluster.cluster_id.clone(),
            skep_version: self.request.skep_version.clone(),
            created_at_ms: self.request.created_at_ms,
            completed_at_ms: settings.clock.now_ms(),
            partition_count: self.cluster.partition_count,
            message_partitions: self.cluster.message_partitions,
            replication_factor: self.cluster.replication_factor,
            partitions: self.partitions.values().filter_map(|it| it.part.clone()).collect(),
            checksum: String::new(),
        };
        settings.store.put(self.id, MANIFEST, &manifest.encode()?)
    }
}
