//! What must survive besides the entries of the log.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use skep_storage::StreamHandle;

use crate::replication::raft::log_storage::durable;
use crate::replication::raft::types::{LogId, Vote};

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HardState {
    /// Who this node voted for, or follows.
    pub(crate) vote: Option<Vote>,
    /// The last entry that was purged; its term is nowhere else.
    pub(crate) purged: Option<LogId>,
    /// This node came new into a group that exists, perhaps with votes and entries of an earlier
    /// life that it does not know of: until it has caught up it grants no vote.
    #[serde(default)]
    pub(crate) recovering: bool,
    /// While it recovers: it may help to elect who has at least this log.
    #[serde(default)]
    pub(crate) helps: Option<LogId>,
}

impl HardState {
    /// That of a log that is empty behind this entry.
    pub(crate) fn behind(purged: LogId) -> Self {
        Self { purged: Some(purged), ..Self::default() }
    }

    /// Nothing is left of the loss.
    pub(crate) fn caught_up(&mut self) {
        self.recovering = false;
        self.helps = None;
    }
}

/// The hard state of one replica. Clones are the same.
#[derive(Clone)]
pub(crate) struct Hard(Arc<Shared>);

struct Shared {
    stream: StreamHandle,
    state: Mutex<HardState>,
    /// One change at a time: each writes the whole.
    saving: tokio::sync::Mutex<()>,
}

impl Hard {
    pub(crate) fn open(stream: StreamHandle) -> io::Result<Self> {
        let state: HardState = match stream.hard_state() {
            Some(bytes) => serde_json::from_slice(&bytes)?,
            None => HardState::default(),
        };
        let saving = tokio::sync::Mutex::default();
        Ok(Self(Arc::new(Shared { stream, state: Mutex::new(state), saving })))
    }

    pub(crate) fn read(&self) -> HardState {
        self.0.state.lock().clone()
    }

    /// The term that this node leads, or tries to.
    pub(crate) fn own_term(&self, node_id: u64) -> Option<u64> {
        let state = self.0.state.lock();
        let vote = state.vote.as_ref()?;
        (vote.leader_id.voted_for == node_id).then_some(vote.leader_id.term)
    }

    /// Makes a change durable, then visible.
    pub(crate) async fn save(&self, change: impl FnOnce(&mut HardState)) -> io::Result<()> {
        let _saving = self.0.saving.lock().await;
        let mut state = self.read();
        change(&mut state);
        let bytes = serde_json::to_vec(&state)?;
        #[cfg(feature = "mutation")]
        if skep_engine::mutation::is("votes are forgotten") {
            *self.0.state.lock() = state;
            return Ok(());
        }
        durable(|done| self.0.stream.save_hard_state(&bytes, done)).await?;
        *self.0.state.lock() = state;
        Ok(())
    }
}
