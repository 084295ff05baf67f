//! One suite for all stores.

use super::long_keys::PLAIN_BYTES_MAX;
use super::*;
use skep_env::{Random, SeededRandom};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

fn lmdb() -> (tempfile::TempDir, LmdbStore) {
    let folder = tempfile::tempdir().expect("folder");
    let store = open_lmdb(folder.path());
    (folder, store)
}

fn open_lmdb(folder: &Path) -> LmdbStore {
    LmdbStore::open(folder, &LmdbOptions::default()).expect("open")
}

/// Runs a test on every store.
fn each(test: impl Fn(Arc<dyn StateStore>)) {
    test(Arc::new(MemoryStore::new()));
    let (_folder, store) = lmdb();
    test(Arc::new(store));
}

/// Table, key, and the value to put, or None to delete.
type Changes<'a> = [(u8, &'a [u8], Option<&'a [u8]>)];

fn batch(changes: &Changes<'_>) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (table, key, value) in changes {
        match value {
            Some(value) => batch.put(*table, *key, *value),
            None => batch.delete(*table, *key),
        }
    }
    batch
}

fn all(
    view: &(impl StateView + ?Sized),
    table: u8,
    from: &[u8],
    to: Option<&[u8]>,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    view.scan(table, from, to, &mut visit).expect("scan");
    found
}

fn keys(
    view: &(impl StateView + ?Sized),
    table: u8,
    from: &[u8],
    to: Option<&[u8]>,
) -> Vec<Vec<u8>> {
    all(view, table, from, to).into_iter().map(|(key, _)| key).collect()
}

#[test]
fn an_empty_store_has_nothing() {
    each(|store| {
        assert_eq!(store.meta().expect("meta"), None);
        assert_eq!(store.get(0, b"").expect("get"), None);
        assert!(keys(&*store, 0, b"", None).is_empty());
    });
}

#[test]
fn the_last_change_of_a_key_counts() {
    each(|store| {
        let changes: &Changes<'_> = &[
            (2, b"b", Some(b"old")),
            (1, b"a", Some(b"1")),
            (2, b"b", None),
            (1, b"", Some(b"")),
            (2, b"c", Some(b"2")),
            (2, b"b", Some(b"new")),
        ];
        store.commit(batch(changes), b"at 5").expect("commit");
        assert_eq!(store.get(2, b"b").expect("get"), Some(b"new".to_vec()));
        assert_eq!(store.get(1, b"").expect("get"), Some(vec![]));
        assert_eq!(store.get(1, b"b").expect("get"), None, "tables are apart");
        assert_eq!(store.meta().expect("meta"), Some(b"at 5".to_vec()));
        let changes: &Changes<'_> =
            &[(2, b"b", None), (2, b"never there", None), (1, b"a", Some(b"2"))];
        store.commit(batch(changes), b"").expect("commit");
        assert_eq!(store.get(2, b"b").expect("get"), None);
        assert_eq!(store.get(1, b"a").expect("get"), Some(b"2".to_vec()));
        assert_eq!(store.meta().expect("meta"), Some(vec![]), "empty meta is meta");
        assert!(store.bytes().expect("bytes") > 0);
    });
}

