//! The bytes of version 1, for ever.

use super::*;

fn hex(bytes: &[u8]) -> String {
    let lines = bytes
        .chunks(16)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every kind of frame, written one by one, by the code of today: equal to the bytes that were
/// checked in with version 1.
#[test]
fn a_segment_has_the_bytes_of_version_1() {
    let disk = MemoryDisk::new();
    let journal = open(&disk);
    let stream = journal.stream(0x0102_0304);
    append(&stream, &[b"one", b"twelve"]);
    truncate(&stream, 1);
    stream.purge_to(6);
    while journal.flushed_stats().frames < 3 {
        // Else the purge may be written together with the next append.
        std::thread::yield_now();
    }
    append(&stream, &[b"seven"]);
    save_hard_state(&stream, b"term 1");
    drop((stream, journal));
    let golden = include_str!("golden/segment-v1.hex");
    assert_eq!(hex(&file_bytes(&disk, &segment(1))[..480]), golden.trim_end());
    let golden = include_str!("golden/hard-v1.hex");
    let path = folder().join("stream-16909060.hard");
    assert_eq!(hex(&file_bytes(&disk, &path)[4096..4144]), golden.trim_end());
}

/// And the bytes that were checked in are still read.
#[test]
fn a_segment_of_version_1_is_read() {
    let unhex = |text: &str| {
        let digits: Vec<u8> =
            text.chars().filter_map(|it| it.to_digit(16)).map(|it| it as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>()
    };
    let disk = MemoryDisk::new();
    disk.create_dir(folder()).expect("folder");
    let file = disk.open(&segment(1), OpenMode::Create).expect("create");
    file.preallocate(16 * 1024).expect("preallocate");
    file.write_at(0, &unhex(include_str!("golden/segment-v1.hex"))).expect("write");
    let path = folder().join("stream-16909060.hard");
    let file = disk.open(&path, OpenMode::Create).expect("create");
    file.preallocate(8192).expect("preallocate");
    file.write_at(4096, &unhex(include_str!("golden/hard-v1.hex"))).expect("write");

    let (journal, report) = open_report(&disk);
    assert_eq!((report.frames, report.torn_tail), (5, None));
    let stream = journal.stream(0x0102_0304);
    assert_eq!(content(&stream), (7, vec![b"seven".to_vec()]));
    assert_eq!(stream.hard_state().as_deref(), Some(b"term 1".as_slice()));
}
