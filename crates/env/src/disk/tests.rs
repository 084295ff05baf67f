use super::*;
use std::path::PathBuf;

/// The contract, checked on both disks.
fn conforms(disk: &dyn Disk, root: &Path) {
    let folder = root.join("a/b");
    let path = folder.join("file");
    disk.create_dir(&folder).expect("create folder");
    disk.create_dir(&folder).expect("an existing folder is fine");
    let missing = disk.open(&path, OpenMode::ReadWrite).err().expect("missing");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let file = disk.open(&path, OpenMode::CreateNew).expect("create");
    let again = disk.open(&path, OpenMode::CreateNew).err().expect("exists");
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);

    file.write_at(5, b"world").expect("write");
    file.write_at(0, b"hello").expect("write");
    assert_eq!(file.len_bytes().expect("len"), 10);
    file.preallocate(64).expect("preallocate");
    file.preallocate(32).expect("a smaller reservation changes nothing");
    assert_eq!(file.len_bytes().expect("len"), 64);
    file.sync_data().expect("sync");
    let mut buffer = [1; 12];
    disk.open(&path, OpenMode::Read).expect("open").read_exact_at(0, &mut buffer).expect("read");
    assert_eq!(&buffer, b"helloworld\0\0");
    assert_eq!(file.read_at(60, &mut buffer).expect("read"), 4);
    assert_eq!(file.read_at(64, &mut buffer).expect("read"), 0);
    let short = file.read_exact_at(60, &mut buffer).expect_err("short");
    assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    file.set_len(3).expect("cut");
    assert_eq!(file.len_bytes().expect("len"), 3);
    let reader = disk.open(&path, OpenMode::Read).expect("open");
    assert!(reader.write_at(0, b"x").is_err(), "opened for reading only");

    disk.rename(&path, &folder.join("other")).expect("rename");
    disk.open(&folder.join("another"), OpenMode::Create).expect("create");
    disk.sync_dir(&folder).expect("sync folder");
    assert_eq!(disk.list(&folder).expect("list"), ["another", "other"]);
    assert_eq!(disk.list(&root.join("a")).expect("list"), ["b"]);
    disk.remove(&folder.join("another")).expect("remove");
    assert_eq!(disk.list(&folder).expect("list"), ["other"]);
    assert!(disk.list(&root.join("nowhere")).is_err());
    assert!(disk.free_bytes(&folder).expect("free") > 0);

    let full = disk.remove_dir(&folder).expect_err("not empty");
    assert_eq!(full.kind(), io::ErrorKind::DirectoryNotEmpty);
    let deep = root.join("c/d");
    disk.create_dir(&deep).expect("create folder");
    disk.open(&deep.join("file"), OpenMode::Create).expect("create");
    disk.open(&root.join("c/file"), OpenMode::Create).expect("create");
    remove_tree(disk, &root.join("c")).expect("with all that is in it");
    let gone = disk.remove_dir(&root.join("c")).expect_err("gone");
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);

    let lock = disk.lock(&folder.join("lock"), "holder").expect("lock");
    let held = disk.lock(&folder.join("lock"), "me").err().expect("held");
    assert_eq!(held.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(content(disk, &folder.join("lock")), b"holder");
    drop(lock);
    disk.lock(&folder.join("lock"), "me").expect("free again");
    assert_eq!(content(disk, &folder.join("lock")), b"me");
}

#[test]
fn os_disk_conforms() {
    let root = tempfile::tempdir().expect("folder");
    conforms(&OsDisk, root.path());
    let made = root.path().join("x/y/z");
    OsDisk.create_dir(&made).expect("with all parents");
    assert!(made.is_dir());
}

#[test]
fn memory_disk_conforms() {
    conforms(&MemoryDisk::new(), Path::new("/data"));
}

#[test]
fn faulty_disk_conforms_with_nothing_armed() {
    conforms(&FaultyDisk::new(Arc::new(MemoryDisk::new())), Path::new("/data"));
}

fn memory_file() -> (MemoryDisk, PathBuf, Arc<dyn DiskFile>) {
    let disk = MemoryDisk::new();
    let path = PathBuf::from("/data/file");
    disk.create_dir(Path::new("/data")).expect("folder");
    let file = disk.open(&path, OpenMode::CreateNew).expect("create");
    disk.sync_dir(Path::new("/data")).expect("sync folder");
    (disk, path, file)
}

