//! What both protocols share: hand a command to the right partition and understand the answer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skep_broker::{BrokerStatus, Response};
use skep_env::Clock;
use skep_protocol::{Command, Key, PartitionId, Payload, key};
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, SubmitError};
use crate::error::{ErrorKind, GatewayError};
use crate::limits::{REQUEST_TIMEOUT_DEFAULT, REQUEST_TIMEOUT_MAX};
use crate::metrics::{Method, Metrics, Protocol};

/// The command side of the gateway; cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    next_partition: AtomicU32,
    stop: CancellationToken,
    address: Address,
}

/// Where clients are told that this node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or address.
    pub host: String,
    /// Port of the gRPC service.
    pub port: u16,
}

impl Address {
    /// Where clients are told that a broker is; a broker that tells nothing is this node, or takes no
    /// clients.
    pub(crate) fn of_broker(broker: &BrokerStatus, mine: &Self) -> Self {
        let told = broker.client_address.rsplit_once(':');
        let parsed = told.and_then(|(host, port)| {
            Some(Self { host: host.to_owned(), port: port.parse().ok()? })
        });
        parsed.unwrap_or_else(|| mine.clone())
    }
}

/// The event that fulfilled a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// Key of the event.
    pub key: Key,
    /// Value type, intent and value of the event.
    pub payload: Payload,
}

impl Gateway {
    /// A gateway in front of `backend`. `clock` measures how long requests take.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, clock: Arc<dyn Clock>, address: Address) -> Self {
        let inner = Inner {
            backend,
            clock,
            metrics: Metrics::new(),
            next_partition: AtomicU32::new(0),
            stop: CancellationToken::new(),
            address,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Ends waiting polls and open streams: the server is about to stop.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Resolves when [`Gateway::stop`] was called.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.inner.stop.clone().cancelled_owned()
    }

    /// Where clients are told that this node is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// Runs a request and notes how long it took and how it ended.
    pub(crate) async fn measured<T>(
        &self,
        protocol: Protocol,
        method: Method,
        request: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let start_us = self.inner.clock.monotonic_us();
        let result = request.await;
        let took_us = self.inner.clock.monotonic_us().saturating_sub(start_us);
        self.inner.metrics.request(protocol, method, took_us, result.as_ref().err());
        result
    }

    /// The broker behind it.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.inner.backend
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The partition that the next request without a home goes to.
    pub(crate) fn next_partition(&self) -> PartitionId {
        let partitions = self.inner.backend.partitions().max(1);
        self.inner.next_partition.fetch_add(1, Ordering::Relaxed) % partitions + 1
    }

    /// Executes a command on one partition.
    pub(crate) async fn execute(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Accepted, GatewayError> {
        let response = self.inner.backend.submit(partition, command, timeout).await;
        accepted(response.map_err(|refused| refused.error)?)
    }

    /// Executes a command on the partition that made `key`.
    pub(crate) async fn execute_by_key(
        &self,
        key: i64,
        operation_reference: u64,
        payload: Payload,
    ) -> Result<Accepted, GatewayError> {
        let (partition, key) = self.locate(key)?;
        let command = Command { operation_reference, ..Command::new(key, payload) };
        self.execute(partition, command, REQUEST_TIMEOUT_DEFAULT).await
    }

    /// The partition that made `key`.
    ///
    /// # Errors
    /// NOT_FOUND for a key that no partition of this cluster can have made.
    pub(crate) fn locate(&self, key: i64) -> Result<(PartitionId, Key), GatewayError> {
        let partitions = known(self.inner.backend.partitions())?;
        let unsigned = Key::try_from(key).unwrap_or(0);
        let partition = key::partition_of(unsigned);
        if partition == 0 || partition > partitions {
            return Err(GatewayError::new(
                ErrorKind::NotFound,
                format!(
                    "Expected a key made by this cluster, but no entity with key '{key}' can exist: \
                     its partition would be {partition}, and the partitions are 1 to {partitions}"
                ),
            ));
        }
        Ok((partition, unsigned))
    }

    /// Executes a command that any partition can take, beginning with the next in turn. Another
    /// partition is asked only when the one before certainly did not take the command.
    pub(crate) async fn execute_anywhere(
        &self,
        command: Command,
        timeout: Duration,
    ) -> Result<Accepted, GatewayError> {
        let partitions = self.inner.backend.partitions().max(1);
        let first = self.next_partition();
        let mut causes: Vec<(PartitionId, GatewayError)> = Vec::new();
        // With one partition nothing is copied.
        for offset in 0..if partitions > 1 { partitions } else { 0 } {
            let partition = (first - 1 + offset) % partitions + 1;
            match self.inner.backend.offer(partition, command.clone(), timeout).await {
                Ok(response) => return accepted(response),
                Err(SubmitError { error, not_accepted: true }) => causes.push((partition, error)),
                Err(refused) => return Err(refused.error),
            }
        }
        if causes.iter().any(|(_, cause)| cause.kind == ErrorKind::ResourceExhausted) {
            return Err(refused_everywhere(causes));
        }
        // Nobody leads anything right now: the first partition that is led again takes it.
        match self.inner.backend.submit(first, command, timeout).await {
            Ok(response) => accepted(response),
            Err(SubmitError { error, not_accepted: true }) if causes.is_empty() => Err(error),
            Err(SubmitError { not_accepted: true, .. }) => Err(refused_everywhere(causes)),
            Err(refused) => Err(refused.error),
        }
    }

    /// The number of partitions that what has a home is spread over.
    ///
    /// # Errors
    /// UNAVAILABLE while it is not known.
    pub(crate) fn homes(&self) -> Result<u32, GatewayError> {
        known(self.inner.backend.message_partitions())
    }

    /// Length of a wait that the client asked for.
    pub(crate) fn timeout(requested_ms: i64) -> Duration {
        match u64::try_from(requested_ms) {
            Ok(0) | Err(_) => REQUEST_TIMEOUT_DEFAULT,
            Ok(milliseconds) => Duration::from_millis(milliseconds).min(REQUEST_TIMEOUT_MAX),
        }
    }
}

/// A number of partitions; a gateway that has not reached any broker does not know it.
fn known(partitions: u32) -> Result<u32, GatewayError> {
    if partitions == 0 {
        return Err(GatewayError::new(
            ErrorKind::Unavailable,
            "Expected to know the partitions of the cluster, but no broker has been reached yet; nothing was done, \
             retry after a pause",
        ));
    }
    Ok(partitions)
}

fn accepted(response: Response) -> Result<Accepted, GatewayError> {
    match response {
        Response::Accepted { key, payload, .. } => Ok(Accepted { key, payload: *payload }),
        Response::Rejected { intent, rejection } => Err(GatewayError::rejected(intent, &rejection)),
        Response::Jobs { .. } => Err(GatewayError::unexpected_answer("a command")),
    }
}

fn refused_everywhere(mut causes: Vec<(PartitionId, GatewayError)>) -> GatewayError {
    if causes.len() == 1
        && let Some((_, only)) = causes.pop()
    {
        return only;
    }
    let exhausted = causes.iter().any(|(_, cause)| cause.kind == ErrorKind::ResourceExhausted);
    let kind = if exhausted { ErrorKind::ResourceExhausted } else { ErrorKind::Unavailable };
    let mut error = GatewayError::new(
        kind,
        "Expected one of the partitions to take the request, but all of them refused; \
         nothing was done, retry after a pause",
    );
    error.causes = causes
        .into_iter()
        .map(|(partition, cause)| {
            GatewayError::new(cause.kind, format!("partition {partition}: {}", cause.message))
        })
        .collect();
    error
}
