//! One direction between two hosts.

use std::time::Duration;

use skep_env::{Random, SeededRandom};
use tokio::time::Instant;

/// How good one direction between two hosts is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long a frame takes, from and to, in microseconds, evenly distributed.
    pub latency_us: (u64, u64),
    /// Frames in a million that take much longer.
    pub spike_ppm: u32,
    /// How much longer, at most, in microseconds.
    pub spike_us: u64,
    /// Frames in a million that are lost though the connection lives.
    pub lose_ppm: u32,
    /// Frames in a million that arrive twice.
    pub repeat_ppm: u32,
    /// Frames in a million that others may overtake.
    pub reorder_ppm: u32,
    /// How many bytes it carries in a second; `None`: as many as one likes.
    pub bytes_per_s: Option<u64>,
}

impl Default for Link {
    /// A local network: 0.1 to 0.6 ms, nothing is ever lost.
    fn default() -> Self {
        Self {
            latency_us: (100, 600),
            spike_ppm: 0,
            spike_us: 0,
            lose_ppm: 0,
            repeat_ppm: 0,
            reorder_ppm: 0,
            bytes_per_s: None,
        }
    }
}

/// What a cut does to frames that are sent meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// They wait in the sender's kernel, and go on when it is healed.
    Hold,
    /// They are lost.
    Lose,
}

/// What happens to one frame.
pub(super) struct Fate {
    pub(super) latency: Duration,
    pub(super) lost: bool,
    pub(super) repeated: bool,
    pub(super) overtaken: bool,
}

impl Link {
    /// A link that takes `extra` longer.
    #[must_use]
    pub fn slower(mut self, extra: Duration) -> Self {
        let extra_us = u64::try_from(extra.as_micros()).unwrap_or(u64::MAX);
        self.latency_us = (self.latency_us.0 + extra_us, self.latency_us.1 + extra_us);
        self
    }

    pub(super) fn latency(&self, random: &SeededRandom) -> Duration {
        let (from, to) = self.latency_us;
        let mut micros = from + random.below(to.saturating_sub(from) + 1);
        if chance(random, self.spike_ppm) {
            micros += random.below(self.spike_us + 1);
        }
        Duration::from_micros(micros)
    }

    pub(super) fn fate(&self, random: &SeededRandom) -> Fate {
        Fate {
            latency: self.latency(random),
            lost: chance(random, self.lose_ppm),
            repeated: chance(random, self.repeat_ppm),
            overtaken: chance(random, self.reorder_ppm),
        }
    }
}

fn chance(random: &SeededRandom, ppm: u32) -> bool {
    ppm > 0 && random.below(1_000_000) < u64::from(ppm)
}

/// What is known about one direction between two hosts.
#[derive(Default)]
pub(super) struct LinkState {
    /// `None`: the default of the network.
    pub(super) quality: Option<Link>,
    pub(super) cut: Option<(Cut, Instant)>,
    /// New connections are refused.
    pub(super) refuse: bool,
}
