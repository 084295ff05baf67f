//! Appends that wait for space, and what happens to them meanwhile.

use std::path::Path;

use openraft::type_config::TypeConfigExt;
use openraft::type_config::alias::OneshotReceiverOf;
use skep_env::{FaultyDisk, MemoryDisk};
use skep_storage::{Journal, JournalOptions};

use super::*;

/// An appender on a disk that can be filled.
struct OnDisk {
    disk: FaultyDisk,
    journal: Journal,
    stream: StreamHandle,
    appender: Appender,
    events: Arc<EventQueue>,
}

impl OnDisk {
    fn new() -> Self {
        let disk = FaultyDisk::new(Arc::new(MemoryDisk::new()));
        // Small, so that an append of several entries is written in several pieces.
        let options = JournalOptions { segment_bytes: 64 * 1024, ..JournalOptions::default() };
        let (journal, _) =
            Journal::open(Arc::new(disk.clone()), Path::new("/journal"), options).unwrap();
        let stream = journal.stream(3);
        let events = Arc::new(EventQueue::new(Arc::default()));
        let appender = Appender::new(stream.clone(), events.clone());
        Self { disk, journal, stream, appender, events }
    }

    fn append(
        &self,
        first_index: u64,
        count: usize,
        bytes: usize,
    ) -> OneshotReceiverOf<TypeConfig, io::Result<()>> {
        let (sender, flushed) = TypeConfig::oneshot();
        let entries = vec![Bytes::from(vec![7; bytes]); count];
        self.appender.append(first_index, entries, Flushed::signal(sender));
        flushed
    }

    /// Until an append has found no space.
    async fn is_full(&self) {
        while !matches!(self.events.pop(), Some(ReplicationEvent::DiskFull(true))) {
            tokio::task::yield_now().await;
        }
    }

    fn empty(&self) {
        self.disk.faults().clear();
        self.journal.look_for_space();
    }
}

#[tokio::test]
async fn entries_that_were_purged_while_they_waited_are_done() {
    let on = OnDisk::new();
    on.append(0, 1, 10).await.unwrap().unwrap();
    on.disk.faults().full_after(0);
    let waits = on.append(1, 1, 10);
    let later = on.append(2, 2, 10);
    on.is_full().await;
    // Others made them durable, and a checkpoint holds them: only the last one is still wanted.
    on.stream.purge_to(2);
    on.empty();
    waits.await.unwrap().unwrap();
    later.await.unwrap().unwrap();
    on.appender.settled().await;
    assert_eq!(on.stream.next_index(), 4);
    on.append(4, 1, 10).await.unwrap().unwrap();
    assert_eq!(on.stream.read(3, 5, usize::MAX).unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_append_of_which_a_piece_was_durable_goes_on_behind_it() {
    let mut in_pieces = 0;
    for room in (16..200).step_by(16) {
        let on = OnDisk::new();
        on.append(0, 1, 10).await.unwrap().unwrap();
        on.disk.faults().full_after(room * 1024);
        let flushed = on.append(1, 12, 12 * 1024);
        on.is_full().await;
        in_pieces += u32::from(on.stream.next_index() > 1);
        on.empty();
        flushed.await.unwrap().unwrap();
        assert_eq!(on.stream.next_index(), 13, "room for {room} KiB");
        assert_eq!(on.stream.read(0, 13, usize::MAX).unwrap().len(), 13, "room for {room} KiB");
    }
    assert!(in_pieces > 0, "no room was enough for a piece and too small for all");
}
