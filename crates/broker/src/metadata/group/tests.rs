use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use skep_env::{Disk, MemoryDisk, OsRandom, OsTasks};
use skep_storage::{Journal, JournalOptions};

use super::*;
use crate::metadata::config::METADATA_PARTITION;
use crate::replication::{MemoryReplication, NoPeers, SnapshotStore};

fn initial() -> ClusterConfig {
    let brokers = BTreeMap::from([(0, "node-0:26502".to_owned())]);
    ClusterConfig::initial("test", &brokers, 3, 1).unwrap()
}

fn named(config: &ClusterConfig, address: &str) -> ClusterConfig {
    let mut next = config.next();
    next.brokers.get_mut(&0).unwrap().address = address.to_owned();
    next
}

fn store(disk: &MemoryDisk) -> MetadataStore {
    MetadataStore::open(Arc::new(disk.clone()), PathBuf::from("/data/metadata"), 0).unwrap()
}

struct Node {
    group: MetadataGroup,
    running: Dedicated,
    journal: Journal,
}

impl Node {
    async fn start(disk: &MemoryDisk) -> Self {
        let folder = Path::new("/data/journal");
        disk.create_dir(folder).unwrap();
        let options = JournalOptions {
            segment_bytes: 16 * 1024 * 1024,
            ballast_bytes: 0,
            ..JournalOptions::default()
        };
        let (journal, _) = Journal::open(Arc::new(disk.clone()), folder, options).unwrap();
        let store = store(disk);
        let known = KnownConfig::new(Some(store.clone()));
        known.learn(Arc::new(store.known().unwrap().unwrap_or_else(initial)));
        let stream = journal.stream(METADATA_PARTITION);
        let settings = MetadataSettings {
            node_id: 0,
            stream,
            store,
            known,
            members: BTreeMap::from([(0, 0)]),
            joins: false,
            peers: Arc::new(NoPeers),
            tasks: Arc::new(OsTasks),
            random: Arc::new(OsRandom),
        };
        let (group, running) = MetadataGroup::start(settings).unwrap();
        let mut leading = group.leading();
        leading.wait_for(Option::is_some).await.unwrap();
        Self { group, running, journal }
    }

    fn config(&self) -> Arc<ClusterConfig> {
        self.group.known().current().unwrap()
    }

    async fn stop(self) {
        self.group.shutdown();
        assert!(self.running.join().await);
        drop(self.journal);
    }
}

#[tokio::test]
async fn decisions_survive_a_crash_of_the_machine() {
    let mut disk = MemoryDisk::new();
    let node = Node::start(&disk).await;
    assert_eq!(node.config().version, 1);
    for round in 0..3 {
        let next = named(&node.config(), &format!("moved-{round}:1"));
        node.group.propose(next.clone()).await.unwrap();
        assert_eq!(*node.config(), next);
    }
    node.stop().await;
    disk = disk.crash(3);
    let node = Node::start(&disk).await;
    assert_eq!(node.config().version, 4);
    assert_eq!(node.config().brokers[&0].address, "moved-2:1");
    node.group.propose(named(&node.config(), "again:1")).await.unwrap();
    assert_eq!(node.config().version, 5);
    node.stop().await;
}

#[tokio::test]
async fn of_two_that_follow_the_same_version_one_is_refused() {
    let node = Node::start(&MemoryDisk::new()).await;
    let config = node.config();
    let (left, right) = (named(&config, "left:1"), named(&config, "right:1"));
    let (first, second) = tokio::join!(node.group.propose(left), node.group.propose(right));
    assert_eq!(first, Ok(()));
    assert_eq!(second, Err(ProposeError::Outdated));
    assert_eq!(node.config().brokers[&0].address, "left:1");
    node.stop().await;
}

#[tokio::test]
async fn a_lost_leadership_loses_what_was_not_decided() {
    let disk = MemoryDisk::new();
    let store = store(&disk);
    let wake = Arc::new(Notify::new());
    let replication = Arc::new(MemoryReplication::held(wake.clone()));
    let known = KnownConfig::new(None);
    known.learn(Arc::new(initial()));
    let (group, ends) = handle(known.clone());
    let replica = MetadataReplica::new(replication.clone(), wake, ends, store, known).unwrap();
    let running = tokio::spawn(replica.run());
    let mut leading = group.leading();
    leading.wait_for(Option::is_some).await.unwrap();
    let proposing = group.clone();
    let proposal = tokio::spawn(async move {
        let next = named(&initial(), "lost:1");
        proposing.propose(next).await
    });
    while replication.proposals_held() == 0 {
        tokio::task::yield_now().await;
    }
    replication.lose_leadership();
    assert_eq!(proposal.await.unwrap(), Err(ProposeError::Lost));
    leading.wait_for(|term| *term == Some(2)).await.unwrap();
    assert_eq!(group.known().current().unwrap().version, 1);
    group.shutdown();
    running.await.unwrap().unwrap();
}

#[test]
fn what_is_learned_is_remembered_and_never_goes_back() {
    let disk = MemoryDisk::new();
    let known = KnownConfig::new(Some(store(&disk)));
    let first = initial();
    let second = named(&first, "second:1");
    assert!(known.learn(Arc::new(second.clone())));
    assert!(!known.learn(Arc::new(first)));
    assert_eq!(*known.current().unwrap(), second);
    assert_eq!(store(&disk.crash(1)).known().unwrap().unwrap(), second);
}

#[test]
fn a_snapshot_carries_the_document_to_another_store() {
    let (here, there) = (store(&MemoryDisk::new()), store(&MemoryDisk::new()));
    assert!(here.view().unwrap().is_none());
    let checkpoint = Checkpoint {
        entry: EntryId { term: 2, index: 9 },
        replication: b"{}".to_vec(),
        config: Some(initial()),
    };
    here.write_checkpoint(&checkpoint).unwrap();
    let mut bytes = Vec::new();
    (here.view().unwrap().unwrap().open)().unwrap().read_to_end(&mut bytes).unwrap();
    let mut sink = there.receive().unwrap();
    for piece in bytes.chunks(10) {
        sink.push(piece).unwrap();
    }
    sink.finish().unwrap();
    assert!(there.checkpoint().unwrap().is_none(), "received is not installed");
    there.install().unwrap();
    assert_eq!(there.checkpoint().unwrap().unwrap(), checkpoint);
    assert_eq!(there.known().unwrap().unwrap(), initial());
}
