//! A lean gRPC client: prepared bytes in, bytes out, over one HTTP/2 connection.
//!
//! It speaks to h2 directly because the generator shares the machine with the server it measures:
//! the layers that make a general client pleasant would cost as much as the engine itself.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{RecvStream, client};
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use tokio::net::TcpStream;

use super::refusal::Refusal;
use super::wire;
use crate::failure::Failure;
use crate::limits::{BENCH_CONNECTION_WINDOW_BYTES, BENCH_STREAM_WINDOW_BYTES};

/// One connection to a gateway. Must be used inside a `LocalSet`.
#[derive(Clone)]
pub(crate) struct GrpcConnection {
    send: SendRequest<Bytes>,
    headers: Rc<HeaderMap>,
    authority: Rc<str>,
    /// Why the connection ended, when it did.
    broken: Rc<RefCell<Option<String>>>,
}

/// A prepared RPC path.
#[derive(Clone)]
pub(crate) struct Rpc(Uri);

impl GrpcConnection {
    /// Opens a connection to `host:port`.
    pub(crate) async fn open(address: &str, token: Option<&str>) -> Result<Self, Failure> {
        let authority = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let fault = |error: &dyn std::fmt::Display| {
            Failure::Unreachable(format!("cannot connect to {authority}: {error}"))
        };
        let stream = TcpStream::connect(authority).await.map_err(|error| fault(&error))?;
        stream.set_nodelay(true).map_err(|error| fault(&error))?;
        let (send, connection) = client::Builder::new()
            .initial_window_size(BENCH_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(BENCH_CONNECTION_WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|error| fault(&error))?;
        let broken = Rc::new(RefCell::new(None));
        let reason = Rc::clone(&broken);
        tokio::task::spawn_local(async move {
            let ended = match connection.await {
                Ok(()) => "the server closed the connection".to_owned(),
                Err(error) => format!("the connection broke: {error}"),
            };
            *reason.borrow_mut() = Some(ended);
        });
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(token) = token {
            let value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                Failure::Usage("the token has characters no header can hold".into())
            })?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { send, headers: Rc::new(headers), authority: authority.into(), broken })
    }

    /// Prepares an RPC of the gateway service.
    pub(crate) fn rpc(&self, name: &str) -> Result<Rpc, Failure> {
        let uri = format!("http://{}/gateway_protocol.Gateway/{name}", self.authority);
        uri.parse().map(Rpc).map_err(|_| {
            Failure::Usage(format!("{:?} is no address: write host:port", self.authority))
        })
    }

    /// Why the connection is of no use any more, if it is.
    pub(crate) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Calls a unary RPC with an already framed message and answers the response message.
    pub(crate) async fn unary(&self, rpc: &Rpc, frame: Bytes) -> Result<Bytes, Refusal> {
        let mut stream = self.call(rpc, frame).await?;
        let message = stream.next().await?;
        // The end of the call, not its first message, says that it succeeded.
        match message {
            Some(message) => {
                stream.finish().await?;
                Ok(message)
            }
            None => Ok(Bytes::new()),
        }
    }

    /// Calls an RPC whose answer is a stream. Waits for the response head, which servers may hold
    /// back until the first message.
    pub(crate) async fn call(&self, rpc: &Rpc, frame: Bytes) -> Result<GrpcStream, Refusal> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = rpc.0.clone();
        *request.headers_mut() = (*self.headers).clone();
        let mut send = self.send.clone().ready().await?;
        let (response, mut body) = send.send_request(request, false)?;
        body.send_data(frame, true)?;
        let (head, body) = response.await?.into_parts();
        if head.status != http::StatusCode::OK {
            return Err(Refusal::http(head.status));
        }
        Refusal::check(&head.headers)?;
        Ok(GrpcStream { body, received: BytesMut::new() })
    }
}

/// The messages of an answer.
pub(crate) struct GrpcStream {
    body: RecvStream,
    received: BytesMut,
}

impl GrpcStream {
    /// The next message; `None` when the call has ended well.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            if let Some(message) = wire::take_message(&mut self.received) {
                return Ok(Some(message));
            }
            match self.body.data().await {
                Some(data) => {
                    let data = data?;
                    // The window is opened again at once: the generator never falls behind.
                    let _ = self.body.flow_control().release_capacity(data.len());
                    self.received.extend_from_slice(&data);
                }
                None => {
                    self.finish().await?;
                    return Ok(None);
                }
            }
        }
    }

    async fn finish(&mut self) -> Result<(), Refusal> {
        match self.body.trailers().await? {
            Some(trailers) => Refusal::check(&trailers),
            None => Ok(()),
        }
    }
}
