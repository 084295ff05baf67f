//! Faults as a whole: when they act, and how they end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::{Clock, ControlledClock, Disk, MemoryDisk, OpenMode, SystemClock};

/// A clock that a test moves by hand, for the life of faults too.
#[derive(Debug, Default)]
struct ByHand(Mutex<u64>);

impl Clock for ByHand {
    fn now_ms(&self) -> i64 {
        i64::try_from(*self.0.lock() / 1_000).unwrap()
    }

    fn monotonic_us(&self) -> u64 {
        *self.0.lock()
    }
}

struct Bench {
    points: Arc<FaultPoints>,
    time: Arc<ByHand>,
    clock: Arc<ChaosClock>,
    ended_at: Arc<Mutex<Vec<String>>>,
}

fn bench() -> Bench {
    let time = Arc::new(ByHand::default());
    let clock = Arc::new(ChaosClock::new(time.clone()));
    let ended_at = Arc::<Mutex<Vec<String>>>::default();
    let note = ended_at.clone();
    let points = FaultPoints::new(FaultParts {
        own: "broker-0".to_owned(),
        clock: Some(clock.clone()),
        time: time.clone(),
        has_disk: true,
        crash_points: vec![CrashPoint { name: "test.here", place: "in a test" }],
        commands: vec!["A.B"],
        end: Box::new(move |point| note.lock().push(point.to_owned())),
    });
    Bench { points, time, clock, ended_at }
}

fn targets() -> Targets {
    Targets { nodes: vec!["broker-1".to_owned(), "gateway".to_owned()], partitions: 3 }
}

fn drops() -> FaultSpec {
    FaultSpec {
        from: Some("broker-0".to_owned()),
        to: Some("broker-1".to_owned()),
        ..FaultSpec::new(FaultKind::Drop, 1_000)
    }
}

fn passing(kind: MessageKind) -> Passing<'static> {
    Passing { peer: "broker-1", direction: Direction::Out, kind, name: None, partition: Some(2) }
}

impl Bench {
    fn arm(&self, spec: FaultSpec) -> FaultStatus {
        self.points.arm(spec, &targets()).unwrap()
    }

