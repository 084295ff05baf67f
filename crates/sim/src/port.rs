//! How callers outside of a node reach what runs in it: as a client reaches a server, through a
//! network, and not at all when the node is down.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use skep_broker::metadata::{ManageRequest, Managed, Refusal, RefusalKind};
use skep_broker::{Broker, Response, Topology};
use skep_env::task::LocalFuture;
use skep_gateway::{
    Backend, BoxFuture, ClockControl, Delivery, ErrorKind, Gateway, GatewayError, JobStream,
    OpenStream, SubmitError,
};
use skep_protocol::{Command, JobBatchRecord, PartitionId};
use tokio::sync::{mpsc, oneshot};

use crate::life::Life;
use crate::net::SimNetwork;
use crate::trace::{Kind, Trace};

/// Makes a future that runs in the node.
pub(crate) type Call = Box<dyn FnOnce() -> LocalFuture + Send>;

/// Calls that a node has not begun, at most: one per client.
pub(crate) const CALLS_MAX: usize = 4_096;

/// Where a node is called.
pub(crate) struct Port {
    pub(crate) node: u32,
    network: SimNetwork,
    trace: Arc<Trace>,
    open: Mutex<Option<Open>>,
    /// What a client that asked before believes.
    known: Mutex<Topology>,
}

/// What can be called while the node is up.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) life: Arc<Life>,
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) broker: Broker,
    pub(crate) gateway: Gateway,
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The call never reached the node: certainly nothing was done.
    NeverArrived,
    /// The node died, or the answer was lost: it may have been done.
    NoAnswer,
}

impl Lost {
    fn refused(self) -> SubmitError {
        let text = match self {
            Self::NeverArrived => "connection refused",
            Self::NoAnswer => "connection lost",
        };
        SubmitError {
            error: GatewayError::new(ErrorKind::Unavailable, text),
            not_accepted: self == Self::NeverArrived,
        }
    }
}

/// What is known of a cluster whose node was never up.
fn unknown() -> Topology {
    Topology::unknown(None)
}

/// The host that clients are on.
pub const CLIENTS: u32 = 1_000;

/// How long a caller waits for an operator's request.
const MANAGE_TIMEOUT: Duration = Duration::from_secs(20);

/// How much longer than its own limit a call may take before its caller gives it up.
const PATIENCE: Duration = Duration::from_millis(500);

impl Port {
    pub(crate) fn new(node: u32, network: SimNetwork, trace: Arc<Trace>) -> Self {
        Self { node, network, trace, open: Mutex::new(None), known: Mutex::new(unknown()) }
    }

    /// The cluster as the node sees it, or saw it last.
    fn topology(&self) -> Topology {
        let mut known = self.known.lock();
        if let Some(open) = self.get() {
            *known = open.broker.topology();
        }
        known.clone()
    }

    pub(crate) fn set(&self, open: Option<Open>) {
        let before = std::mem::replace(&mut *self.open.lock(), open);
        drop(before);
    }

    pub(crate) fn get(&self) -> Option<Open> {
        self.open.lock().clone()
    }

