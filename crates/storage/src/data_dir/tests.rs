use super::*;
use skep_env::{DiskOperation, FaultyDisk, MemoryDisk, OsDisk};
use std::sync::Arc;

fn path() -> &'static Path {
    Path::new("/srv/skep")
}

fn open(disk: &dyn Disk) -> Result<DataDir, DataDirError> {
    DataDir::open(disk, path(), "process 1")
}

#[test]
fn a_new_folder_is_made_and_found_again_after_a_crash() {
    for seed in 0..20 {
        let disk = MemoryDisk::new();
        let folder = open(&disk).expect("new");
        assert!(folder.is_new());
        assert_eq!(folder.journal(), path().join("journal"));
        assert_eq!(folder.state(3), path().join("partition-3/state"));
        assert_eq!(folder.snapshots(3), path().join("partition-3/snapshots"));
        let disk = disk.crash(seed);
        assert!(!open(&disk).expect("there").is_new());
    }
}

#[test]
fn a_folder_that_was_half_made_is_made_again() {
    for operation in [DiskOperation::SyncData, DiskOperation::Rename, DiskOperation::SyncDir] {
        let memory = MemoryDisk::new();
        let disk = FaultyDisk::new(Arc::new(memory.clone()));
        disk.faults().fail_nth(operation, 1, io::ErrorKind::Other);
        open(&disk).expect_err("injected");
        open(&memory).expect("made");
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_folder() {
    let root = tempfile::tempdir().expect("folder");
    let folder = root.path().join("data");
    let memory = MemoryDisk::new();
    for disk in [&OsDisk as &dyn Disk, &memory] {
        let first = DataDir::open(disk, &folder, "process 4711").expect("first");
        let error = DataDir::open(disk, &folder, "process 2").expect_err("in use");
        let text = error.to_string();
        assert!(matches!(error, DataDirError::InUse { .. }), "{text}");
        assert!(text.contains(&folder.display().to_string()), "{text}");
        assert!(text.contains("process 4711") && text.contains("--data-dir"), "{text}");
        drop(first);
        DataDir::open(disk, &folder, "process 3").expect("free again");
    }
}

#[test]
fn an_unknown_version_is_refused_with_what_to_do() {
    for (content, found) in [("skep data folder, format 2\n", "2"), ("nonsense", "nonsense")] {
        let disk = MemoryDisk::new();
        drop(open(&disk).expect("new"));
        let file = disk.open(&path().join(VERSION_NAME), OpenMode::ReadWrite).expect("open");
        file.set_len(0).expect("cut");
        file.write_at(0, content.as_bytes()).expect("write");
        let error = open(&disk).expect_err("refused");
        assert!(error.to_string().contains("start the release that wrote it"), "{error}");
        match error {
            DataDirError::UnsupportedVersion { found: text, supported: 1, .. } => {
                assert_eq!(text, found);
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let disk = MemoryDisk::new();
    disk.create_dir(path()).expect("folder");
    disk.create_dir(&path().join(LOST_AND_FOUND)).expect("folder");
    disk.open(&path().join("holiday.jpg"), OpenMode::Create).expect("create");
    let error = open(&disk).expect_err("refused");
    assert!(error.to_string().contains("holds holiday.jpg"), "{error}");
    assert_eq!(disk.list(path()).expect("list"), ["holiday.jpg", LOST_AND_FOUND]);
    disk.remove(&path().join("holiday.jpg")).expect("remove");
    open(&disk).expect("empty but for what the file system made");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_with_what_to_do() {
    let disk = FaultyDisk::new(Arc::new(MemoryDisk::new()));
    disk.faults().fail_always(DiskOperation::Open, io::ErrorKind::PermissionDenied);
    let error = open(&disk).expect_err("refused");
    assert!(matches!(error, DataDirError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("the right to write"), "{error}");

    let root = tempfile::tempdir().expect("folder");
    let file = root.path().join("file");
    std::fs::write(&file, b"").expect("write");
    let error = DataDir::open(&OsDisk, &file.join("data"), "process 1").expect_err("refused");
    assert!(matches!(error, DataDirError::Io { .. }), "{error}");
}

fn names(disk: &dyn Disk) -> Vec<String> {
    disk.list(path()).unwrap_or_default()
}

fn fill(disk: &dyn Disk) -> UnfinishedDataDir {
    let unfinished = UnfinishedDataDir::begin(disk, path(), "restore").expect("begin");
    disk.create_dir(&path().join("journal")).expect("folder");
    let file = disk.open(&path().join("journal/x"), OpenMode::CreateNew).expect("file");
    file.sync_data().expect("sync");
    disk.sync_dir(&path().join("journal")).expect("sync");
    unfinished
}

#[test]
fn a_folder_that_is_filled_can_be_started_only_when_it_is_finished() {
    for seed in 0..20 {
        let disk = MemoryDisk::new();
        let unfinished = fill(&disk);
        let error = open(&disk).expect_err("unfinished");
        assert!(matches!(error, DataDirError::Unfinished { .. }), "{error}");
        drop(unfinished);
        let disk = disk.crash(seed);
        let error = open(&disk).expect_err("unfinished");
        assert!(error.to_string().contains("run the restore again"), "{error}");
        // The next attempt begins anew.
        let unfinished = fill(&disk);
        unfinished.finish(&disk).expect("finish");
        let disk = disk.crash(seed);
        assert!(!open(&disk).expect("complete").is_new());
        let error = UnfinishedDataDir::begin(&disk, path(), "restore").expect_err("not empty");
        assert!(matches!(error, DataDirError::NotEmpty { .. }), "{error}");
    }
}

#[test]
fn an_abandoned_folder_is_as_it_was_before() {
    let disk = MemoryDisk::new();
    fill(&disk).abandon(&disk);
    assert!(disk.list(path()).is_err(), "it was not there before");
    disk.create_dir(path()).expect("empty folder");
    fill(&disk).abandon(&disk);
    assert_eq!(names(&disk), [""; 0]);
    disk.open(&path().join("precious"), OpenMode::Create).expect("file");
    let error = UnfinishedDataDir::begin(&disk, path(), "restore").expect_err("not empty");
    assert!(error.to_string().contains("precious"), "{error}");
    assert_eq!(names(&disk), ["precious"]);
}
