//! What this node does with the frames of the others.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use skep_env::task;
use skep_protocol::{Command, PartitionId};

use crate::cluster::frame::{Answered, Frame, RemoteJobs, encode_answer_jobs, encode_stream_jobs};
use crate::cluster::link::{Link, Reply};
use crate::cluster::metrics::WITHOUT_LEADER;
use crate::cluster::node::Cluster;
use crate::error::BrokerError;
use crate::jobs::{ActivatedJobs, Announce, JobStreamSpec, Settle};
use crate::metadata::ClusterConfig;
use crate::partition::Answer;

impl Cluster {
    /// A frame has come. Called in the order of arrival; nothing here waits.
    pub(super) fn heard(self: &Arc<Self>, link: &Arc<Link>, frame: Frame) {
        if link.arrived.is_repeated(&frame) {
            tracing::debug!(node = %link.name(), kind = frame.kind().name(), "a frame came twice");
            return;
        }
        match frame {
            Frame::Status(status) => {
                if let Some(id) = link.name().broker() {
                    self.view.heard(id, status);
                }
            }
            Frame::RaftRequest { request, partition, bytes } => {
                self.replicate(link, request, partition, bytes);
            }
            Frame::RaftReply { request, result } | Frame::Managed { request, result } => {
                link.finish(request, Reply::Bytes(result));
            }
            Frame::Submit { request, partition, timeout_ms, command } => {
                self.serve_request(link, request, partition, timeout_ms, *command);
            }
            Frame::Answer { request, answer } => {
                // Jobs guard themselves from here on, also when their caller has gone.
                link.finish(request, Reply::Answer(Box::new(adopt_answer(link, *answer))));
            }
            Frame::Command { partition, command } => self.take_command(partition, *command),
            Frame::StreamOpen { stream, spec } => self.open_stream(link, stream, spec),
            Frame::StreamClose { stream } => self.close_stream(link, stream),
            Frame::StreamJobs { stream, jobs } => {
                // Closed here, and the other side has not heard of it.
                if !self.parts.hub.deliver(stream, adopt(link, jobs)) {
                    let _ = link.send(&Frame::StreamClose { stream });
                }
            }
            Frame::Settled { delivery, taken } => link.deliveries.settle(delivery, taken),
            Frame::Interest { job_type } => {
                let who = Arc::new(Told(Arc::downgrade(link)));
                self.parts.hub.announcements.wait_elsewhere(job_type, link.name(), who);
            }
            Frame::Announce { job_type } => {
                link.told_of(&job_type);
                self.parts.hub.announcements.announce_here(&job_type);
            }
            Frame::Config { version, document } => self.learn(version, &document),
            Frame::Manage { request, document } => self.serve_management(link, request, document),
            Frame::Hello(_) | Frame::Refused(_) => link.give_up("a second handshake on a link"),
            Frame::Heartbeat => {}
        }
    }

    fn replicate(&self, link: &Arc<Link>, request: u64, partition: PartitionId, bytes: Bytes) {
        let reply = |result| Frame::RaftReply { request, result };
        let (Some(from), Some(replica)) = (link.name().broker(), self.replica(partition)) else {
            let reason = format!("there is no replica of partition {partition}");
            let _ = link.send(&reply(Err(reason)));
            return;
        };
        // Handed over here, in the order of arrival; only the reply is waited for elsewhere.
        let received = replica.receive(u64::from(from), bytes);
        let link = link.clone();
        task::spawn(async move {
            let _ = link.send(&Frame::RaftReply { request, result: received.await });
        });
    }