#[test]
fn scans_keep_to_table_and_range_and_stop_when_told() {
    each(|store| {
        let mut changes = WriteBatch::new();
        for table in [0, 7, 8, 255] {
            for key in [&b""[..], b"a", b"aa", b"b", b"\xff", b"\xff\xff"] {
                changes.put(table, key, vec![table]);
            }
        }
        store.commit(changes, b"").expect("commit");
        for table in [0, 7, 8, 255] {
            assert_eq!(keys(&*store, table, b"", None).len(), 6);
            assert_eq!(keys(&*store, table, b"a", Some(b"b")), [&b"a"[..], b"aa"]);
            assert_eq!(keys(&*store, table, b"aaa", None), [&b"b"[..], b"\xff", b"\xff\xff"]);
            assert_eq!(keys(&*store, table, b"b", Some(b"b")).len(), 0);
            assert_eq!(keys(&*store, table, b"c", Some(b"b")).len(), 0);
            let mut count = 0;
            let mut visit = |_: &[u8], value: &[u8]| {
                assert_eq!(value, [table]);
                count += 1;
                if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            store.scan(table, b"", None, &mut visit).expect("scan");
            assert_eq!(count, 2);
        }
        assert_eq!(keys(&*store, 9, b"", None).len(), 0);
    });
}

#[test]
fn keys_of_every_length_work_and_keep_their_order() {
    each(|store| {
        let mut changes = WriteBatch::new();
        let lengths = [1, 479, 480, 481, 482, 488, 489, 490, 511, 512, 600, 5000, 70_000];
        let mut expected = BTreeMap::new();
        for len in lengths {
            for last in [0, 1, 9, 255] {
                let mut key = vec![9; len];
                key[len - 1] = last;
                changes.put(3, key.clone(), len.to_string());
                expected.insert(key, len.to_string().into_bytes());
            }
        }
        store.commit(changes, b"").expect("commit");
        let expected: Vec<_> = expected.into_iter().collect();
        assert!(all(&*store, 3, b"", None) == expected);
        assert!(store.last_key(3).expect("last") == Some(expected[expected.len() - 1].0.clone()));
        assert_eq!(store.last_key(4).expect("last"), None);
        for (at, (key, value)) in expected.iter().enumerate() {
            assert_eq!(store.get(3, key).expect("get").as_ref(), Some(value));
            assert!(all(&*store, 3, key, None) == expected[at..], "from {at}");
            assert!(all(&*store, 3, b"", Some(key)) == expected[..at], "to {at}");
        }
        let gone = [&expected[20].0, &expected[40].0];
        store.commit(batch(&[(3, gone[0], None), (3, gone[1], None)]), b"").expect("commit");
        assert_eq!(store.get(3, gone[1]).expect("get"), None);
        assert_eq!(keys(&*store, 3, b"", None).len(), expected.len() - 2);
    });
}

#[test]
fn random_commits_agree_with_a_map() {
    each(|store| {
        let random = SeededRandom::new(11);
        let mut model: BTreeMap<(u8, Vec<u8>), Vec<u8>> = BTreeMap::new();
        for round in 0..30_u8 {
            let mut changes = WriteBatch::new();
            for _ in 0..random.below(60) {
                let table = random.below(3) as u8;
                // Few different keys, a third of them long with the same beginning.
                let mut key = vec![random.below(4) as u8; random.below(3) as usize];
                if random.below(3) == 0 {
                    key = [vec![1; PLAIN_BYTES_MAX], vec![random.below(20) as u8; 2]].concat();
                }
                if random.below(3) == 0 {
                    changes.delete(table, key.clone());
                    model.remove(&(table, key));
                } else {
                    let value = vec![round; random.below(5000) as usize];
                    changes.put(table, key.clone(), value.clone());
                    model.insert((table, key), value);
                }
            }
            store.commit(changes, &[round]).expect("commit");
            for table in 0..3 {
                let expected: Vec<_> = model
                    .iter()
                    .filter(|((other, _), _)| *other == table)
                    .map(|((_, key), value)| (key.clone(), value.clone()))
                    .collect();
                assert!(all(&*store, table, b"", None) == expected);
                let last = store.view().expect("view").last_key(table).expect("last");
                assert!(last.as_ref() == expected.last().map(|(key, _)| key));
            }
            assert_eq!(store.meta().expect("meta"), Some(vec![round]));
        }
    });
}

#[test]
fn a_view_does_not_change() {
    each(|store| {
        store.commit(batch(&[(0, b"k", Some(b"1"))]), b"1").expect("commit");
        let view = store.view().expect("view");
        store.commit(batch(&[(0, b"k", Some(b"2")), (0, b"l", Some(b"2"))]), b"2").expect("commit");
        assert_eq!(view.get(0, b"k").expect("get"), Some(b"1".to_vec()));
        assert_eq!(keys(&*view, 0, b"", None), [b"k"]);
        assert_eq!(view.meta().expect("meta"), Some(b"1".to_vec()));
        assert_eq!(store.get(0, b"k").expect("get"), Some(b"2".to_vec()));
        store.clear().expect("clear");
        assert_eq!(keys(&*view, 0, b"", None), [b"k"]);
    });
}

#[test]
fn clearing_and_parts_leave_no_complete_state() {
    each(|store| {
        store.commit(batch(&[(0, b"k", Some(b"1"))]), b"1").expect("commit");
        store.clear().expect("clear");
        assert_eq!(store.meta().expect("meta"), None);
        assert_eq!(store.get(0, b"k").expect("get"), None);
        store.commit(batch(&[(0, b"k", Some(b"2"))]), b"2").expect("commit");
        store.commit_part(batch(&[(0, b"l", Some(b"3"))])).expect("commit");
        assert_eq!(store.meta().expect("meta"), None);
        assert_eq!(keys(&*store, 0, b"", None), [b"k", b"l"]);
    });
}

#[test]
fn readers_do_not_wait_for_a_commit_and_never_see_half_of_it() {
    each(|store| {
        store.commit(batch(&[(0, b"a", Some(&[0])), (0, b"b", Some(&[0]))]), b"").expect("commit");
        let (stop_sender, stop) = sync_channel::<()>(0);
        let reader = {
            let store = store.clone();
            skep_env::task::spawn_thread("reader", move || {
                let mut seen = 0;
                while !matches!(stop.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)) {
                    let values = all(&*store, 0, b"", None);
                    assert_eq!(values[0].1, values[1].1, "both or none");
                    assert!(values[0].1[0] >= seen, "never back");
                    seen = values[0].1[0];
                    store.get(0, b"a").expect("get");
                }
            })
            .expect("thread")
        };
        for round in 1..50 {
            let changes = batch(&[(0, b"a", Some(&[round])), (0, b"b", Some(&[round]))]);
            store.commit(changes, b"").expect("commit");
        }
        drop(stop_sender);
        reader.join().expect("no panic");
    });
}

