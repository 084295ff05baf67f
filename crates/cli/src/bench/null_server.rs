//! A gateway that does nothing but answer: created instances get a number and one job, which is
//! pushed at once. It shows what the generator itself costs, and lets the generator be tested.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use h2::SendStream;
use h2::server::{self, SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use skep_client::proto::{ActivatedJob, CreateProcessInstanceResponse};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::grpc::GrpcConnection;
use super::wire;
use crate::failure::Failure;

/// Calls that the probe keeps in flight.
const CALLS_IN_FLIGHT: usize = 64;

/// Jobs that may wait for the stream.
const JOBS_WAITING_MAX: usize = 100_000;

/// The server, on a thread of its own. It ends with the process.
pub(crate) struct NullServer {
    address: SocketAddr,
}

/// The job stream of one connection.
#[derive(Clone)]
struct Jobs {
    send: mpsc::Sender<Bytes>,
    next_key: Arc<AtomicI64>,
}

impl NullServer {
    /// Starts it on a free port.
    pub(crate) fn start() -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let next_key = Arc::new(AtomicI64::new(1));
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&next_key)));
                }
            });
        });
        Ok(Self { address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Unary calls a second that it and the generator's client manage together.
    pub(crate) async fn calls_per_s(&self, time: Duration) -> Result<f64, Failure> {
        let connection = GrpcConnection::open(&self.address(), None).await?;
        let rpc = connection.rpc("CompleteJob")?;
        let begin = Instant::now();
        let mut count = 0_u64;
        let call = || connection.unary(&rpc, wire::framed_key(1, &[0; 100]));
        let mut calls: FuturesUnordered<_> = (0..CALLS_IN_FLIGHT).map(|_| call()).collect();
        while let Some(outcome) = calls.next().await {
            outcome.map_err(|refusal| {
                Failure::Local(format!("the gRPC probe failed: {}", refusal.message))
            })?;
            count += 1;
            if begin.elapsed() < time {
                calls.push(call());
            }
        }
        Ok(count as f64 / begin.elapsed().as_secs_f64())
    }
}

async fn serve(stream: TcpStream, next_key: Arc<AtomicI64>) {
    // A probe without it would measure delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let Ok(mut connection) = server::handshake(stream).await else { return };
    let (send, receive) = mpsc::channel(JOBS_WAITING_MAX);
    let jobs = Jobs { send, next_key };
    let mut receive = Some(receive);
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        if request.uri().path().ends_with("/StreamActivatedJobs") {
            if let Some(receive) = receive.take() {
                tokio::spawn(push(respond, receive));
            }
        } else {
            // A client that has gone away needs no answer.
            let _ = answer(&request, &mut respond, &jobs);
        }
    }
}

fn answer(
    request: &Request<h2::RecvStream>,
    respond: &mut SendResponse<Bytes>,
    jobs: &Jobs,
) -> Result<(), h2::Error> {
    let mut body = begin(respond)?;
    let frame = if request.uri().path().ends_with("/CreateProcessInstance") {
        let key = jobs.next_key.fetch_add(2, Ordering::Relaxed);
        let job = ActivatedJob { key: key + 1, process_instance_key: key, ..Default::default() };
        // Without a stream nobody takes jobs.
        let _ = jobs.send.try_send(wire::framed(&job));
        wire::framed(&CreateProcessInstanceResponse {
            process_instance_key: key,
            ..Default::default()
        })
    } else {
        Bytes::from_static(&[0; 5])
    };
    body.send_data(frame, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    body.send_trailers(trailers)
}

async fn push(mut respond: SendResponse<Bytes>, mut jobs: mpsc::Receiver<Bytes>) {
    let Ok(mut body) = begin(&mut respond) else { return };
    while let Some(frame) = jobs.recv().await {
        if body.send_data(frame, false).is_err() {
            return;
        }
    }
}

fn begin(respond: &mut SendResponse<Bytes>) -> Result<SendStream<Bytes>, h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    respond.send_response(head, false)
}