    /// Runs a call in the node; its result travels back.
    pub(crate) async fn call<T, F>(
        &self,
        timeout: Duration,
        call: impl FnOnce(Open) -> F + Send + 'static,
    ) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        self.note(1);
        let Some(there) = self.network.latency(CLIENTS, self.node) else {
            tokio::time::sleep(timeout).await;
            return Err(Lost::NeverArrived);
        };
        tokio::time::sleep(there).await;
        let open = self.get().ok_or(Lost::NeverArrived)?;
        let result = self.call_inside(open, timeout + PATIENCE, call).await?;
        let Some(back) = self.network.latency(self.node, CLIENTS) else {
            tokio::time::sleep(timeout).await;
            return Err(Lost::NoAnswer);
        };
        tokio::time::sleep(back).await;
        self.note(2);
        Ok(result)
    }

    /// Runs a call in the node, without a network between.
    pub(crate) async fn call_inside<T, F>(
        &self,
        open: Open,
        timeout: Duration,
        call: impl FnOnce(Open) -> F + Send + 'static,
    ) -> Result<T, Lost>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let inside = open.clone();
        let body: Call = Box::new(move || {
            let life = inside.life.clone();
            Box::pin(async move {
                let mut reply = reply;
                let result = tokio::select! {
                    biased;
                    result = call(inside) => result,
                    // The caller is gone, and with it its connection.
                    () = reply.closed() => return,
                };
                if life.is_alive() {
                    let _ = reply.send(result);
                }
            })
        });
        open.calls.try_send(body).map_err(|_| Lost::NeverArrived)?;
        drop(open);
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) | Err(_) => Err(Lost::NoAnswer),
        }
    }

    fn note(&self, what: u64) {
        self.trace.add(Kind::Call, [u64::from(self.node), what, 0, 0]);
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("node", &self.node).finish_non_exhaustive()
    }
}

/// A node as its clients see it: a [`Backend`] that is there although the node may be down.
#[derive(Clone, Debug)]
pub(crate) struct RemoteBackend {
    pub(crate) port: Arc<Port>,
    /// What [`Backend::partitions`] says while the node is down.
    pub(crate) partitions: u32,
}

#[async_trait]
impl Backend for RemoteBackend {
    fn partitions(&self) -> u32 {
        self.port.get().map_or(self.partitions, |open| open.broker.partitions())
    }

    fn topology(&self) -> Topology {
        self.port.topology()
    }

    async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, SubmitError> {
        let called = self.port.call(timeout, move |open| async move {
            Backend::submit(&open.broker, partition, command, timeout).await
        });
        called.await.unwrap_or_else(|lost| Err(lost.refused()))
    }

    async fn activate_jobs(
        &self,
        partition: PartitionId,
        request: JobBatchRecord,
        timeout: Duration,
    ) -> Result<Box<dyn Delivery>, SubmitError> {
        let called = self.port.call(timeout, move |open| async move {
            Backend::activate_jobs(&open.broker, partition, request, timeout).await
        });
        called.await.unwrap_or_else(|lost| Err(lost.refused()))
    }

    fn jobs_available(&self, job_type: &str) -> BoxFuture<'static, ()> {
        match self.port.get() {
            Some(open) => Backend::jobs_available(&open.broker, job_type),
            None => Box::pin(async {}),
        }
    }

    fn open_job_stream(&self, request: JobBatchRecord) -> Result<Box<dyn JobStream>, SubmitError> {
        let open = self.port.get().ok_or_else(|| Lost::NeverArrived.refused())?;
        let stream = Backend::open_job_stream(&open.broker, request)?;
        Ok(Box::new(RemoteStream { stream, life: open.life }))
    }

    fn job_streams(&self) -> Vec<OpenStream> {
        self.port.get().map(|open| Backend::job_streams(&open.broker)).unwrap_or_default()
    }

    fn now_ms(&self) -> i64 {
        self.port.get().map_or(0, |open| Backend::now_ms(&open.broker))
    }

    async fn manage(&self, request: ManageRequest) -> Managed {
        let called = self.port.call(MANAGE_TIMEOUT, move |open| async move {
            Backend::manage(&open.broker, request).await
        });
        called.await.unwrap_or_else(|lost| {
            let reason = lost.refused().error.message;
            Err(Refusal { kind: RefusalKind::Unavailable, reason })
        })
    }

    fn clock(&self) -> Option<Arc<dyn ClockControl>> {
        None
    }
}

/// A stream that ends with the node.
struct RemoteStream {
    stream: Box<dyn JobStream>,
    life: Arc<Life>,
}

impl JobStream for RemoteStream {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Box<dyn Delivery>>> {
        if !self.life.is_alive() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.stream).poll_next(context)
    }
}
