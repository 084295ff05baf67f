//! Backups: what was acknowledged before is in them, and partitions agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep_broker::backup::{BackupError, BackupState, FolderStore, restore};
use skep_broker::{Broker, BrokerConfig, Environment, Response};
use skep_env::{Disk, MemoryDisk, OpenMode};
use skep_protocol::{
    Command, MessageIntent, MessageRecord, NO_KEY, Payload, ProcessInstanceCreationIntent,
    ProcessInstanceCreationRecord,
};
use tokio::sync::Notify;

use super::*;
use crate::support::*;

/// Waits for a message with a correlation key, then has a job.
fn meeting_model() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">
  <bpmn:message id="m" name="arrived">
    <bpmn:extensionElements><zeebe:subscription correlationKey="=who"/></bpmn:extensionElements>
  </bpmn:message>
  <bpmn:process id="meeting" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
    <bpmn:intermediateCatchEvent id="wait">
      <bpmn:messageEventDefinition messageRef="m"/>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="b" sourceRef="wait" targetRef="task"/>
    <bpmn:serviceTask id="task">
      <bpmn:extensionElements><zeebe:taskDefinition type="{JOB_TYPE}"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="c" sourceRef="task" targetRef="end"/>
    <bpmn:endEvent id="end"/>
  </bpmn:process>
</bpmn:definitions>"#
    )
}

/// Key `name-i` is on the partition that the hash chooses; the instance on another.
fn partition_of_key(key: &str) -> u32 {
    skep_protocol::key::partition_of_correlation_key(key, PARTITIONS)
}

async fn create_meeting(broker: &Broker, partition: u32, who: &str) -> Option<u64> {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "meeting".to_owned(),
        version: -1,
        // {"who": who} as MessagePack.
        variables: [&[0x81, 0xa3][..], b"who", &[0xa0 | who.len() as u8], who.as_bytes()]
            .concat()
            .into(),
        ..ProcessInstanceCreationRecord::default()
    };
    let payload = Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value);
    match broker.submit(partition, Command::new(NO_KEY, payload), TIMEOUT).await {
        Ok(Response::Accepted { payload, .. }) => match *payload {
            Payload::ProcessInstanceCreation(_, value) => Some(value.process_instance_key),
            other => panic!("{other:?}"),
        },
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    }
}

async fn publish(broker: &Broker, who: &str) {
    let value = MessageRecord {
        name: "arrived".to_owned(),
        correlation_key: who.to_owned(),
        time_to_live_ms: 3_600_000,
        ..MessageRecord::default()
    };
    let command = Command::new(NO_KEY, Payload::Message(MessageIntent::Publish, value));
    let response = broker.submit(partition_of_key(who), command, TIMEOUT).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
}

async fn deploy_meeting(broker: &Broker) {
    deploy_text(broker, "meeting.bpmn", &meeting_model()).await;
}

/// What clients were told, while others go on.
#[derive(Default)]
struct Log {
    told: Mutex<(BTreeMap<String, u64>, BTreeSet<String>)>,
    news: Notify,
}

impl Log {
    fn create(&self, who: &str, key: u64) {
        self.told.lock().unwrap().0.insert(who.to_owned(), key);
        self.news.notify_one();
    }

    fn publish(&self, who: &str) {
        self.told.lock().unwrap().1.insert(who.to_owned());
    }

    fn now(&self) -> (BTreeMap<String, u64>, BTreeSet<String>) {
        self.told.lock().unwrap().clone()
    }

    async fn wait_for(&self, count: usize) {
        while self.told.lock().unwrap().0.len() < count {
            self.news.notified().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_what_was_acknowledged_and_its_partitions_agree() {
    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("share");
    let config = BrokerConfig {
        partitions: PARTITIONS,
        journal_segment_bytes: 4 * 1024 * 1024,
        // Small, so that parts have snapshots and the log would be purged under them.
        checkpoint_log_bytes: 100_000,
        backup_dir: Some(share.clone()),
        ..BrokerConfig::in_folder(folder.path().join("data"))
    };
    let broker = Broker::start(config, Environment::system()).await.unwrap();
    deploy_meeting(&broker).await;
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Log::default());
    let mut load = Vec::new();
    for worker in 0..8_u32 {
        let (broker, stop, log) = (broker.clone(), stop.clone(), acknowledged.clone());
        load.push(tokio::spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Acquire) {
                let who = format!("w{worker}-{number}");
                // Not where its subscription will be.
                let partition = partition_of_key(&who) % PARTITIONS + 1;
                if let Some(key) = create_meeting(&broker, partition, &who).await {
                    log.create(&who, key);
                }
                if number % 2 == 0 {
                    publish(&broker, &who).await;
                    log.publish(&who);
                }
                if number % 50 == 7 {
                    deploy_text(&broker, "meeting.bpmn", &meeting_model()).await;
                }
                number += 1;
            }
        }));
    }
    let mut before = Vec::new();
    for id in [3, 4, 9] {
        acknowledged.wait_for(id as usize * 40).await;
        before.push((id, acknowledged.now()));
        broker.backups().unwrap().take(id).await.unwrap();
        let status = completed(&broker, id).await;
        assert_eq!(status.state, BackupState::Completed, "{status:?}");
        assert_eq!(status.partitions.len(), PARTITIONS as usize);
    }
    stop.store(true, Ordering::Release);
    for task in load {
        task.await.unwrap();
    }
    broker.shutdown().await;
    for (id, (created, published)) in before {
        let data = folder.path().join(format!("restored-{id}"));
        let store = FolderStore::new(Arc::new(skep_env::OsDisk), &share);
        let restored = restore(&store, &settings(id, &data), &Environment::system()).await.unwrap();
        assert_eq!(restored.partitions.len(), PARTITIONS as usize);
        check_meetings(&data, &share, &created, &published).await;
    }
}

