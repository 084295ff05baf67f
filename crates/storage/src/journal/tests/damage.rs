//! Torn tails are cut, damage is refused.

use super::*;
use crate::journal::format::{FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES};

/// Three appends, each flushed on its own, in one segment. Returns where the frames start, and
/// where the last one ends.
fn image() -> (MemoryDisk, Vec<u64>) {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    for entry in [b"first entry", b"other entry", b"third entry"] {
        append(&stream, &[entry]);
    }
    drop(journal);
    let start = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES;
    let frame = (FRAME_HEADER_BYTES + 4 + 11_usize).next_multiple_of(8);
    (disk, (0..4).map(|number| (start + number * frame) as u64).collect())
}

fn write(disk: &MemoryDisk, number: u64, offset: u64, bytes: &[u8]) {
    let file = disk.open(&segment(number), OpenMode::ReadWrite).expect("open");
    file.write_at(offset, bytes).expect("write");
}

fn flip(disk: &MemoryDisk, path: &Path, offset: u64) {
    let file = disk.open(path, OpenMode::ReadWrite).expect("open");
    let mut byte = [0];
    file.read_exact_at(offset, &mut byte).expect("read");
    file.write_at(offset, &[byte[0] ^ 0x10]).expect("write");
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_journal_goes_on() {
    let (disk, frames) = image();
    let frame_bytes = frames[3] - frames[2];
    // The last three bytes of a frame are padding, zero in any case.
    for kept in 0..=frame_bytes {
        for filler in [0x00, 0xff] {
            let disk = disk.fork();
            let torn = vec![filler; (frame_bytes - kept) as usize];
            write(&disk, 1, frames[2] + kept, &torn);
            let intact = torn.is_empty() || (filler == 0 && frame_bytes - kept <= 1);
            let (journal, report) = open_report(&disk);
            let stream = journal.stream(1);
            let mut expected = vec![b"first entry".to_vec(), b"other entry".to_vec()];
            if intact {
                expected.push(b"third entry".to_vec());
            }
            // Padding is not covered by a checksum and nobody reads it.
            let found = content(&stream).1;
            if found.len() == 3 {
                assert!(frame_bytes - kept <= 1, "kept {kept}");
                continue;
            }
            assert_eq!(found, expected, "kept {kept}");
            let torn = report.torn_tail.map(|it| it.offset);
            let nothing_left = kept == 0 && filler == 0;
            assert_eq!(torn, (!nothing_left).then_some(frames[2]), "kept {kept}");
            append(&stream, &[b"new"]);
            drop((stream, journal));
            let (journal, report) = open_report(&disk);
            assert_eq!(report.torn_tail, None, "reported once");
            expected.push(b"new".to_vec());
            assert_eq!(content(&journal.stream(1)).1, expected);
        }
    }
}

#[test]
fn a_flipped_bit_before_the_last_write_is_refused() {
    let (disk, frames) = image();
    for offset in (0..frames[2]).filter(|it| !(36..64).contains(it) || it % 2 == 0) {
        let disk = disk.fork();
        flip(&disk, &segment(1), offset);
        let padding = |frame: u64| (frame - 1..frame).contains(&offset);
        if padding(frames[1]) || padding(frames[2]) {
            assert_eq!(content(&open(&disk).stream(1)).1.len(), 3, "padding carries nothing");
            continue;
        }
        let error = open_error(&disk);
        let expected = match offset {
            0..64 => 0,
            64..120 => 64,
            _ if offset < frames[1] => frames[0],
            _ => frames[1],
        };
        match error {
            JournalError::Corrupt { offset: found, segment: file, .. } => {
                assert_eq!((found, file), (expected, segment(1)), "flipped {offset}");
            }
            JournalError::UnsupportedVersion { .. } => assert!((8..12).contains(&offset)),
            other => panic!("flipped {offset}: {other}"),
        }
        assert_eq!(file_bytes(&disk, &segment(1)).len(), 16 * 1024, "nothing was changed");
    }
}

#[test]
fn a_flipped_bit_in_the_last_write_is_no_torn_tail() {
    let (disk, frames) = image();
    for offset in frames[2]..frames[3] - 1 {
        let disk = disk.fork();
        flip(&disk, &segment(1), offset);
        let JournalError::Corrupt { segment: file, offset: found, reason } = open_error(&disk)
        else {
            panic!("flipped {offset}: another error");
        };
        assert_eq!((file, found), (segment(1), frames[2]), "flipped {offset}");
        assert!(reason.contains("one bit"), "{reason}");
        flip(&disk, &segment(1), offset);
        assert_eq!(content(&open(&disk).stream(1)).1.len(), 3, "nothing was changed");
    }
}

#[test]
fn a_flipped_bit_behind_the_last_write_is_cut() {
    let (disk, frames) = image();
    flip(&disk, &segment(1), frames[3] + 3);
    let (journal, report) = open_report(&disk);
    assert_eq!(report.torn_tail.map(|it| it.offset), Some(frames[3]));
    assert_eq!(content(&journal.stream(1)).1.len(), 3);
}

#[test]
fn the_end_of_a_full_segment_is_guarded_by_the_next_one() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    while journal.flushed_stats().rolls == 0 {
        append(&stream, &[&[7; 600]]);
    }
    drop((stream, journal));
    let bytes = file_bytes(&disk, &segment(1));
    let last = bytes.windows(4).rposition(|it| it == b"SKFR").expect("a frame") as u64;
    flip(&disk, &segment(1), last + 100);
    let JournalError::Corrupt { segment: file, offset, reason } = open_error(&disk) else {
        panic!("another error");
    };
    assert_eq!((file, offset), (segment(1), last));
    assert!(reason.contains("the segment after it"), "{reason}");
}

