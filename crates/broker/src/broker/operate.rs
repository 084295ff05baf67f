//! What operators may do to the replicas of this node. It ends with the process.

use skep_protocol::PartitionId;

use crate::broker::Broker;
use crate::topology::PartitionStatus;

/// A replica of this node, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Role, health and position.
    pub status: PartitionStatus,
    /// Commands are refused.
    pub processing_paused: bool,
    /// Exporters stand still.
    pub exporting_paused: bool,
    /// Requests that were accepted and are not committed yet.
    pub requests: usize,
    /// How many there may be.
    pub requests_limit: usize,
}

/// What the replicas of this node shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaControl {
    /// Refuse commands and let due dates wait, or not.
    PauseProcessing(bool),
    /// Let exporters stand still, or not.
    PauseExporting(bool),
    /// Write a checkpoint of what is new.
    TakeSnapshot,
    /// Accept so many requests at a time; None: as many as are answered in time.
    LimitRequests(Option<u32>),
}

impl Broker {
    /// The replicas of this node.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaReport> {
        let report = |member: &std::sync::Arc<crate::broker::members::Member>| {
            let (requests, requests_limit) = member.limiter.usage();
            ReplicaReport {
                status: member.status.read(),
                processing_paused: member.status.is_paused(),
                exporting_paused: member.status.is_exporting_paused(),
                requests,
                requests_limit,
            }
        };
        self.0.members.all().iter().map(report).collect()
    }

    /// Tells all replicas of this node, and those only, what to do; says which they are.
    pub fn control_replicas(&self, control: ReplicaControl) -> Vec<PartitionId> {
        let mut told = Vec::new();
        self.0.members.each(|member| {
            match control {
                ReplicaControl::PauseProcessing(pause) => member.status.set_paused(pause),
                ReplicaControl::PauseExporting(pause) => member.status.set_exporting_paused(pause),
                ReplicaControl::TakeSnapshot => member.status.want_checkpoint(),
                ReplicaControl::LimitRequests(limit) => {
                    member.limiter.set_limit(limit.map(|limit| limit as usize));
                }
            }
            member.inbox.wake.notify_one();
            told.push(member.id);
        });
        told
    }
}
