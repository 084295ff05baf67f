//! A snapshot that arrives in pieces.
//!
//! The pieces go to a file; the state changes when the last one is there and the whole is checked,
//! and not before. One transfer at a time: a new one drops what came of the one before.

use std::io;
use std::sync::Arc;

use openraft::Snapshot;

use crate::replication::raft::state_machine::{SnapshotSink, SnapshotStore, StateSnapshot};
use crate::replication::raft::types::{SnapshotMeta, TypeConfig};
use crate::replication::raft::wire::{SnapshotPiece, SnapshotReply};

type ReceivedSnapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, StateSnapshot>;

/// The transfer under way, if there is one.
pub(crate) struct SnapshotReceive {
    store: Arc<dyn SnapshotStore>,
    transfer: Option<Transfer>,
}

struct Transfer {
    from: u64,
    id: u64,
    next: u64,
    /// None when all of it is there.
    sink: Option<Box<dyn SnapshotSink>>,
}

/// What is to be done about a piece.
pub(crate) enum Taken {
    /// Send this reply.
    Reply(SnapshotReply),
    /// The whole is there: install it, then reply.
    Complete(ReceivedSnapshot),
}

impl SnapshotReceive {
    pub(crate) fn new(store: Arc<dyn SnapshotStore>) -> Self {
        Self { store, transfer: None }
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// When the disk fails or the snapshot is damaged: the transfer has to begin again.
    pub(crate) fn take(&mut self, from: u64, piece: &SnapshotPiece) -> io::Result<Taken> {
        let taken = self.take_piece(from, piece);
        if taken.is_err() {
            self.transfer = None;
        }
        taken
    }

    fn take_piece(&mut self, from: u64, piece: &SnapshotPiece) -> io::Result<Taken> {
        let is_known = |it: &&mut Transfer| (it.from, it.id) == (from, piece.transfer);
        if self.transfer.as_mut().filter(is_known).is_none() {
            if piece.offset != 0 {
                return Ok(Taken::Reply(SnapshotReply::Restart));
            }
            // The one before is dropped first: both have the same file.
            self.transfer = None;
            let sink = Some(self.store.receive()?);
            self.transfer = Some(Transfer { from, id: piece.transfer, next: 0, sink });
        }
        let Some(transfer) = &mut self.transfer else {
            return Ok(Taken::Reply(SnapshotReply::Restart));
        };
        let end = piece.offset + piece.data.len() as u64;
        if piece.offset == transfer.next
            && let Some(sink) = &mut transfer.sink
        {
            sink.push(&piece.data)?;
            transfer.next = end;
        } else if end != transfer.next {
            return Ok(Taken::Reply(SnapshotReply::Restart));
        }
        // Else the reply to this piece was lost, and it came again.
        if !piece.last {
            return Ok(Taken::Reply(SnapshotReply::Continue(transfer.next)));
        }
        if let Some(sink) = transfer.sink.take() {
            sink.finish()?;
        }
        let meta: SnapshotMeta = serde_json::from_slice(&piece.meta)?;
        Ok(Taken::Complete(Snapshot { meta, snapshot: StateSnapshot::received() }))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parking_lot::Mutex;

    use super::*;
    use crate::replication::CheckpointView;
    use crate::replication::raft::types::new_vote;

    #[derive(Default)]
    struct Store(Arc<Mutex<Vec<u8>>>);

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl SnapshotStore for Store {
        fn view(&self) -> io::Result<Option<CheckpointView>> {
            Ok(None)
        }

        fn receive(&self) -> io::Result<Box<dyn SnapshotSink>> {
            self.0.lock().clear();
            Ok(Box::new(Sink(self.0.clone())))
        }

        fn install(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl SnapshotSink for Sink {
        fn push(&mut self, piece: &[u8]) -> io::Result<()> {
            self.0.lock().extend_from_slice(piece);
            Ok(())
        }

        fn finish(self: Box<Self>) -> io::Result<()> {
            self.0.lock().push(b'.');
            Ok(())
        }
    }

    fn piece(transfer: u64, offset: u64, data: &'static [u8], last: bool) -> SnapshotPiece {
        let meta = serde_json::to_vec(&SnapshotMeta::default()).unwrap();
        SnapshotPiece {
            vote: new_vote(1, 1, true),
            transfer,
            offset,
            last,
            meta: Bytes::from(meta),
            data: Bytes::from_static(data),
        }
    }

    fn reply(taken: io::Result<Taken>) -> Option<SnapshotReply> {
        match taken.unwrap() {
            Taken::Reply(reply) => Some(reply),
            Taken::Complete(_) => None,
        }
    }

    #[test]
    fn pieces_add_up_whatever_is_sent_twice() {
        let store = Store::default();
        let bytes = store.0.clone();
        let mut receive = SnapshotReceive::new(Arc::new(store));
        assert_eq!(
            reply(receive.take(1, &piece(7, 3, b"def", false))),
            Some(SnapshotReply::Restart),
            "the beginning is not there"
        );
        for _ in 0..2 {
            let first = piece(7, 0, b"abc", false);
            assert_eq!(reply(receive.take(1, &first)), Some(SnapshotReply::Continue(3)));
        }
        assert_eq!(
            reply(receive.take(2, &piece(7, 3, b"xyz", false))),
            Some(SnapshotReply::Restart),
            "another node's"
        );
        assert_eq!(
            reply(receive.take(1, &piece(7, 6, b"ghi", false))),
            Some(SnapshotReply::Restart),
            "a gap"
        );
        for _ in 0..2 {
            assert_eq!(reply(receive.take(1, &piece(7, 3, b"def", true))), None);
            assert_eq!(*bytes.lock(), b"abcdef.", "checked once");
        }
        let other = piece(8, 0, b"new", false);
        assert_eq!(reply(receive.take(1, &other)), Some(SnapshotReply::Continue(3)));
        assert_eq!(*bytes.lock(), b"new", "a new transfer drops the old one");
    }
}