#[test]
fn a_damaged_entry_is_noticed_when_it_is_read() {
    let disk = MemoryDisk::new();
    let options = JournalOptions { cache_bytes_max: 0, ..options() };
    let (journal, _) = Journal::open(Arc::new(disk.clone()), folder(), options).expect("open");
    let stream = journal.stream(1);
    append(&stream, &[b"some entry"]);
    flip(&disk, &segment(1), (SEGMENT_HEADER_BYTES + 2 * FRAME_HEADER_BYTES + 6) as u64);
    let error = stream.read(0, 1, 100).expect_err("damaged");
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
}

#[test]
fn a_missing_segment_is_refused() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(1);
    while journal.flushed_stats().rolls < 3 {
        append(&stream, &[&[7; 600]]);
    }
    save_hard_state(&stream, b"vote");
    drop((stream, journal));
    for (missing, text) in [(1, "were removed"), (2, "missing between"), (3, "missing between")] {
        let disk = disk.fork();
        disk.remove(&segment(missing)).expect("remove");
        let error = open_error(&disk).to_string();
        assert!(error.contains(text) && error.contains("backup"), "{error}");
    }
    for number in 1..=4 {
        disk.remove(&segment(number)).expect("remove");
    }
    let error = open_error(&disk).to_string();
    assert!(error.contains("all segments were removed"), "{error}");
}

#[test]
fn an_unknown_version_is_refused_with_what_to_do() {
    let (disk, _) = image();
    write(&disk, 1, 8, &2_u32.to_le_bytes());
    let error = open_error(&disk);
    assert!(matches!(error, JournalError::UnsupportedVersion { found: 2, supported: 1, .. }));
    assert!(error.to_string().contains("start the release that wrote it"), "{error}");

    let disk = MemoryDisk::new();
    save_hard_state(&open(&disk).stream(1), b"vote");
    let path = folder().join("stream-1.hard");
    let file = disk.open(&path, OpenMode::ReadWrite).expect("open");
    file.write_at(4096 + 8, &7_u32.to_le_bytes()).expect("write");
    assert!(matches!(open_error(&disk), JournalError::UnsupportedVersion { found: 7, .. }));
}

/// A hard state of stream 1 that was replaced once. Values are written in turn: the first to slot 1, the
/// second to slot 0.
fn two_hard_states() -> (MemoryDisk, PathBuf) {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    save_hard_state(&journal.stream(1), b"older");
    save_hard_state(&journal.stream(1), b"newer");
    (disk, folder().join("stream-1.hard"))
}

#[test]
fn a_torn_hard_state_leaves_the_one_before() {
    let (disk, path) = two_hard_states();
    for (slot, survivor) in [(0, b"older"), (1, b"newer")] {
        for (offset, bytes) in [(0, 64), (12, 30), (30, 3)] {
            let disk = disk.fork();
            let file = disk.open(&path, OpenMode::ReadWrite).expect("open");
            file.write_at(slot * 4096 + offset, &vec![0; bytes]).expect("tear");
            assert_eq!(open(&disk).stream(1).hard_state().as_deref(), Some(survivor.as_slice()));
        }
    }
}

#[test]
fn a_flipped_bit_in_the_latest_hard_state_is_refused() {
    let (disk, path) = two_hard_states();
    for offset in (0..8).chain(12..33) {
        let latest = disk.fork();
        flip(&latest, &path, offset);
        let error = open_error(&latest);
        assert!(matches!(error, JournalError::Corrupt { .. }), "flipped {offset}: {error}");
        let earlier = disk.fork();
        flip(&earlier, &path, 4096 + offset);
        assert_eq!(open(&earlier).stream(1).hard_state().as_deref(), Some(b"newer".as_slice()));
    }
    flip(&disk, &path, 30);
    flip(&disk, &path, 4096 + 30);
    assert!(matches!(open_error(&disk), JournalError::Corrupt { .. }));
}
