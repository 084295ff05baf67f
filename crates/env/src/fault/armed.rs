//! One fault that is armed.

use tokio::task::AbortHandle;

use super::message::Route;
use super::{FaultSpec, FaultStatus, metrics as names};
use crate::{Random, SeededRandom};

/// It, and what it has done.
pub(super) struct Armed {
    pub(super) id: String,
    pub(super) spec: FaultSpec,
    pub(super) route: Option<Route>,
    pub(super) began_us: u64,
    pub(super) expires_us: u64,
    pub(super) seen: u64,
    pub(super) hits: u64,
    /// Room that is left of a full disk.
    pub(super) room: u64,
    pub(super) random: SeededRandom,
    pub(super) expiry: Option<AbortHandle>,
}

impl Armed {
    pub(super) fn is_spent(&self) -> bool {
        self.spec.count.is_some_and(|count| self.hits >= count)
    }

    /// Whether it acts this time; counted.
    pub(super) fn acts(&mut self, now_us: u64) -> bool {
        if now_us >= self.expires_us || self.is_spent() {
            return false;
        }
        self.seen += 1;
        if self.seen <= self.spec.skip.unwrap_or_default() {
            return false;
        }
        if let Some(probability) = self.spec.probability {
            // 53 bits: as many as the number has.
            let drawn = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            if drawn >= probability {
                return false;
            }
        }
        self.hit();
        true
    }

    pub(super) fn hit(&mut self) {
        self.hits += 1;
        metrics::counter!(names::HITS, "fault" => self.spec.fault.name()).increment(1);
    }

    pub(super) fn status(&self, now_us: u64) -> FaultStatus {
        FaultStatus {
            id: self.id.clone(),
            text: self.spec.text(),
            remaining_ms: self.expires_us.saturating_sub(now_us).div_ceil(1_000),
            hits: self.hits,
            spent: self.is_spent(),
            spec: FaultSpec { id: Some(self.id.clone()), ..self.spec.clone() },
        }
    }
}
