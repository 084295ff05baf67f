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
use tokio::sync::{Mutex, mpsc};

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

/// The jobs of all instances, on their way to whichever stream is open.
struct Jobs {
    send: mpsc::Sender<Bytes>,
    receive: Mutex<mpsc::Receiver<Bytes>>,
    next_key: AtomicI64,
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
                let (send, receive) = mpsc::channel(JOBS_WAITING_MAX);
                let (receive, next_key) = (Mutex::new(receive), AtomicI64::new(1));
                let jobs = Arc::new(Jobs { send, receive, next_key });
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&jobs)));
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

async fn serve(stream: TcpStream, jobs: Arc<Jobs>) {
    // A probe without it would measure delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let Ok(mut connection) = server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let jobs = Arc::clone(&jobs);
        tokio::spawn(async move {
            // A client that has gone away needs no answer.
            let _ = answer(request, respond, &jobs).await;
        });
    }
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    jobs: &Jobs,
) -> Result<(), h2::Error> {
    let (head, mut content) = request.into_parts();
    // Dropping a request that is still arriving would reset it.
    while let Some(data) = content.data().await {
        content.flow_control().release_capacity(data?.len())?;
    }
    let mut body = begin(&mut respond)?;
    let frame = match head.uri.path().rsplit('/').next() {
        Some("StreamActivatedJobs") => return push(body, jobs).await,
        Some("CreateProcessInstance") => create(jobs),
        _ => Bytes::from_static(&[0; 5]),
    };
    body.send_data(frame, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    body.send_trailers(trailers)
}

fn create(jobs: &Jobs) -> Bytes {
    let key = jobs.next_key.fetch_add(2, Ordering::Relaxed);
    let job = ActivatedJob { key: key + 1, process_instance_key: key, ..Default::default() };
    // Without a stream nobody takes jobs.
    let _ = jobs.send.try_send(wire::framed(&job));
    let created = CreateProcessInstanceResponse { process_instance_key: key, ..Default::default() };
    wire::framed(&created)
}

async fn push(mut body: SendStream<Bytes>, jobs: &Jobs) -> Result<(), h2::Error> {
    let mut waiting = jobs.receive.lock().await;
    while let Some(frame) = waiting.recv().await {
        body.send_data(frame, false)?;
    }
    Ok(())
}

fn begin(respond: &mut SendResponse<Bytes>) -> Result<SendStream<Bytes>, h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    respond.send_response(head, false)
}
