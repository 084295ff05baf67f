//! A snapshot on its way to a follower: pieces, each acknowledged before the next one is sent.
//!
//! Reading the state takes long and must not keep the leader's thread from its heartbeats, so a body
//! of its own reads ahead by one piece. A piece without a reply is sent again; a follower that lost
//! its place (it was restarted) makes the whole transfer begin again.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::{NetworkError, StreamingError, Unreachable};
use openraft::raft::SnapshotResponse;
use skep_env::task::MakeBody;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::limits;
use crate::replication::raft::network::{Target, unusable};
use crate::replication::raft::state_machine::{OpenSnapshot, StateSnapshot};
use crate::replication::raft::types::{TypeConfig, Vote};
use crate::replication::raft::wire::{Reply, Request, SnapshotPiece, SnapshotReply};

type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, StateSnapshot>;
type Failure = StreamingError<TypeConfig>;

/// Sends the snapshot and waits until it is installed.
pub(super) async fn send(
    target: &Target,
    vote: Vote,
    snapshot: Snapshot,
) -> Result<SnapshotResponse<TypeConfig>, Failure> {
    let failed = |error: &io::Error| StreamingError::Unreachable(Unreachable::new(error));
    let meta = serde_json::to_vec(&snapshot.meta).map_err(|error| failed(&error.into()))?;
    let open = snapshot.snapshot.open().map_err(|error| failed(&error))?;
    let (pieces, mut ready) = mpsc::channel(1);
    let body: MakeBody = Box::new(move || Box::pin(read_pieces(open, pieces)));
    target.network.tasks.dedicated("skep-snapshot", body).map_err(|error| failed(&error))?;
    let transfer = target.network.random.next_u64();
    let mut offset = 0;
    let mut next = ready.recv().await;
    loop {
        let data = match next {
            None => return Err(failed(&io::Error::other("reading the snapshot ended early"))),
            Some(result) => result.map_err(|error| failed(&error))?,
        };
        next = ready.recv().await;
        let last = next.is_none();
        let meta = if last { Bytes::from(meta.clone()) } else { Bytes::new() };
        let length = data.len() as u64;
        let piece = SnapshotPiece { vote, transfer, offset, last, meta, data };
        match send_piece(target, piece).await? {
            SnapshotReply::Done(response) => return Ok(response),
            SnapshotReply::Continue(at) if at == offset + length && !last => offset = at,
            SnapshotReply::Continue(_) | SnapshotReply::Restart => {
                let text = format!("node {} lost its place in the snapshot", target.node_id);
                return Err(StreamingError::Network(NetworkError::from_string(text)));
            }
        }
    }
}

