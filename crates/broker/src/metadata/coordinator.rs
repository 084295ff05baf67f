//! The coordinator: on the leader of the metadata group it carries out the change that is under
//! way, step by step; on every other node it waits.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_env::Clock;

use crate::limits::CHANGE_STEP_PAUSE_MS;
use crate::metadata::group::MetadataGroup;
use crate::metadata::host::ReplicaHost;
use crate::metadata::step::{Step, step};

/// Carries out changes. Clones are the same.
#[derive(Clone)]
pub struct Coordinator {
    pub(super) group: MetadataGroup,
    pub(super) host: Arc<dyn ReplicaHost>,
    pub(super) clock: Arc<dyn Clock>,
    /// What the next operation waits for, for people.
    waiting: Arc<Mutex<Option<String>>>,
}

impl Coordinator {
    /// The coordinator of this node.
    #[must_use]
    pub fn new(group: MetadataGroup, host: Arc<dyn ReplicaHost>, clock: Arc<dyn Clock>) -> Self {
        Self { group, host, clock, waiting: Arc::default() }
    }

    /// What the next operation of the change under way waits for.
    #[must_use]
    pub fn waiting_for(&self) -> Option<String> {
        self.waiting.lock().clone()
    }

    /// Works until the metadata group ends.
    pub async fn run(self) {
        let mut leading = self.group.leading();
        let mut known = self.group.known().subscribe();
        loop {
            let config = known.borrow_and_update().clone();
            let led = leading.borrow_and_update().is_some();
            let next = match config.filter(|_| led) {
                Some(config) => step(&config, &*self.host, self.clock.now_ms()).await,
                None => None,
            };
            let pause = match next {
                None => {
                    self.wait_for(None);
                    None
                }
                Some(Step::Wait(reason)) => {
                    self.wait_for(Some(reason));
                    Some(Duration::from_millis(CHANGE_STEP_PAUSE_MS))
                }
                Some(Step::Propose(config)) => match self.group.propose(*config).await {
                    Ok(()) => continue,
                    Err(error) => {
                        self.wait_for(Some(error.to_string()));
                        Some(Duration::from_millis(CHANGE_STEP_PAUSE_MS))
                    }
                },
            };
            let paused = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                changed = leading.changed() => if changed.is_err() { return },
                changed = known.changed() => if changed.is_err() { return },
                () = paused => {}
            }
        }
    }

    fn wait_for(&self, reason: Option<String>) {
        let mut waiting = self.waiting.lock();
        if *waiting != reason {
            if let Some(reason) = &reason {
                tracing::info!(reason, "the change of the cluster waits");
            }
            *waiting = reason;
        }
    }
}

impl std::fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").field("group", &self.group).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
