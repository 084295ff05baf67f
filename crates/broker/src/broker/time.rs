//! Virtual time: the clock is moved, and what became due is done before the mover goes on.

use tokio::sync::oneshot;

use crate::broker::Broker;
use crate::config::NodeClock;
use crate::error::BrokerError;
use crate::partition::Control;

impl Broker {
    /// Whether the clock may be moved.
    #[must_use]
    pub fn is_time_virtual(&self) -> bool {
        matches!(self.0.clock, NodeClock::Controlled(_))
    }

    /// Stops the clock at this time and waits until the broker is idle.
    ///
    /// # Errors
    /// Unavailable when this node runs by the wall clock.
    pub async fn pin_clock(&self, now_ms: i64) -> Result<(), BrokerError> {
        self.controlled()?.pin(now_ms);
        self.quiesce().await;
        Ok(())
    }

    /// Moves the clock and waits until the broker is idle. Returns the new time.
    ///
    /// # Errors
    /// Unavailable when this node runs by the wall clock.
    pub async fn advance_clock(&self, offset_ms: i64) -> Result<i64, BrokerError> {
        let now_ms = self.controlled()?.advance(offset_ms);
        self.quiesce().await;
        Ok(now_ms)
    }

    /// Gives the clock back to the machine and waits until the broker is idle.
    ///
    /// # Errors
    /// Unavailable when this node runs by the wall clock.
    pub async fn reset_clock(&self) -> Result<(), BrokerError> {
        self.controlled()?.reset();
        self.quiesce().await;
        Ok(())
    }

    fn controlled(&self) -> Result<&skep_env::ControlledClock, BrokerError> {
        match &self.0.clock {
            NodeClock::Controlled(clock) => Ok(clock),
            NodeClock::Free(_) => Err(BrokerError::unavailable(
                "the clock is the machine's; start the broker with virtual time to move it",
            )),
        }
    }

    /// Waits until nothing is queued, in flight or due on any partition, nor under way between them.
    pub async fn quiesce(&self) {
        let mut before = Vec::new();
        loop {
            // Idle twice with nothing done between: at the moment of the last reading of the first
            // pass all were idle at once, and only they could have given each other work.
            let mut now = Vec::new();
            for member in self.0.members.all() {
                let (reply, idle) = oneshot::channel();
                member.inbox.control(Control::Quiesce(reply));
                now.push(idle.await.ok());
            }
            if now == before {
                return;
            }
            before = now;
        }
    }
}
