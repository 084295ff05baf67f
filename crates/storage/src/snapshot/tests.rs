use super::*;
use crate::limits::SNAPSHOT_CHUNK_BYTES;
use crate::state::{LmdbOptions, LmdbStore, MemoryStore};
use skep_env::{DiskOperation, FaultyDisk, MemoryDisk, OpenMode};
use std::ops::ControlFlow;
use std::sync::Arc;

fn path() -> &'static Path {
    Path::new("/data/snapshot-7")
}

fn disk() -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create_dir(Path::new("/data")).expect("folder");
    disk
}

fn small_store() -> MemoryStore {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    batch.put(0, "", "empty key");
    batch.put(0, "a", "");
    batch.put(255, "z", "last");
    store.commit(batch, b"ignored").expect("commit");
    store
}

/// Three chunks, one of them for a single large value, and a long key.
fn large_store() -> MemoryStore {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    for number in 0..2000_u32 {
        batch.put((number % 5) as u8, number.to_be_bytes(), vec![number as u8; 700]);
    }
    batch.put(9, "large", vec![1; 2 * SNAPSHOT_CHUNK_BYTES]);
    batch.put(10, vec![5; 3000], "long key");
    store.commit(batch, b"").expect("commit");
    store
}

fn content(store: &dyn StateStore) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
    let mut content = Vec::new();
    for table in 0..=u8::MAX {
        let mut visit = |key: &[u8], value: &[u8]| {
            content.push((table, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        store.scan(table, b"", None, &mut visit).expect("scan");
    }
    content
}

fn file_bytes(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).expect("open");
    let mut bytes = vec![0; file.len_bytes().expect("len") as usize];
    file.read_exact_at(0, &mut bytes).expect("read");
    bytes
}

fn replace(disk: &dyn Disk, bytes: &[u8]) {
    let file = disk.open(path(), OpenMode::Create).expect("open");
    file.set_len(0).expect("cut");
    file.write_at(0, bytes).expect("write");
}

#[test]
fn a_snapshot_carries_a_store_to_another_one() {
    let folder = tempfile::tempdir().expect("folder");
    let lmdb = LmdbStore::open(folder.path(), &LmdbOptions::default()).expect("open");
    for source in [MemoryStore::new(), small_store(), large_store()] {
        let disk = disk();
        let view = source.view().expect("view");
        let written = write(&disk, path(), &*view, b"position 7").expect("write");
        assert_eq!(written.entries, content(&source).len() as u64);
        assert_eq!(written.bytes, file_bytes(&disk, path()).len() as u64);
        assert_eq!(verify(&disk, path()).expect("verify"), written);
        let memory = small_store();
        for target in [&memory as &dyn StateStore, &lmdb] {
            assert_eq!(import(&disk, path(), target).expect("import"), written);
            assert!(content(target) == content(&source));
            assert_eq!(target.meta().expect("meta"), Some(b"position 7".to_vec()));
        }
        // And back from the other store, to the same bytes.
        let first = file_bytes(&disk, path());
        write(&disk, path(), &*lmdb.view().expect("view"), b"position 7").expect("write");
        assert!(file_bytes(&disk, path()) == first);
    }
}

#[test]
fn an_export_is_the_file_byte_for_byte() {
    let disk = disk();
    let written = write(&disk, path(), &large_store(), b"meta").expect("write");
    let mut bytes = Vec::new();
    let mut sink = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    assert_eq!(export(&large_store(), b"meta", &mut sink).expect("export"), written);
    assert!(bytes == file_bytes(&disk, path()));
    let mut full = |_: &[u8]| Err(io::ErrorKind::StorageFull.into());
    let error = export(&large_store(), b"meta", &mut full).expect_err("refused");
    assert!(matches!(error, SnapshotError::Sink(_)), "{error}");
}

#[test]
fn a_snapshot_shows_one_point_in_time() {
    let (disk, store) = (disk(), small_store());
    let view = store.view().expect("view");
    let before = content(&store);
    store.clear().expect("clear");
    write(&disk, path(), &*view, b"").expect("write");
    import(&disk, path(), &store).expect("import");
    assert_eq!(content(&store), before);
}

#[test]
fn pieces_make_the_same_file_on_another_node() {
    let (here, there) = (disk(), disk());
    let written = write(&here, path(), &large_store(), b"meta").expect("write");
    let mut reader = SnapshotReader::open(&here, path()).expect("open");
    assert_eq!(reader.meta(), b"meta".as_slice());
    let mut receiver = SnapshotReceiver::begin(Arc::new(there.clone()), path()).expect("begin");
    let mut pieces = 0;
    while let Some(piece) = reader.next_piece().expect("read") {
        receiver.push(&piece).expect("push");
        pieces += 1;
    }
    assert_eq!(pieces, 5, "header, three chunks, footer");
    assert_eq!(there.list(Path::new("/data")).expect("list"), ["snapshot-7.part"]);
    assert_eq!(receiver.finish().expect("finish"), written);
    assert_eq!(there.list(Path::new("/data")).expect("list"), ["snapshot-7"]);
    assert!(file_bytes(&there, path()) == file_bytes(&here, path()));
}

#[test]
fn missing_and_swapped_pieces_are_refused() {
    let (here, there) = (disk(), disk());
    write(&here, path(), &large_store(), b"meta").expect("write");
    let mut reader = SnapshotReader::open(&here, path()).expect("open");
    let mut pieces = Vec::new();
    while let Some(piece) = reader.next_piece().expect("read") {
        pieces.push(piece);
    }
    for order in [&[0, 1, 2, 3][..], &[0, 1, 3, 4], &[0, 2, 1, 3, 4], &[1, 2, 3, 4], &[0, 4]] {
        let mut receiver = SnapshotReceiver::begin(Arc::new(there.clone()), path()).expect("begin");
        for piece in order {
            receiver.push(&pieces[*piece]).expect("push");
        }
        let error = receiver.finish().expect_err("refused");
        assert!(matches!(error, SnapshotError::Corrupt { .. }), "{order:?}: {error}");
        assert_eq!(there.list(Path::new("/data")).expect("list"), [""; 0]);
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed_and_the_store_stays() {
    let (disk, store) = (disk(), small_store());
    write(&disk, path(), &store, b"meta").expect("write");
    let bytes = file_bytes(&disk, path());
    let target = large_store();
    let before = content(&target).len();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            replace(&disk, &damaged);
            import(&disk, path(), &target).expect_err("refused");
        }
        replace(&disk, &bytes[..at]);
        import(&disk, path(), &target).expect_err("refused");
    }
    replace(&disk, &[&bytes[..], b"x"].concat());
    import(&disk, path(), &target).expect_err("refused");
    assert_eq!(content(&target).len(), before);
    replace(&disk, &bytes);
    import(&disk, path(), &target).expect("the undamaged one is fine");
}

#[test]
fn an_unknown_version_is_refused_with_what_to_do() {
    let disk = disk();
    write(&disk, path(), &small_store(), b"").expect("write");
    let mut bytes = file_bytes(&disk, path());
    bytes[8] = 2;
    replace(&disk, &bytes);
    let error = verify(&disk, path()).expect_err("refused");
    assert!(matches!(error, SnapshotError::UnsupportedVersion { found: 2, supported: 1, .. }));
    assert!(error.to_string().contains("start the release that wrote it"), "{error}");
}

#[test]
fn a_failed_write_leaves_no_file_and_the_one_before_stays() {
    let memory = disk();
    write(&memory, path(), &small_store(), b"before").expect("write");
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    for (operation, bytes) in [(DiskOperation::Write, 100), (DiskOperation::SyncData, u64::MAX)] {
        disk.faults().full_after(bytes);
        disk.faults().fail_nth(operation, 3, io::ErrorKind::Other);
        if operation == DiskOperation::SyncData {
            disk.faults().fail_nth(operation, 1, io::ErrorKind::Other);
        }
        write(&disk, path(), &large_store(), b"after").expect_err("failed");
        disk.faults().clear();
        assert_eq!(verify(&memory, path()).expect("intact").meta, b"before");
    }
    let memory = memory.crash(3);
    assert_eq!(verify(&memory, path()).expect("intact").meta, b"before");
}

#[test]
fn the_bytes_of_version_1() {
    let disk = disk();
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    batch.put(3, "key", "value");
    store.commit(batch, b"").expect("commit");
    write(&disk, path(), &store, b"meta").expect("write");
    let hex: Vec<String> =
        file_bytes(&disk, path()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex.concat(),
        "534b4550534e415001000000cfbec7bd04000000000000006d657461\
         11000000010000003026fa090303000000050000006b657976616c7565\
         00000000000000000a0417d701000000000000000100000000000000",
    );
}
