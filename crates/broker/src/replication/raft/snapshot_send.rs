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
async fn send_piece(target: &Target, piece: SnapshotPiece) -> Result<SnapshotReply, Failure> {
    let timeout_max_ms = if piece.last {
        limits::SNAPSHOT_INSTALL_TIMEOUT_MS
    } else {
        limits::SNAPSHOT_PIECE_TIMEOUT_MS
    };
    let request = Request::Snapshot(piece)
        .encode()
        .map_err(|error| StreamingError::Network(NetworkError::new(&error)))?;
    let mut attempt = 1;
    loop {
        // A piece may be lost, and the first ones are rarely slow: they are sent again soon. What
        // came twice is taken once.
        let timeout_ms = limits::SNAPSHOT_REPLY_FIRST_MS << (2 * (attempt - 1));
        let timeout = Duration::from_millis(timeout_ms.min(timeout_max_ms));
        let reply = target.send(request.clone(), timeout).await;
        match reply {
            Ok(Reply::Snapshot(reply)) => return Ok(reply),
            Ok(other) => return Err(unusable(target.node_id, &Ok(other)).into()),
            Err(error) if attempt >= limits::SNAPSHOT_PIECE_ATTEMPTS => return Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, attempt, "a piece of a snapshot has no reply");
                let pause_ms = limits::RAFT_BACKOFF_MIN_MS << attempt;
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                attempt += 1;
            }
        }
    }
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
