//! Full and failing disks.

use super::*;
use skep_env::DiskOperation;

#[test]
fn a_full_disk_fails_appends_and_they_succeed_when_there_is_space() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    append(&stream, &[b"before"]);
    settle(&journal);
    assert_eq!(journal.health(), JournalHealth::Ok);
    disk.set_capacity(Some(disk.used_bytes()));
    let mut count = 1;
    let error = loop {
        match try_append(&stream, &[&[5; 1000]]) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(count > 20, "the spare segment was used first");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(stream.next_index(), count, "what failed is gone");
    assert_eq!(try_append(&stream, &[&[6; 1000]]).expect_err("full").kind(), error.kind());
    assert_eq!(journal.health(), JournalHealth::Stalled);

    disk.set_capacity(None);
    append(&stream, &[b"after"]);
    settle(&journal);
    assert_eq!(journal.health(), JournalHealth::Ok);
    drop(journal);
    let (first, entries) = content(&open(&disk).stream(1));
    assert_eq!((first, entries.len() as u64), (0, count + 1));
    assert_eq!(entries[count as usize], b"after");
}

#[test]
fn the_reserve_warns_before_appends_fail() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    settle(&journal);
    disk.set_capacity(Some(disk.used_bytes()));
    while journal.flushed_stats().rolls == 0 {
        append(&stream, &[&[5; 1000]]);
    }
    settle(&journal);
    assert_eq!(journal.health(), JournalHealth::SpaceLow);
    append(&stream, &[b"still taken"]);
    disk.set_capacity(None);
    journal.look_for_space();
    settle(&journal);
    assert_eq!(journal.health(), JournalHealth::Ok);
}

#[test]
fn a_full_disk_can_be_emptied_by_purging() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    settle(&journal);
    disk.set_capacity(Some(disk.used_bytes()));
    while try_append(&stream, &[&[5; 1000]]).is_ok() {}
    assert_eq!(journal.health(), JournalHealth::Stalled);
    stream.purge_to(stream.next_index() - 2);
    settle(&journal);
    assert_eq!(segments_on(&disk).len(), 1, "the first segment became a spare");
    append(&stream, &[b"after"]);
    drop(journal);
    let disk = disk.crash(1);
    let (_, entries) = content(&open(&disk).stream(1));
    assert_eq!(entries, [vec![5; 1000], b"after".to_vec()]);
}

#[test]
fn the_ballast_is_given_to_whoever_needs_space() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    settle(&journal);
    disk.set_capacity(Some(disk.used_bytes()));
    assert_eq!(disk.free_bytes(folder()).expect("free"), 0);
    journal.release_ballast();
    settle(&journal);
    assert_eq!(disk.free_bytes(folder()).expect("free"), 4096);
    assert_eq!(journal.health(), JournalHealth::SpaceLow);
    disk.set_capacity(Some(disk.used_bytes() + 2 * 4096));
    journal.look_for_space();
    settle(&journal);
    assert_eq!(journal.health(), JournalHealth::Ok);
    assert_eq!(disk.free_bytes(folder()).expect("free"), 4096);
}

#[test]
fn a_write_that_meets_a_full_disk_half_way_leaves_nothing() {
    let disk = MemoryDisk::new();
    let (journal, faults) = open_faulty(&disk);
    let stream = journal.stream(1);
    append(&stream, &[b"before"]);
    settle(&journal);
    // Every count of bytes up to the whole frame.
    for bytes in 0..120 {
        faults.full_after(bytes);
        let error = try_append(&stream, &[b"fails"]).expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(content(&stream), (0, vec![b"before".to_vec()]));
        let image = disk.fork();
        let found = content(&open(&image).stream(1)).1;
        assert!(found == [b"before".to_vec()] || found == [b"before".to_vec(), b"fails".to_vec()]);
        append(&open(&image).stream(1), &[b"next"]);
        assert_eq!(content(&open(&image).stream(1)).1.last(), Some(&b"next".to_vec()));
    }
    faults.clear();
    append(&stream, &[b"after"]);
    drop(journal);
    let expected = (0, vec![b"before".to_vec(), b"after".to_vec()]);
    assert_eq!(content(&open(&disk).stream(1)), expected);
}

#[test]
fn a_purge_in_effect_is_recorded_even_if_the_disk_was_full_at_first() {
    let disk = MemoryDisk::new();
    let (journal, faults) = open_faulty(&disk);
    let stream = journal.stream(1);
    append(&stream, &[b"a", b"b"]);
    faults.full_after(0);
    stream.purge_to(9);
    try_append(&stream, &[b"c"]).expect_err("full");
    assert_eq!((stream.first_index(), stream.next_index()), (10, 10));
    faults.clear();
    append(&stream, &[b"d"]);
    drop(journal);
    assert_eq!(content(&open(&disk).stream(1)), (10, vec![b"d".to_vec()]));
}

#[test]
fn a_failed_flush_poisons_until_opened_again() {
    for operation in [DiskOperation::SyncData, DiskOperation::Write] {
        let disk = MemoryDisk::new();
        let (journal, faults) = open_faulty(&disk);
        let (one, two) = (journal.stream(1), journal.stream(2));
        append(&one, &[b"a"]);
        settle(&journal);
        faults.fail_nth(operation, 1, io::ErrorKind::Other);
        try_append(&one, &[b"fails"]).expect_err("injected");
        assert_eq!(journal.health(), JournalHealth::Poisoned);
        let error = try_append(&two, &[b"x"]).expect_err("poisoned");
        assert!(error.to_string().contains("restart"), "{error}");
        assert_eq!(content(&one), (0, vec![b"a".to_vec()]), "reading goes on");
        drop(journal);
        let journal = open(&disk);
        append(&journal.stream(2), &[b"x"]);
        assert_eq!(content(&journal.stream(1)).1[0], b"a");
    }
}

#[test]
fn a_failed_flush_of_a_hard_state_poisons_too() {
    let disk = MemoryDisk::new();
    let (journal, faults) = open_faulty(&disk);
    let stream = journal.stream(1);
    save_hard_state(&stream, b"1");
    faults.fail_nth(DiskOperation::SyncData, 1, io::ErrorKind::Other);
    let (done, result) = done();
    stream.save_hard_state(b"2", done);
    result.recv().expect("called").expect_err("injected");
    assert_eq!(journal.health(), JournalHealth::Poisoned);
    try_append(&stream, &[b"x"]).expect_err("poisoned");
}