fn content(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).expect("open");
    let mut bytes = vec![0; usize::try_from(file.len_bytes().expect("len")).expect("fits")];
    file.read_exact_at(0, &mut bytes).expect("read");
    bytes
}

#[test]
fn a_crash_keeps_what_was_synced_and_tears_what_was_not() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let (disk, path, file) = memory_file();
        file.write_at(0, &[1; 1024]).expect("write");
        file.sync_data().expect("sync");
        file.write_at(512, &[2; 1024]).expect("write");
        let disk = disk.crash(seed);
        let after = content(&disk, &path);
        assert_eq!(&after[..512], [1; 512]);
        assert!(after[512..1024] == [1; 512] || after[512..1024] == [2; 512]);
        assert!(file.write_at(0, b"x").is_err(), "the process that had it open is dead");
        assert!(file.sync_data().is_err());
        outcomes.insert((after[512], after.len()));
    }
    assert_eq!(outcomes.len(), 4, "every mix of the two sectors occurs");
}

#[test]
fn a_crash_may_undo_names_that_were_not_synced_but_keeps_their_order() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let (disk, path, _file) = memory_file();
        disk.open(Path::new("/data/second"), OpenMode::CreateNew).expect("create");
        disk.remove(&path).expect("remove");
        let disk = disk.crash(seed);
        outcomes.insert(disk.list(Path::new("/data")).expect("list"));
    }
    let expected = [vec!["file"], vec!["file", "second"], vec!["second"]];
    assert!(outcomes.iter().eq(expected.iter()), "{outcomes:?}");
}

#[test]
fn a_crash_that_forgets_a_removal_brings_the_whole_file_back() {
    let mut back = 0;
    for seed in 0..64 {
        let (disk, folder) = (MemoryDisk::new(), Path::new("/data"));
        disk.create_dir(folder).expect("folder");
        let path = folder.join("short-lived");
        let file = disk.open(&path, OpenMode::Create).expect("file");
        file.write_at(0, b"bytes").expect("write");
        file.sync_data().expect("sync");
        disk.remove(&path).expect("remove");
        let disk = disk.crash(seed);
        for name in disk.list(folder).expect("list") {
            assert_eq!(content(&disk, &folder.join(name)), b"bytes");
            back += 1;
        }
    }
    assert!((1..64).contains(&back), "some removals are forgotten, some are not: {back}");
}

#[test]
fn a_full_memory_disk_writes_in_part_and_recovers_when_a_file_is_removed() {
    let (disk, path, file) = memory_file();
    let other = disk.open(Path::new("/data/other"), OpenMode::Create).expect("create");
    file.write_at(0, &[1; 60]).expect("write");
    disk.set_capacity(Some(100));
    let error = other.write_at(0, &[2; 60]).expect_err("full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(other.len_bytes().expect("len"), 40);
    file.write_at(0, &[3; 60]).expect("overwriting needs no room");
    assert_eq!(other.preallocate(41).expect_err("full").kind(), io::ErrorKind::StorageFull);
    disk.remove(&path).expect("remove");
    other.write_at(0, &[2; 60]).expect("room again");
    assert_eq!(disk.free_bytes(Path::new("/data")).expect("free"), 40);
}

#[test]
fn faults_strike_when_armed_and_stop_when_cleared() {
    let (memory, path, _file) = memory_file();
    let disk = FaultyDisk::new(Arc::new(memory));
    let faults = disk.faults();
    let file = disk.open(&path, OpenMode::ReadWrite).expect("open");

    faults.fail_nth(DiskOperation::SyncData, 2, io::ErrorKind::Other);
    file.sync_data().expect("the first succeeds");
    file.sync_data().expect_err("the second fails");
    file.sync_data().expect("the third succeeds");

    faults.full_after(10);
    file.write_at(0, &[1; 8]).expect("there is room");
    let error = file.write_at(8, &[2; 8]).expect_err("full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&disk, &path), [1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
    faults.clear();
    file.write_at(8, &[2; 8]).expect("room again");

    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    faults.before_sync(move || sender.send(()).expect("room"));
    file.sync_data().expect("sync");
    receiver.try_recv().expect("the hook ran first");

    faults.fail_always(DiskOperation::Open, io::ErrorKind::PermissionDenied);
    assert!(disk.open(&path, OpenMode::Read).is_err());
    assert!(disk.open(&path, OpenMode::Read).is_err());
}