/// Everything that was acknowledged is there, whoever got a message has its job, and who did not
/// gets one when it is published now: no subscription is known on one side only.
async fn check_meetings(
    data: &Path,
    share: &Path,
    created: &BTreeMap<String, u64>,
    published: &BTreeSet<String>,
) {
    let config = BrokerConfig {
        partitions: PARTITIONS,
        journal_segment_bytes: 4 * 1024 * 1024,
        backup_dir: Some(share.to_owned()),
        ..BrokerConfig::in_folder(data)
    };
    let broker = Broker::start(config.clone(), Environment::virtual_time()).await.unwrap();
    // What was between partitions when the backup was taken is sent again, when a leader has first
    // seen it and time has passed since.
    broker.advance_clock(60_000).await.unwrap();
    broker.advance_clock(60_000).await.unwrap();
    let jobs = jobs_by_instance(&broker).await;
    for who in published {
        assert!(jobs.contains_key(&created[who]), "{who}: its message was acknowledged");
    }
    let missing: Vec<_> = created.iter().filter(|(_, key)| !jobs.contains_key(key)).collect();
    assert!(!missing.is_empty(), "half of the instances wait");
    for (who, _) in &missing {
        publish(&broker, who).await;
    }
    broker.advance_clock(60_000).await.unwrap();
    let later = jobs_by_instance(&broker).await;
    for (who, key) in missing {
        assert!(later.contains_key(key), "{who}: it was acknowledged, and its message came");
    }
    // New work has new keys, on every partition and with the latest version.
    for partition in 1..=PARTITIONS {
        let key = create_meeting(&broker, partition, "new").await.unwrap();
        assert!(!created.values().any(|known| *known == key), "a key is given out once");
    }
    // The next backup has a higher number than all that lie in the store, and works.
    let error = broker.backups().unwrap().take(9).await.unwrap_err();
    assert!(matches!(error, BackupError::Conflict { .. }), "{error}");
    broker.shutdown().await;
    // It is a data folder like any other.
    let broker = Broker::start(config, Environment::system()).await.unwrap();
    broker.shutdown().await;
}

#[tokio::test]
async fn numbers_must_grow_and_backups_can_be_deleted() {
    let (disk, stores) = (MemoryDisk::new(), Stores::default());
    let broker = Broker::start(small(&stores), on(disk.clone())).await.unwrap();
    let backups = broker.backups().unwrap();
    assert_eq!(backups.list().await.unwrap(), []);
    for id in [2, 7] {
        backups.take(id).await.unwrap();
        assert_eq!(completed(&broker, id).await.state, BackupState::Completed);
    }
    for id in [7, 6, 2, 1, 0] {
        let error = backups.take(id).await.unwrap_err();
        assert!(error.to_string().contains("must be higher than that of the last"), "{error}");
    }
    backups.delete(7).await.unwrap();
    assert_eq!(backups.get(7).await.unwrap_err(), BackupError::NotFound { id: 7 });
    assert_eq!(backups.delete(7).await.unwrap_err(), BackupError::NotFound { id: 7 });
    // The partitions remember what the store has forgotten.
    let error = backups.take(7).await.unwrap_err();
    assert!(error.to_string().contains("the last checkpoint, 7"), "{error}");
    let listed: Vec<u64> = backups.list().await.unwrap().iter().map(|it| it.backup_id).collect();
    assert_eq!(listed, [2]);
    broker.shutdown().await;
    assert!(backups.take(8).await.is_err(), "the node has stopped");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_backup_leaves_none_that_could_be_restored() {
    let mut states = BTreeMap::<String, u32>::new();
    for seed in 0..12 {
        let (disk, stores) = (MemoryDisk::new(), Stores::default());
        let broker = Broker::start(small(&stores), on(disk.clone())).await.unwrap();
        deploy(&broker).await;
        for number in 0..30 {
            create_on(&broker, number % PARTITIONS + 1, "one_task").await.unwrap();
        }
        broker.backups().unwrap().take(5).await.unwrap();
        // Sooner or later, as the seed has it.
        for _ in 0..seed * 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if disk
                .open(Path::new(BACKUPS).join("5/manifest.json").as_path(), OpenMode::Read)
                .is_ok()
            {
                break;
            }
        }
        let after = disk.fork().crash(seed);
        broker.shutdown().await;
        let restarted = BrokerConfig {
            data: skep_broker::DataLocation::Folder(PathBuf::from("/other")),
            ..small(&Stores::default())
        };
        let broker = Broker::start(restarted, on(after.clone())).await.unwrap();
        let list = broker.backups().unwrap().list().await.unwrap();
        let state = list.first().map_or("none".to_owned(), |it| format!("{:?}", it.state));
        let restored = restore_on(&after, &Stores::default(), |_| {}).await;
        assert_eq!(restored.is_ok(), state == "Completed", "seed {seed}: {state}: {restored:?}");
        assert_ne!(state, "InProgress", "seed {seed}: nobody works on it any more");
        *states.entry(state).or_default() += 1;
        broker.shutdown().await;
    }
    assert!(states.contains_key("Incomplete"), "{states:?}");
}