/// Sends a piece until it is acknowledged.
///
/// Only a reply that did not come makes the next wait longer: attempts that failed at once, because
/// there is no connection, say nothing about how long the follower takes. And no wait is so long
/// that a single lost reply holds a follower up for minutes: the last piece, which is acknowledged
/// when the whole is installed, is rather sent more often.
async fn send_piece(target: &Target, piece: SnapshotPiece) -> Result<SnapshotReply, Failure> {
    let patience_ms = if piece.last {
        limits::SNAPSHOT_INSTALL_TIMEOUT_MS
    } else {
        limits::SNAPSHOT_PIECE_TIMEOUT_MS
    };
    let patience = Duration::from_millis(patience_ms);
    let request = Request::Snapshot(piece)
        .encode()
        .map_err(|error| StreamingError::Network(NetworkError::new(&error)))?;
    let (mut failures, mut silences, mut waited) = (0, 0, Duration::ZERO);
    loop {
        // A piece may be lost, and the first ones are rarely slow: they are sent again soon. What
        // came twice is taken once.
        let timeout = reply_timeout(silences);
        let sent = Instant::now();
        let error = match target.send(request.clone(), timeout).await {
            Ok(Reply::Snapshot(reply)) => return Ok(reply),
            Ok(other) => return Err(unusable(target.node_id, &Ok(other)).into()),
            Err(error) => error,
        };
        if sent.elapsed() < timeout {
            failures += 1;
        } else {
            silences += 1;
            waited += timeout;
        }
        if failures >= limits::SNAPSHOT_PIECE_ATTEMPTS || waited >= patience {
            return Err(error.into());
        }
        tracing::debug!(%error, failures, silences, "a piece of a snapshot has no reply");
        let pause_ms = limits::RAFT_BACKOFF_MIN_MS << failures;
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// How long a reply is waited for after so many that did not come.
fn reply_timeout(silences: u32) -> Duration {
    let growth = 1_u64.checked_shl(2 * silences).unwrap_or(u64::MAX);
    let timeout_ms = limits::SNAPSHOT_REPLY_FIRST_MS.saturating_mul(growth);
    Duration::from_millis(timeout_ms.min(limits::SNAPSHOT_PIECE_TIMEOUT_MS))
}

/// Reads the snapshot piece by piece, for as long as somebody takes them.
async fn read_pieces(open: OpenSnapshot, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut reader = match open() {
        Ok(reader) => reader,
        Err(error) => {
            let _ = pieces.send(Err(error)).await;
            return;
        }
    };
    loop {
        match read_piece(&mut *reader) {
            Ok(piece) if piece.is_empty() => return,
            Ok(piece) => {
                if pieces.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let _ = pieces.send(Err(error)).await;
                return;
            }
        }
    }
}

/// A whole piece, or what is left.
fn read_piece(reader: &mut dyn Read) -> io::Result<Bytes> {
    let mut piece = vec![0; limits::SNAPSHOT_PIECE_BYTES];
    let mut filled = 0;
    while filled < piece.len() {
        match reader.read(&mut piece[filled..])? {
            0 => break,
            length => filled += length,
        }
    }
    piece.truncate(filled);
    Ok(Bytes::from(piece))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::BoxFuture;
    use parking_lot::Mutex;
    use skep_env::SeededRandom;
    use skep_env::task::LocalTasks;

    use super::*;
    use crate::replication::raft::network::Network;
    use crate::replication::raft::types::new_vote;
    use crate::replication::{PeerError, Peers};

    /// What becomes of one attempt to send something.
    #[derive(Clone, Copy)]
    enum Fate {
        Unconnected,
        Silent,
        Done,
    }

    /// A follower with a given fate for each attempt, the last one for all that follow.
    #[derive(Clone)]
    struct Follower {
        fates: Vec<Fate>,
        timeouts_ms: Arc<Mutex<Vec<u128>>>,
    }

    impl Peers for Follower {
        fn request(
            &self,
            node_id: u64,
            _: Bytes,
            timeout: Duration,
        ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
            let mut timeouts_ms = self.timeouts_ms.lock();
            let at = timeouts_ms.len().min(self.fates.len() - 1);
            timeouts_ms.push(timeout.as_millis());
            let fate = self.fates[at];
            Box::pin(async move {
                match fate {
                    Fate::Unconnected => Err(PeerError::NotConnected(node_id)),
                    Fate::Silent => {
                        tokio::time::sleep(timeout).await;
                        Err(PeerError::TimedOut(node_id))
                    }
                    Fate::Done => {
                        let response = SnapshotResponse::new(new_vote(1, 1, true));
                        Ok(Reply::Snapshot(SnapshotReply::Done(response)).encode())
                    }
                }
            })
        }
    }

    /// Sends a piece; says whether it was acknowledged, and how long each reply was waited for.
    async fn send(last: bool, fates: &[Fate]) -> (bool, Vec<u128>) {
        let follower = Follower { fates: fates.to_vec(), timeouts_ms: Arc::default() };
        let network = Network {
            peers: Arc::new(follower.clone()),
            tasks: Arc::new(LocalTasks),
            random: Arc::new(SeededRandom::new(1)),
        };
        let target = Target { node_id: 2, network };
        let vote = new_vote(1, 1, true);
        let (meta, data) = (Bytes::new(), Bytes::from_static(b"data"));
        let piece = SnapshotPiece { vote, transfer: 7, offset: 0, last, meta, data };
        let sent = send_piece(&target, piece).await.is_ok();
        let timeouts_ms = follower.timeouts_ms.lock().clone();
        (sent, timeouts_ms)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_is_not_waited_for_longer_because_there_was_no_connection() {
        let fates =
            [Fate::Unconnected, Fate::Unconnected, Fate::Unconnected, Fate::Silent, Fate::Done];
        let first = u128::from(limits::SNAPSHOT_REPLY_FIRST_MS);
        let expected = vec![first, first, first, first, 4 * first];
        assert_eq!(send(true, &fates).await, (true, expected));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_piece_is_sent_over_and_over_while_the_follower_may_install_it() {
        let mut fates = vec![Fate::Silent; 20];
        fates.push(Fate::Done);
        let (sent, timeouts_ms) = send(true, &fates).await;
        assert!(sent);
        assert_eq!(timeouts_ms.iter().max(), Some(&limits::SNAPSHOT_PIECE_TIMEOUT_MS.into()));

        let (sent, timeouts_ms) = send(true, &[Fate::Silent]).await;
        let waited: u128 = timeouts_ms.iter().sum();
        assert!(!sent && waited >= limits::SNAPSHOT_INSTALL_TIMEOUT_MS.into());
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_that_is_gone_ends_the_transfer() {
        let (sent, timeouts_ms) = send(true, &[Fate::Unconnected]).await;
        assert!(!sent);
        assert_eq!(timeouts_ms.len(), limits::SNAPSHOT_PIECE_ATTEMPTS as usize);
        let (sent, timeouts_ms) = send(false, &[Fate::Silent]).await;
        assert!(!sent && timeouts_ms.len() < 10, "{timeouts_ms:?}");
    }
}
