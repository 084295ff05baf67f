//! openraft's log over a stream of the journal.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use skep_storage::StreamHandle;
use skep_storage::journal::JournalHealth;
use tokio::sync::oneshot;

use crate::limits;
use crate::replication::raft::appender::{Appender, is_full};
use crate::replication::raft::hard_state::Hard;
use crate::replication::raft::types::{self, Entry, LogId, TypeConfig, Vote};
use crate::replication::{EventQueue, ReplicationEvent};

/// The log of one replica.
pub(crate) struct LogStorage {
    node_id: u64,
    stream: StreamHandle,
    appender: Appender,
    events: Arc<EventQueue>,
    hard: Hard,
}

/// Reads the log; shares the stream with [`LogStorage`].
#[derive(Clone)]
pub(crate) struct LogReader {
    stream: StreamHandle,
    appender: Appender,
    hard: Hard,
}

impl LogStorage {
    /// The log in this stream; must be made inside the runtime of the replica.
    pub(crate) fn open(
        node_id: u64,
        stream: StreamHandle,
        events: Arc<EventQueue>,
    ) -> io::Result<Self> {
        let hard = Hard::open(stream.clone())?;
        if let Some(purged) = hard.read().purged {
            // A crash may have come between the hard state and the purge.
            stream.purge_to(purged.index());
        }
        let appender = Appender::new(stream.clone(), events.clone());
        Ok(Self { node_id, stream, appender, events, hard })
    }

    pub(crate) fn hard(&self) -> Hard {
        self.hard.clone()
    }

    pub(crate) fn reader(&self) -> LogReader {
        let (stream, appender) = (self.stream.clone(), self.appender.clone());
        LogReader { stream, appender, hard: self.hard.clone() }
    }
}

/// Waits for a change of the journal; when the disk is full, for space: openraft gives a node up
/// when a vote cannot be saved.
pub(super) async fn durable(change: impl Fn(skep_storage::journal::Done)) -> io::Result<()> {
    loop {
        let (sender, receiver) = oneshot::channel();
        change(Box::new(move |result| {
            let _ = sender.send(result);
        }));
        match receiver.await.map_err(|_| io::Error::other("the journal has ended"))? {
            Err(error) if is_full(&error) => {
                tracing::warn!(%error, "the disk is full: waiting for space");
                tokio::time::sleep(Duration::from_millis(limits::DISK_FULL_PROBE_MS)).await;
            }
            result => return result,
        }
    }
}

impl LogReader {
    /// The disk is full, or nearly.
    pub(crate) fn needs_space(&self) -> bool {
        matches!(self.stream.health(), JournalHealth::SpaceLow | JournalHealth::Stalled)
    }

    /// Entries of `[from, to_exclusive)`, at least one if there is one, of about `max_bytes`.
    pub(crate) fn read(
        &self,
        from: u64,
        to_exclusive: u64,
        max_bytes: usize,
    ) -> io::Result<Vec<Entry>> {
        if from >= to_exclusive {
            return Ok(Vec::new());
        }
        let mut entries =
            self.stream.read(from, to_exclusive, max_bytes).map_err(io::Error::other)?;
        if entries.is_empty() {
            // Committed by others while the disk of this node is full.
            entries = self.appender.read(from, to_exclusive);
        }
        entries.into_iter().map(|(index, bytes)| types::decode(index, bytes)).collect()
    }
}

fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(before) => before + 1,
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(last) => last + 1,
        Bound::Excluded(to) => *to,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<TypeConfig> for LogReader {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        let (from, to) = bounds(&range);
        self.read(from, to, usize::MAX)
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry>, io::Error> {
        self.read(start, end, limits::RAFT_APPEND_BYTES)
    }

    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let reader = self.clone();
        let state = (from, Vec::new().into_iter());
        futures::stream::unfold(
            state,
            move |(mut next, mut chunk): (u64, std::vec::IntoIter<Entry>)| {
                let reader = reader.clone();
                async move {
                    if chunk.len() == 0 {
                        if next >= to {
                            return None;
                        }
                        match reader.read(next, to, limits::REPLAY_READ_BYTES) {
                            Ok(entries) if entries.is_empty() => {
                                let text = format!("the log ends before entry {next}");
                                return Some((Err(io::Error::other(text)), (to, chunk)));
                            }
                            Ok(entries) => chunk = entries.into_iter(),
                            Err(error) => return Some((Err(error), (to, chunk))),
                        }
                    }
                    let entry = chunk.next()?;
                    next += 1;
                    Some((Ok(entry), (next, chunk)))
                }
            },
        )
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.hard.read().vote)
    }
}

impl RaftLogStorage<TypeConfig> for LogStorage {
    type LogReader = LogReader;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let last_purged_log_id = self.hard.read().purged;
        let last_log_id = match self.stream.last_index() {
            Some(index) => {
                let entries =
                    self.stream.read(index, index + 1, usize::MAX).map_err(io::Error::other)?;
                let term = entries.first().and_then(|(_, bytes)| types::term_of(bytes));
                let term = term.ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("entry {index} of the replicated log is damaged"),
                    )
                })?;
                Some(types::new_log_id(term, index))
            }
            None => last_purged_log_id,
        };
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> LogReader {
        self.reader()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.appender.settled().await;
        let before = self.hard.read().vote;
        self.hard.save(|hard| hard.vote = Some(*vote)).await?;
        let led = before.filter(|it| it.committed && it.leader_id.voted_for == self.node_id);
        if let Some(led) = led.filter(|led| led.leader_id != vote.leader_id) {
            self.events.push(ReplicationEvent::Following { term: led.leader_id.term });
        }
        Ok(())
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: IOFlushed<TypeConfig>,
    ) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut first_index = None;
        let mut encoded = Vec::new();
        for entry in entries {
            first_index.get_or_insert(entry.log_id.index());
            encoded.push(types::encode(&entry)?);
        }
        match first_index {
            Some(first_index) => self.appender.append(first_index, encoded, callback),
            None => callback.io_completed(Ok(())),
        }
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        let from = last_log_id.map_or(0, |last| last.index() + 1);
        #[cfg(feature = "mutation")]
        if skep_engine::mutation::is("entries of a deposed leader are not truncated") {
            return Ok(());
        }
        self.appender.forget_from(from);
        durable(|done| self.stream.truncate_from(from, done)).await
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        self.hard.save(|hard| hard.purged = Some(log_id)).await?;
        self.stream.purge_to(log_id.index());
        Ok(())
    }
}