/// The visitor of a scan commits: if readers held a lock that a commit needs, this would hang.
#[test]
fn a_commit_goes_through_while_a_scan_is_under_way() {
    each(|store| {
        store.commit(batch(&[(0, b"a", Some(b"1")), (0, b"b", Some(b"1"))]), b"").expect("commit");
        let mut visited = 0;
        let mut visit = |_: &[u8], value: &[u8]| {
            assert_eq!(value, b"1");
            visited += 1;
            store
                .commit(batch(&[(0, b"b", Some(b"2")), (0, b"c", Some(b"2"))]), b"")
                .expect("commit");
            ControlFlow::Continue(())
        };
        store.scan(0, b"", None, &mut visit).expect("scan");
        assert_eq!(visited, 2);
        assert_eq!(keys(&*store, 0, b"", None).len(), 3);
    });
}

#[test]
fn lmdb_keeps_what_was_committed() {
    let (folder, store) = lmdb();
    let long = vec![3; 2000];
    store.commit(batch(&[(1, b"k", Some(b"v")), (1, &long, Some(b"w"))]), b"at 9").expect("commit");
    // What a kill leaves: the file as it is, without closing the store.
    let killed = tempfile::tempdir().expect("folder");
    std::fs::copy(folder.path().join("data.mdb"), killed.path().join("data.mdb")).expect("copy");
    drop(store);
    for folder in [folder.path(), killed.path()] {
        let store = open_lmdb(folder);
        assert_eq!(store.get(1, b"k").expect("get"), Some(b"v".to_vec()));
        assert_eq!(store.get(1, &long).expect("get"), Some(b"w".to_vec()));
        assert_eq!(store.meta().expect("meta"), Some(b"at 9".to_vec()));
    }
}

#[test]
fn lmdb_that_is_full_is_as_before_and_recovers() {
    let folder = tempfile::tempdir().expect("folder");
    let options = LmdbOptions { map_bytes: 256 * 1024 };
    let store = LmdbStore::open(folder.path(), &options).expect("open");
    store.commit(batch(&[(0, b"k", Some(b"1"))]), b"1").expect("commit");
    let error = store
        .commit(batch(&[(0, b"k", Some(b"2")), (0, b"big", Some(&vec![0; 512 * 1024]))]), b"2")
        .expect_err("full");
    assert!(matches!(error, StateError::Full { .. }), "{error}");
    assert_eq!(store.get(0, b"k").expect("get"), Some(b"1".to_vec()));
    store.commit(batch(&[(0, b"k", Some(b"3"))]), b"3").expect("commit");
    assert_eq!(store.meta().expect("meta"), Some(b"3".to_vec()));
}

#[test]
fn lmdb_refuses_what_it_cannot_read() {
    let (folder, store) = lmdb();
    let again = LmdbStore::open(folder.path(), &LmdbOptions { map_bytes: 1 << 20 }).err();
    assert!(again.is_some(), "one store at a time");
    drop(store);
    std::fs::write(folder.path().join("data.mdb"), [7; 8192]).expect("write");
    let error = LmdbStore::open(folder.path(), &LmdbOptions::default()).err().expect("refused");
    assert!(matches!(error, StateError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("rebuilt from the last snapshot"), "{error}");

    let file = folder.path().join("a file");
    std::fs::write(&file, b"").expect("write");
    let error = LmdbStore::open(&file.join("x"), &LmdbOptions::default()).err().expect("refused");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
}
