//! The sockets: gRPC, REST and management, with what keeps them fast and bounded.
//!
//! Every accepted connection has TCP_NODELAY: without it small answers wait for acknowledgements,
//! which costs a factor of three (`design/dependencies.md` 4.2; tests check it).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use http::HeaderValue;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;

use crate::gateway::Gateway;
use crate::grpc::GrpcService;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, DRAIN_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT,
    REQUEST_BYTES_MAX, STREAM_WINDOW_BYTES, STREAMS_PER_CONNECTION_MAX,
};
use crate::management::{self, Management};
use crate::proto::gateway_server::GatewayServer;
use crate::rest;

/// Where to listen. Port 0 takes a free one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddresses {
    /// Address of all three.
    pub bind: IpAddr,
    /// Port of the REST API.
    pub rest_port: u16,
    /// Port of the gRPC service.
    pub grpc_port: u16,
    /// Port for operators.
    pub management_port: u16,
}

/// A port that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{purpose} cannot listen on {address}: {source}; {advice}")]
pub struct BindError {
    purpose: &'static str,
    address: SocketAddr,
    advice: String,
    source: io::Error,
}

/// Open ports that nobody answers yet.
pub struct Listeners {
    grpc: TcpListener,
    rest: TcpListener,
    management: TcpListener,
}

/// The addresses that are listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundAddresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// REST.
    pub rest: SocketAddr,
    /// Management.
    pub management: SocketAddr,
}

impl Listeners {
    /// Opens the three ports.
    ///
    /// # Errors
    /// When one of them is taken or not allowed; the error names the option that changes it.
    pub async fn bind(addresses: &ListenAddresses) -> Result<Self, BindError> {
        let bind = addresses.bind;
        let open = |purpose, port, flag| open(purpose, SocketAddr::new(bind, port), flag);
        Ok(Self {
            grpc: open("gRPC", addresses.grpc_port, "--grpc-port").await?,
            rest: open("REST", addresses.rest_port, "--rest-port").await?,
            management: open("management", addresses.management_port, "--management-port").await?,
        })
    }

    /// The addresses, with the ports that the system chose.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn addresses(&self) -> io::Result<BoundAddresses> {
        Ok(BoundAddresses {
            grpc: self.grpc.local_addr()?,
            rest: self.rest.local_addr()?,
            management: self.management.local_addr()?,
        })
    }

    /// Answers on all three.
    #[must_use]
    pub fn serve(self, gateway: &Gateway, management: Management) -> RunningServers {
        let stop = CancellationToken::new();
        let grpc = tokio::spawn(serve_grpc(self.grpc, gateway.clone(), stop.clone()));
        let rest = tokio::spawn(serve_http(self.rest, rest::router(gateway.clone()), stop.clone()));
        // The management port stays open until the others are drained: probes watch a shutdown.
        let stop_management = CancellationToken::new();
        let router = management::router(management.clone());
        let operators = tokio::spawn(serve_http(self.management, router, stop_management.clone()));
        management.set_started();
        RunningServers { gateway: gateway.clone(), stop, stop_management, grpc, rest, operators }
    }
}

async fn open(
    purpose: &'static str,
    address: SocketAddr,
    flag: &'static str,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| {
        let advice = match source.kind() {
            io::ErrorKind::AddrInUse => {
                format!("another process has this port: stop it, or choose another one with {flag}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("ports below 1024 need privileges: choose another one with {flag}")
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address: choose another one with --bind".to_owned()
            }
            _ => format!("choose another address with --bind or another port with {flag}"),
        };
        BindError { purpose, address, advice, source }
    })
}

/// Servers that answer.
pub struct RunningServers {
    gateway: Gateway,
    stop: CancellationToken,
    stop_management: CancellationToken,
    grpc: JoinHandle<()>,
    rest: JoinHandle<()>,
    operators: JoinHandle<()>,
}

impl RunningServers {
    /// Takes no more requests, ends polls and streams, and lets the requests under way finish,
    /// for at most [`DRAIN_TIMEOUT`].
    pub async fn shutdown(mut self) {
        self.gateway.stop();
        self.stop.cancel();
        let drained = async {
            let _ = tokio::join!(&mut self.grpc, &mut self.rest);
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("some requests did not finish within {DRAIN_TIMEOUT:?} and are cut off");
            self.grpc.abort();
            self.rest.abort();
        }
        self.stop_management.cancel();
        // Scrapers keep connections open; they need no farewell.
        if tokio::time::timeout(Duration::from_millis(200), &mut self.operators).await.is_err() {
            self.operators.abort();
        }
    }
}

fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY cannot be set: {error}");
    }
}

fn http_listener(
    listener: TcpListener,
) -> impl axum::serve::Listener<Io = TcpStream, Addr = SocketAddr> {
    listener.tap_io(|stream| without_delay(stream))
}

async fn serve_http(listener: TcpListener, router: Router, stop: CancellationToken) {
    let listener = http_listener(listener);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!("the HTTP server stopped: {error}");
    }
}

async fn serve_grpc(listener: TcpListener, gateway: Gateway, stop: CancellationToken) {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<GatewayServer<GrpcService>>().await;
    let stopping = stop.clone();
    let served = grpc_server()
        .add_service(health_service)
        .add_service(
            // Some clients compress what they send, without asking; answers go out as they are.
            GatewayServer::new(GrpcService::new(gateway))
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(REQUEST_BYTES_MAX),
        )
        .serve_with_incoming_shutdown(incoming(listener), async move {
            stopping.cancelled().await;
            health.set_not_serving::<GatewayServer<GrpcService>>().await;
        })
        .await;
    if let Err(error) = served {
        tracing::error!("the gRPC server stopped: {error}");
    }
}

fn incoming(listener: TcpListener) -> impl tokio_stream::Stream<Item = io::Result<TcpStream>> {
    TcpListenerStream::new(listener).map(|accepted| accepted.inspect(without_delay))
}

type ClearErrors = tower::util::MapResponseLayer<fn(GrpcResponse) -> GrpcResponse>;
type GrpcResponse = http::Response<tonic::body::Body>;

fn grpc_server() -> Server<tower::layer::util::Stack<ClearErrors, tower::layer::util::Identity>> {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .layer(tower::util::MapResponseLayer::new(clear_size_error as fn(_) -> _))
}

/// A message that is too large is answered as the other gateways of this contract answer it, with
/// advice; the transport below says OUT_OF_RANGE.
fn clear_size_error(mut response: GrpcResponse) -> GrpcResponse {
    let out_of_range = HeaderValue::from_static("11");
    if response.headers().get("grpc-status") == Some(&out_of_range) {
        let headers = response.headers_mut();
        headers.insert("grpc-status", HeaderValue::from_static("8"));
        headers.insert(
            "grpc-message",
            HeaderValue::from_static(
                "Expected a message of at most 4194304 bytes; store large documents elsewhere and pass a reference",
            ),
        );
    }
    response
}

#[cfg(test)]
mod tests;
