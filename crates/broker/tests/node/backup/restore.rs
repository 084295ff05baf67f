//! Restores: whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_broker::backup::{BackupError, BackupState, FolderStore, RestoreSettings, restore};
use skep_broker::{Broker, BrokerConfig};
use skep_env::{Disk, DiskOperation, FaultyDisk, MemoryDisk, OpenMode};

use super::*;
use crate::support::*;

/// A node on a memory disk with a backup of number 5, and what is in it.
async fn backed_up() -> (MemoryDisk, BTreeSet<u64>) {
    let (disk, stores) = (MemoryDisk::new(), Stores::default());
    let broker = Broker::start(small(&stores), on(disk.clone())).await.unwrap();
    deploy(&broker).await;
    let mut created = BTreeSet::new();
    for number in 0..60 {
        created.insert(create_on(&broker, number % PARTITIONS + 1, "one_task").await.unwrap());
    }
    broker.backups().unwrap().take(5).await.unwrap();
    let status = completed(&broker, 5).await;
    assert_eq!(status.state, BackupState::Completed, "{status:?}");
    broker.shutdown().await;
    (disk.fork(), created)
}

fn is_untouched(disk: &MemoryDisk) -> bool {
    disk.list(Path::new(RESTORED)).is_err()
}

fn files_of(disk: &MemoryDisk, folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in disk.list(folder).unwrap() {
        let path = folder.join(name);
        match disk.list(&path) {
            Ok(_) => files.extend(files_of(disk, &path)),
            Err(_) => files.push(path),
        }
    }
    files
}

async fn open_jobs(disk: &MemoryDisk, stores: &Stores) -> BTreeSet<u64> {
    let config = BrokerConfig {
        data: skep_broker::DataLocation::Folder(PathBuf::from(RESTORED)),
        ..small(stores)
    };
    let stranger = BrokerConfig { node_id: 1, ..config.clone() };
    let error = Broker::start(stranger, on(disk.clone())).await.err().unwrap().to_string();
    assert!(error.contains("belongs to node 0"), "{error}");
    let broker = Broker::start(config, on(disk.clone())).await.unwrap();
    let jobs = jobs_by_instance(&broker).await;
    broker.shutdown().await;
    jobs.into_keys().collect()
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_refused_and_nothing_is_left_behind() {
    let (disk, created) = backed_up().await;
    let backup = Path::new(BACKUPS).join("5");
    let needed: Vec<_> = files_of(&disk, &backup)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name == "manifest.json" || name.ends_with(".log") || name.ends_with(".snapshot")
        })
        .collect();
    assert!(needed.len() > PARTITIONS as usize, "{needed:?}");
    assert!(needed.iter().any(|path| path.to_str().unwrap().ends_with(".snapshot")), "{needed:?}");
    for path in &needed {
        let length = disk.open(path, OpenMode::Read).unwrap().len_bytes().unwrap();
        for at in [0, length / 2, length - 1] {
            let disk = disk.fork();
            let file = disk.open(path, OpenMode::ReadWrite).unwrap();
            let mut byte = [0];
            file.read_exact_at(at, &mut byte).unwrap();
            file.write_at(at, &[byte[0] ^ 4]).unwrap();
            let error = restore_on(&disk, &Stores::default(), |_| {}).await.unwrap_err();
            assert!(matches!(error, BackupError::Unusable { .. }), "{path:?}: {error}");
            assert!(is_untouched(&disk), "{path:?}");
            file.write_at(at, &byte).unwrap();
            file.set_len(length - 1).unwrap();
            let error = restore_on(&disk, &Stores::default(), |_| {}).await.unwrap_err();
            assert!(matches!(error, BackupError::Unusable { .. }), "{path:?}: {error}");
        }
        let disk = disk.fork();
        disk.remove(path).unwrap();
        let error = restore_on(&disk, &Stores::default(), |_| {}).await.unwrap_err();
        assert!(matches!(error, BackupError::Unusable { .. }), "{path:?}: {error}");
        assert!(is_untouched(&disk), "{path:?}");
    }
    // Whole, it works.
    let stores = Stores::default();
    restore_on(&disk, &stores, |_| {}).await.unwrap();
    assert_eq!(open_jobs(&disk, &stores).await, created);
}