    fn fates(&self, times: usize) -> Vec<bool> {
        let message = passing(MessageKind::Append);
        (0..times).map(|_| self.points.message(&message) == Verdict::Drop).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_ends_by_itself() {
    let bench = bench();
    bench.arm(FaultSpec { id: Some("short".to_owned()), ..drops() });
    assert!(bench.points.has_messages());
    assert_eq!(bench.fates(2), [true, true]);
    *bench.time.0.lock() = 999_000;
    assert_eq!(bench.points.list()[0].remaining_ms, 1);
    *bench.time.0.lock() = 1_000_000;
    assert_eq!(bench.fates(1), [false], "over, even before anybody has cleaned up");
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    assert_eq!(bench.points.list(), []);
    assert!(!bench.points.has_messages());
    let ended = bench.points.ended();
    assert_eq!((ended[0].id.as_str(), ended[0].hits, ended[0].remaining_ms), ("short", 2, 0));
}

#[tokio::test]
async fn it_acts_so_many_times_after_so_many_that_it_leaves_alone() {
    let bench = bench();
    bench.arm(FaultSpec { skip: Some(1), count: Some(2), ..drops() });
    assert_eq!(bench.fates(5), [false, true, true, false, false]);
    let status = &bench.points.list()[0];
    assert!(status.spent && status.hits == 2);
    assert!(status.text.contains("2 times") && status.text.contains("after 1"), "{}", status.text);
}

#[tokio::test]
async fn chance_is_decided_by_the_seed() {
    let fates = |seed| {
        let bench = bench();
        bench.arm(FaultSpec { probability: Some(0.3), seed: Some(seed), ..drops() });
        bench.fates(1_000)
    };
    let lost = fates(7).iter().filter(|lost| **lost).count();
    assert!((200..400).contains(&lost), "{lost}");
    assert_eq!(fates(7), fates(7));
    assert_ne!(fates(7), fates(8));
}

#[tokio::test]
async fn only_what_is_meant_is_hit() {
    let bench = bench();
    let spec = FaultSpec { message: Some(MessageKind::Append), partition: Some(2), ..drops() };
    bench.arm(spec);
    let meant = passing(MessageKind::Append);
    assert_eq!(bench.points.message(&meant), Verdict::Drop);
    for other in [
        passing(MessageKind::Vote),
        Passing { partition: Some(1), ..meant },
        Passing { partition: None, ..meant },
        Passing { peer: "gateway", ..meant },
        Passing { direction: Direction::In, ..meant },
    ] {
        assert_eq!(bench.points.message(&other), Verdict::Pass, "{other:?}");
    }
    assert_eq!(bench.points.clear_all()[0].hits, 1);
    assert_eq!(bench.points.message(&meant), Verdict::Pass);
}

#[tokio::test]
async fn a_command_is_hit_by_its_name() {
    let bench = bench();
    bench.arm(FaultSpec { name: Some("A.B".to_owned()), ..drops() });
    let request = passing(MessageKind::Request);
    assert_eq!(bench.points.message(&request), Verdict::Pass);
    let named = Passing { name: Some("A.B"), ..request };
    assert_eq!(bench.points.message(&named), Verdict::Drop);
}

#[tokio::test]
async fn each_kind_of_fault_has_its_verdict() {
    for (spec, is_it) in [
        (FaultSpec { fault: FaultKind::Duplicate, ..drops() }, "Duplicate"),
        (FaultSpec { fault: FaultKind::Corrupt, ..drops() }, "Damage"),
        (FaultSpec { fault: FaultKind::Reorder, ..drops() }, "in_order: false"),
        (
            FaultSpec { fault: FaultKind::Delay, delay_ms: Some(5), ..drops() },
            "by: 5ms, in_order: true",
        ),
    ] {
        let bench = bench();
        bench.arm(spec);
        let verdict = format!("{:?}", bench.points.message(&passing(MessageKind::Append)));
        assert!(verdict.contains(is_it), "{verdict}");
    }
}

#[tokio::test]
async fn only_a_fault_that_lets_nothing_pass_cuts() {
    let bench = bench();
    for partial in [
        FaultSpec { count: Some(9), ..drops() },
        FaultSpec { probability: Some(0.9), ..drops() },
        FaultSpec { message: Some(MessageKind::Append), ..drops() },
    ] {
        bench.arm(partial);
    }
    assert!(!bench.points.is_cut("broker-1"));
    bench.arm(drops());
    assert!(bench.points.is_cut("broker-1") && !bench.points.is_cut("gateway"));
}

#[tokio::test]
async fn a_full_disk_has_room_again_afterwards() {
    let bench = bench();
    let disk = ChaosDisk::new(Arc::new(MemoryDisk::new()), bench.points.clone());
    disk.create_dir(Path::new("/d")).unwrap();
    let file = disk.open(Path::new("/d/f"), OpenMode::Create).unwrap();
    file.write_at(0, b"before").unwrap();
    bench.arm(FaultSpec { room_bytes: Some(2), ..FaultSpec::new(FaultKind::DiskFull, 1_000) });
    assert_eq!(disk.free_bytes(Path::new("/d")).unwrap(), 2);
    let full = file.write_at(0, b"after!").unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!(bench.points.list()[0].hits, 1);
    bench.points.clear_all();
    file.write_at(0, b"after!").unwrap();
    assert!(disk.free_bytes(Path::new("/d")).unwrap() > 2);
}

#[tokio::test]
async fn a_disk_fails_where_it_is_told_to() {
    let bench = bench();
    let disk = ChaosDisk::new(Arc::new(MemoryDisk::new()), bench.points.clone());
    disk.create_dir(Path::new("/d")).unwrap();
    let file = disk.open(Path::new("/d/f"), OpenMode::Create).unwrap();
    let operation = Some(DiskAction::Sync);
    bench.arm(FaultSpec {
        operation,
        count: Some(1),
        ..FaultSpec::new(FaultKind::DiskError, 1_000)
    });
    file.write_at(0, b"x").unwrap();
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(libc::EIO));
    file.sync_data().unwrap();
}

#[tokio::test]
async fn a_slow_disk_is_fast_again_when_the_fault_is_cleared() {
    let bench = bench();
    let disk = ChaosDisk::new(Arc::new(MemoryDisk::new()), bench.points.clone());
    disk.create_dir(Path::new("/d")).unwrap();
    let file = disk.open(Path::new("/d/f"), OpenMode::Create).unwrap();
    bench.arm(FaultSpec { delay_ms: Some(60_000), ..FaultSpec::new(FaultKind::SlowFsync, 60_000) });
    let syncing = tokio::task::spawn_blocking(move || file.sync_data());
    while bench.points.list()[0].hits == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!syncing.is_finished());
    bench.points.clear_all();
    syncing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_clock_jumps_drifts_and_is_right_again() {
    let bench = bench();
    let heard = Arc::new(Mutex::new(0));
    let note = heard.clone();
    bench.clock.on_change(Box::new(move || *note.lock() += 1));
    let wrong = |offset_ms, drift_ppm| FaultSpec {
        offset_ms,
        drift_ppm,
        ..FaultSpec::new(FaultKind::Clock, 60_000)
    };
    bench.arm(wrong(Some(-500), None));
    assert_eq!(bench.clock.now_ms(), -500);
    bench.arm(wrong(None, Some(100_000)));
    *bench.time.0.lock() = 10_000_000;
    assert_eq!(bench.clock.now_ms(), 10_000 - 500 + 1_000);
    assert_eq!(bench.clock.monotonic_us(), 10_000_000, "durations are not wrong");
    bench.points.clear_all();
    assert_eq!(bench.clock.now_ms(), 10_000);
    assert_eq!((*heard.lock(), bench.clock.generation()), (4, 4), "who waits looks again");
}

#[test]
fn a_clock_that_is_moved_by_hand_still_tells() {
    let base = Arc::new(ControlledClock::new(Arc::new(SystemClock)));
    let clock = ChaosClock::new(base.clone());
    let heard = Arc::new(Mutex::new(0));
    let note = heard.clone();
    clock.on_change(Box::new(move || *note.lock() += 1));
    base.pin(5);
    assert_eq!((clock.now_ms(), *heard.lock()), (5, 1));
}

#[tokio::test]
async fn a_process_ends_at_its_place_and_nowhere_else() {
    let bench = bench();
    let at = |point: &str| FaultSpec {
        point: Some(point.to_owned()),
        skip: Some(1),
        ..FaultSpec::new(FaultKind::Crash, 60_000)
    };
    let refused = bench.points.arm(at("test.elsewhere"), &targets()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NotFound);
    bench.arm(at("test.here"));
    assert!(crash::is_armed());
    crate::crash_point!("test.elsewhere");
    crate::crash_point!("test.here");
    assert_eq!(bench.ended_at.lock().len(), 0, "the first one is left alone");
    crate::crash_point!("test.here");
    assert_eq!(*bench.ended_at.lock(), ["test.here"]);
    bench.points.clear_all();
    crate::crash_point!("test.here");
    assert_eq!(bench.ended_at.lock().len(), 1);
}

#[tokio::test]
async fn there_is_an_end_to_how_much_is_armed() {
    let bench = bench();
    while bench.points.list().len() < 64 {
        bench.arm(drops());
    }
    let refused = bench.points.arm(drops(), &targets()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Conflict);
}

#[test]
fn a_document_reads_back_and_knows_its_fields() {
    let text = r#"{"fault":"slow-fsync","ttlMs":5000,"delayMs":20,"jitterMs":5}"#;
    let spec: FaultSpec = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    assert_eq!(spec.text(), "a flush of the disk takes 20 ms to 25 ms longer");
    assert!(serde_json::from_str::<FaultSpec>(r#"{"fault":"drop","ttlMs":1,"frm":"x"}"#).is_err());
}
