//! What a stream promises while nothing goes wrong.

use super::*;
use skep_env::OsDisk;

#[test]
fn entries_are_readable_at_once_and_after_opening_again() {
    let disk = MemoryDisk::new();
    let (journal, report) = open_report(&disk);
    assert_eq!(report, OpenReport::default());
    let (one, two) = (journal.stream(1), journal.stream(2));
    assert_eq!((one.first_index(), one.last_index(), one.next_index()), (0, None, 0));
    append(&one, &[b"a", b"b"]);
    append(&two, &[b"x"]);
    append(&one, &[b"", b"c"]);
    let expected = (0, vec![b"a".to_vec(), b"b".to_vec(), vec![], b"c".to_vec()]);
    assert_eq!(content(&one), expected);
    drop(journal);

    let (journal, report) = open_report(&disk);
    assert_eq!((report.segments, report.frames, report.torn_tail), (1, 4, None));
    assert_eq!(journal.streams(), [1, 2]);
    assert_eq!(content(&journal.stream(1)), expected);
    assert_eq!(content(&journal.stream(2)), (0, vec![b"x".to_vec()]));
    assert_eq!(journal.stream(1).last_index(), Some(3));
    assert_eq!(content(&journal.stream(3)), (0, vec![]));
}

#[test]
fn entries_can_be_read_before_they_are_durable() {
    let disk = MemoryDisk::new();
    let (journal, faults) = open_faulty(&disk);
    settle(&journal);
    let (release, gate) = sync_channel::<()>(1);
    let gate = Mutex::new(gate);
    faults.before_sync(move || _ = gate.lock().recv());
    let stream = journal.stream(1);
    let (done, result) = done();
    stream.append(0, vec![Bytes::from_static(b"early")], done);
    assert_eq!(content(&stream), (0, vec![b"early".to_vec()]));
    assert!(result.try_recv().is_err(), "not durable yet");
    release.send(()).expect("send");
    result.recv().expect("called").expect("append");
    drop(release);
}

#[test]
fn one_flush_serves_all_that_queued_up_meanwhile() {
    let disk = MemoryDisk::new();
    let (journal, faults) = open_faulty(&disk);
    settle(&journal);
    let (entered_sender, entered) = sync_channel::<()>(100);
    let (release, gate) = sync_channel::<()>(0);
    let gate = Mutex::new(gate);
    faults.before_sync(move || {
        let _ = entered_sender.send(());
        let _ = gate.lock().recv();
    });
    let (first, first_result) = done();
    journal.stream(0).append(0, vec![Bytes::from_static(b"first")], first);
    entered.recv().expect("the flush of the first began");
    let results: Vec<_> = (1..=100)
        .map(|stream| {
            let (done, result) = done();
            journal.stream(stream).append(0, vec![Bytes::from_static(b"x")], done);
            result
        })
        .collect();
    release.send(()).expect("send");
    drop(release);
    first_result.recv().expect("called").expect("append");
    for result in results {
        result.recv().expect("called").expect("append");
    }
    let stats = journal.flushed_stats();
    assert_eq!(
        (stats.fsyncs, stats.batches, stats.frames, stats.entries),
        (4, 4, 103, 101),
        "with the two that settled"
    );
}

#[test]
fn reads_keep_to_their_bounds() {
    let disk = MemoryDisk::new();
    for cache_bytes_max in [usize::MAX, 25, 0] {
        let options = JournalOptions { cache_bytes_max, ..options() };
        let at = PathBuf::from(format!("/data/{cache_bytes_max}"));
        let (journal, _) = Journal::open(Arc::new(disk.clone()), &at, options).expect("open");
        let stream = journal.stream(7);
        for number in 0..10_u8 {
            append(&stream, &[&[number; 10], &[number; 10]]);
        }
        let read = |from, to, max| {
            let entries = stream.read(from, to, max).expect("read");
            for (index, entry) in &entries {
                assert_eq!(entry[0], (index / 2) as u8);
            }
            (entries.first().map(|it| it.0), entries.len())
        };
        assert_eq!(read(0, 20, usize::MAX), (Some(0), 20));
        assert_eq!(read(3, 18, usize::MAX), (Some(3), 15));
        assert_eq!(read(3, 18, 35), (Some(3), 3));
        assert_eq!(read(3, 18, 0), (Some(3), 1), "at least one");
        assert_eq!(read(17, 99, usize::MAX), (Some(17), 3));
        assert_eq!(read(20, 99, usize::MAX), (None, 0));
        assert_eq!(read(5, 5, usize::MAX), (None, 0));
        stream.purge_to(4);
        assert!(matches!(stream.read(4, 9, 1), Err(JournalError::Purged { first_index: 5 })));
        assert_eq!(read(5, 7, usize::MAX), (Some(5), 2));
        assert_eq!(read(5, 99, usize::MAX), (Some(5), 15));
    }
}

#[test]
fn an_append_must_follow_and_an_entry_must_fit() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    append(&stream, &[b"a"]);
    for index in [0, 2] {
        let (done, result) = done();
        stream.append(index, vec![Bytes::from_static(b"x")], done);
        let error = result.recv().expect("called").expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("continues at 1"), "{error}");
    }
    let max = journal.entry_bytes_max();
    let error = try_append(&stream, &[&vec![0; max + 1]]).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    append(&stream, &[&vec![1; max], &vec![2; max], &vec![3; max]]);
    append(&stream, &[]);
    drop(journal);
    let (first, entries) = content(&open(&disk).stream(1));
    assert_eq!((first, entries.len(), entries[3][0]), (0, 4, 3));
}