#[tokio::test]
async fn another_shape_a_full_folder_and_unknown_numbers_are_refused() {
    let (disk, created) = backed_up().await;
    let refused = async |change: fn(&mut RestoreSettings)| {
        let error = restore_on(&disk, &Stores::default(), change).await.unwrap_err();
        assert!(is_untouched(&disk), "{error}");
        error
    };
    let error = refused(|settings| settings.partitions = Some(4)).await;
    assert!(error.to_string().contains("has 3 partitions, but 4 are asked for"), "{error}");
    let error = refused(|settings| settings.cluster_id = Some("other".to_owned())).await;
    assert!(error.to_string().contains("is of cluster 'skep-cluster'"), "{error}");
    let error = refused(|settings| settings.backup_id = 6).await;
    assert_eq!(error, BackupError::NotFound { id: 6 });
    let error = refused(|settings| settings.replication_factor = Some(2)).await;
    assert!(error.to_string().contains("for a node without others"), "{error}");
    fn one() -> BTreeMap<u32, String> {
        BTreeMap::from([(0, "10.0.0.1:7000".to_owned())])
    }
    let error = refused(|settings| {
        (settings.brokers, settings.replication_factor) = (one(), Some(2));
    });
    assert!(error.await.to_string().contains("replication factor"));
    let error = refused(|settings| (settings.brokers, settings.node_id) = (one(), 1)).await;
    assert!(error.to_string().contains("not one of the brokers"), "{error}");

    disk.create_dir(Path::new(RESTORED)).unwrap();
    disk.open(&Path::new(RESTORED).join("precious"), OpenMode::Create).unwrap();
    let error = restore_on(&disk, &Stores::default(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("precious"), "{error}");
    assert_eq!(disk.list(Path::new(RESTORED)).unwrap(), ["precious"]);
    disk.remove(&Path::new(RESTORED).join("precious")).unwrap();

    // An empty folder is fine, and a folder that was restored is not empty any more.
    let stores = Stores::default();
    let change = |settings: &mut RestoreSettings| {
        settings.partitions = Some(PARTITIONS);
        settings.cluster_id = Some("skep-cluster".to_owned());
    };
    restore_on(&disk, &stores, change).await.unwrap();
    let error = restore_on(&disk, &Stores::default(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(open_jobs(&disk, &stores).await, created);
}

#[tokio::test]
async fn other_numbers_of_brokers_get_the_partitions_that_placement_gives_them() {
    let (disk, _) = backed_up().await;
    for (brokers, replication_factor, node, expected) in [
        (3, 1, 0, &[1][..]),
        (3, 1, 2, &[3]),
        (3, 2, 0, &[1, 3]),
        (2, 2, 1, &[1, 2, 3]),
        (4, 1, 3, &[]),
    ] {
        let (disk, stores) = (disk.fork(), Stores::default());
        let restored = restore_on(&disk, &stores, |settings| {
            settings.brokers =
                (0..brokers).map(|id| (id, format!("10.0.0.1:{}", 7000 + id))).collect();
            settings.node_id = node;
            settings.replication_factor = Some(replication_factor);
        });
        let restored = restored.await.unwrap();
        let partitions: Vec<u32> = restored.partitions.into_keys().collect();
        assert_eq!(partitions, expected, "{brokers} brokers, factor {replication_factor}");
    }
}

#[tokio::test]
async fn a_restore_that_is_interrupted_anywhere_leaves_nothing_half() {
    let (disk, created) = backed_up().await;
    let mut outcomes = BTreeMap::<&str, u32>::new();
    for operation in [
        DiskOperation::Write,
        DiskOperation::SyncData,
        DiskOperation::Rename,
        DiskOperation::SyncDir,
    ] {
        for nth in (1..40).step_by(4) {
            let memory = disk.fork();
            let faulty = FaultyDisk::new(Arc::new(memory.clone()));
            faulty.faults().fail_nth(operation, nth, std::io::ErrorKind::Other);
            let store = FolderStore::new(Arc::new(memory.clone()), BACKUPS);
            let stores = Stores::default();
            let settings = RestoreSettings { state: Some(stores.open()), ..settings(5, RESTORED) };
            let result = restore(&store, &settings, &on(faulty)).await;
            // The power fails too, right then.
            let memory = memory.fork().crash(nth);
            let config = BrokerConfig {
                data: skep_broker::DataLocation::Folder(PathBuf::from(RESTORED)),
                ..small(&stores)
            };
            let complete =
                memory.open(&Path::new(RESTORED).join("skep.version"), OpenMode::Read).is_ok();
            assert!(complete || result.is_err(), "{operation:?} {nth}: it said that it is done");
            if complete {
                *outcomes.entry("complete").or_default() += 1;
                assert_eq!(open_jobs(&memory, &stores).await, created, "{operation:?} {nth}");
                continue;
            }
            *outcomes.entry("nothing").or_default() += 1;
            if memory.list(Path::new(RESTORED)).is_ok_and(|names| !names.is_empty()) {
                let started = Broker::start(config, on(memory.clone())).await;
                let error = started.err().unwrap().to_string();
                assert!(error.contains("run the restore again"), "{operation:?} {nth}: {error}");
            }
            // Again, on a disk that works.
            let stores = Stores::default();
            restore_on(&memory, &stores, |_| {}).await.unwrap();
            assert_eq!(open_jobs(&memory, &stores).await, created, "{operation:?} {nth}");
        }
    }
    assert!(outcomes.len() == 2, "{outcomes:?}");
}