    fn serve_request(
        &self,
        link: &Arc<Link>,
        request: u64,
        partition: PartitionId,
        timeout_ms: u64,
        command: Command,
    ) {
        let accepted = self.parts.members.accept(partition, &mut Some(command));
        let receiver = match accepted {
            Ok(receiver) => receiver,
            Err(error) => {
                let _ = link.send(&Frame::Answer { request, answer: Box::new(Err(error)) });
                return;
            }
        };
        let link = link.clone();
        task::spawn(async move {
            let timeout = Duration::from_millis(timeout_ms);
            let answer = match tokio::time::timeout(timeout, receiver).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(BrokerError::interrupted("the partition has ended")),
                Err(_) => Err(BrokerError::Timeout { timeout_ms }),
            };
            answer_request(&link, request, partition, answer);
        });
    }

    /// A command that nobody waits for; when this node does not lead its sender repeats it.
    fn take_command(&self, partition: PartitionId, command: Command) {
        match self.parts.members.get(partition) {
            Some(member) if member.status.is_leader() => member.inbox.command(command),
            _ => metrics::counter!(WITHOUT_LEADER).increment(1),
        }
    }

    fn open_stream(&self, link: &Arc<Link>, stream: u64, spec: JobStreamSpec) {
        if link.streams.lock().iter().any(|(there, _)| *there == stream) {
            return;
        }
        let there: Weak<Link> = Arc::downgrade(link);
        let push = move |jobs| {
            // Without a link the jobs are dropped here, and go back.
            if let Some(link) = there.upgrade() {
                push(&link, stream, jobs);
            }
        };
        match self.parts.hub.open_elsewhere(spec, push) {
            Ok(here) => {
                let mut streams = link.streams.lock();
                streams.push((stream, here));
                drop(streams);
                // The link may have broken meanwhile, and with it everything that was open on it.
                if link.is_broken() {
                    self.close_stream(link, stream);
                }
            }
            Err(error) => tracing::warn!(%error, node = %link.name(), "a job stream is not served"),
        }
    }

    fn close_stream(&self, link: &Link, stream: u64) {
        let mut streams = link.streams.lock();
        let found = streams.iter().position(|(there, _)| *there == stream);
        let closed = found.map(|at| streams.swap_remove(at).1);
        drop(streams);
        if let Some(here) = closed {
            self.parts.hub.remove_elsewhere(here);
        }
    }

    /// Ends the streams that clients of a node had here.
    pub(super) fn close_streams(&self, link: &Link) {
        let streams = std::mem::take(&mut *link.streams.lock());
        for (_, here) in streams {
            self.parts.hub.remove_elsewhere(here);
        }
    }

    fn learn(&self, version: u64, document: &[u8]) {
        if self.config().is_some_and(|known| known.version >= version) {
            return;
        }
        match ClusterConfig::decode(document) {
            Ok(config) if config.cluster_id == self.parts.cluster_id => {
                self.parts.known.learn(Arc::new(config));
            }
            Ok(config) => {
                tracing::warn!(cluster = config.cluster_id, "the configuration of another cluster");
            }
            Err(refusal) => {
                tracing::warn!(reason = refusal.reason, "a configuration that cannot be read");
            }
        }
    }

    fn serve_management(&self, link: &Arc<Link>, request: u64, document: Bytes) {
        let Some(handler) = self.manage.get() else {
            let result = Err("this node answers no management requests".to_owned());
            let _ = link.send(&Frame::Managed { request, result });
            return;
        };
        let answer = handler(document);
        let link = link.clone();
        task::spawn(async move {
            let _ = link.send(&Frame::Managed { request, result: answer.await });
        });
    }
}

fn answer_request(
    link: &Arc<Link>,
    request: u64,
    partition: PartitionId,
    answer: Result<Answer, BrokerError>,
) {
    let answer = match answer {
        Ok(Answer::Jobs(jobs)) => {
            send_jobs(link, jobs, |delivery, jobs| {
                encode_answer_jobs(request, delivery, jobs.truncated(), jobs.jobs())
            });
            return;
        }
        Ok(Answer::Response(response)) => Ok(Answered::Response(response)),
        Ok(Answer::Returned(_)) => Err(BrokerError::unavailable(format!(
            "this node does not lead partition {partition} any more"
        ))),
        Err(error) => Err(error),
    };
    let _ = link.send(&Frame::Answer { request, answer: Box::new(answer) });
}

/// Jobs for a stream of the other side.
fn push(link: &Arc<Link>, stream: u64, jobs: ActivatedJobs) {
    send_jobs(link, jobs, |delivery, jobs| {
        encode_stream_jobs(stream, delivery, jobs.truncated(), jobs.jobs())
    });
}

/// Sends jobs and keeps them until the other side says what became of them. When the link breaks
/// first they go back.
fn send_jobs(
    link: &Arc<Link>,
    mut jobs: ActivatedJobs,
    encode: impl FnOnce(u64, &ActivatedJobs) -> Bytes,
) {
    let delivery = link.deliveries.number();
    let frame = encode(delivery, &jobs);
    jobs.strip();
    // Kept first: the other side may be faster than this line.
    if let Err(refused) = link.deliveries.keep(delivery, jobs) {
        drop(refused);
    } else if link.send_jobs(frame).is_err() {
        link.deliveries.settle(delivery, false);
    }
}

/// Jobs of another node become jobs that guard themselves.
fn adopt(link: &Arc<Link>, jobs: RemoteJobs) -> ActivatedJobs {
    let settle = Settling { link: link.clone(), delivery: jobs.delivery };
    ActivatedJobs::sent(jobs.jobs, jobs.truncated, Arc::new(settle))
}

fn adopt_answer(
    link: &Arc<Link>,
    answer: Result<Answered, BrokerError>,
) -> Result<Answer, BrokerError> {
    Ok(match answer? {
        Answered::Response(response) => Answer::Response(response),
        Answered::Jobs(jobs) => Answer::Jobs(adopt(link, jobs)),
    })
}

/// Tells the sender of jobs what became of them.
struct Settling {
    link: Arc<Link>,
    delivery: u64,
}

impl Settle for Settling {
    fn settle(&self, taken: bool) {
        if self.delivery != 0 {
            let _ = self.link.send(&Frame::Settled { delivery: self.delivery, taken });
        }
    }

    fn is_void(&self) -> bool {
        self.link.is_broken()
    }
}

/// A node that wants to hear of jobs.
struct Told(Weak<Link>);

impl Announce for Told {
    fn announce(&self, job_type: &str) {
        if let Some(link) = self.0.upgrade() {
            let _ = link.send(&Frame::Announce { job_type: job_type.to_owned() });
        }
    }
}