#[test]
fn truncate_then_append_replaces_entries() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    append(&stream, &[b"a", b"b", b"c", b"d"]);
    append(&stream, &[b"e"]);
    truncate(&stream, 2);
    assert_eq!(content(&stream), (0, vec![b"a".to_vec(), b"b".to_vec()]));
    append(&stream, &[b"C"]);
    // Not waiting in between: the writer sees all three at once or one by one.
    let (no, _no) = done();
    let (yes, result) = done();
    stream.append(3, vec![Bytes::from_static(b"gone")], no);
    stream.truncate_from(1, Box::new(|result| result.expect("truncate")));
    stream.append(1, vec![Bytes::from_static(b"B")], yes);
    let expected = (0, vec![b"a".to_vec(), b"B".to_vec()]);
    assert_eq!(content(&stream), expected);
    result.recv().expect("called").expect("append");
    truncate(&stream, 9);
    assert_eq!(content(&stream), expected, "there is nothing at 9");
    drop(journal);
    let journal = open(&disk);
    assert_eq!(content(&journal.stream(1)), expected);
    truncate(&journal.stream(1), 0);
    drop(journal);
    assert_eq!(content(&open(&disk).stream(1)), (0, vec![]));
}

#[test]
fn purging_frees_segments_when_all_streams_allow() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let (fast, slow) = (journal.stream(1), journal.stream(2));
    append(&slow, &[b"keeps the first segment"]);
    for _ in 0..60 {
        append(&fast, &[&[7; 1000]]);
        fast.purge_to(fast.next_index().saturating_sub(2));
    }
    assert!(segments_on(&disk).len() > 3, "{:?}", segments_on(&disk));
    assert_eq!(segments_on(&disk)[0], 1);
    slow.purge_to(0);
    append(&fast, &[b"last"]);
    drop(journal);
    assert_eq!(segments_on(&disk).len(), 1);
    let spares = disk.list(folder()).expect("list");
    assert_eq!(spares.iter().filter(|it| it.starts_with("spare")).count(), 2);

    let journal = open(&disk);
    let (first, entries) = content(&journal.stream(1));
    assert!((first, entries) == (59, vec![vec![7; 1000], b"last".to_vec()]));
    assert_eq!((journal.stream(2).first_index(), journal.stream(2).next_index()), (1, 1));
}

#[test]
fn recycled_segments_hold_only_their_own_frames() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk);
    for round in 0..200_u32 {
        let stream = journal.stream(1);
        append(&stream, &[&vec![round as u8; 300 + (round as usize * 37) % 900]]);
        if round % 3 == 0 && round > 3 {
            stream.purge_to(stream.next_index() - 3);
        }
        if round % 20 == 19 {
            let before = content(&stream);
            drop(stream);
            drop(journal);
            journal = open(&disk);
            assert_eq!(content(&journal.stream(1)), before);
        }
    }
    assert!(journal.stream(1).bytes() < 10_000);
    assert!(segments_on(&disk).len() <= 2);
}

#[test]
fn a_purge_beyond_the_end_continues_after_it() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    let (first, _first) = done();
    stream.append(0, vec![Bytes::from_static(b"a")], first);
    stream.purge_to(41);
    assert_eq!((stream.first_index(), stream.last_index(), stream.next_index()), (42, None, 42));
    append(&stream, &[b"b"]);
    stream.purge_to(10);
    assert_eq!(content(&stream), (42, vec![b"b".to_vec()]));
    drop(journal);
    assert_eq!(content(&open(&disk).stream(1)), (42, vec![b"b".to_vec()]));
}

#[test]
fn hard_state_survives_and_replaces() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(3);
    assert_eq!(stream.hard_state(), None);
    for value in [b"term 1".as_slice(), b"", b"term 3"] {
        save_hard_state(&stream, value);
        assert_eq!(stream.hard_state().as_deref(), Some(value));
    }
    let (done, result) = done();
    stream.save_hard_state(&[0; limits::HARD_STATE_BYTES_MAX + 1], done);
    let error = result.recv().expect("called").expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    save_hard_state(&stream, &[9; limits::HARD_STATE_BYTES_MAX]);
    save_hard_state(&stream, b"term 5");
    let disk = disk.crash(0);
    drop(journal);
    assert_eq!(open(&disk).stream(3).hard_state().as_deref(), Some(b"term 5".as_slice()));
}

#[test]
fn many_threads_share_a_small_queue_on_a_real_disk() {
    let root = tempfile::tempdir().expect("folder");
    let options = JournalOptions { queue_bytes_max: 500, cache_bytes_max: 1000, ..options() };
    let (journal, _) = Journal::open(Arc::new(OsDisk), root.path(), options.clone()).expect("open");
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let stream = journal.stream(number);
            let body = move || {
                for round in 0..200_u32 {
                    let entry = Bytes::from(vec![number as u8; 100 + round as usize % 50]);
                    let index = stream.next_index();
                    stream.append(index, vec![entry], Box::new(|it| it.expect("append")));
                    if round % 50 == 49 {
                        stream.purge_to(u64::from(round) - 10);
                    }
                }
                append(&stream, &[b"end"]);
                content(&stream)
            };
            skep_env::task::spawn_thread("test", body).expect("thread")
        })
        .collect();
    let contents: Vec<_> = threads.into_iter().map(|it| it.join().expect("no panic")).collect();
    drop(journal);
    let (journal, _) = Journal::open(Arc::new(OsDisk), root.path(), options).expect("open");
    for (number, expected) in (0..).zip(contents) {
        assert_eq!(expected.1.len(), 11);
        assert_eq!(content(&journal.stream(number)), expected);
    }
}

#[test]
fn a_closed_journal_refuses_changes() {
    let journal = open(&MemoryDisk::new());
    let stream = journal.stream(1);
    drop(journal);
    let error = try_append(&stream, &[b"late"]).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
