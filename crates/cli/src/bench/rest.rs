//! A lean REST client: a pool of HTTP/1.1 connections, each with one request at a time.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::refusal::Refusal;
use crate::failure::Failure;

/// Connections to one server. Must be used inside a `LocalSet`.
pub(crate) struct RestPool {
    authority: String,
    headers: HeaderMap,
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
    /// Bounds the open connections.
    slots: Semaphore,
    broken: RefCell<Option<String>>,
    failures_in_a_row: Cell<u32>,
}

/// Failed connections in a row after which the server counts as gone.
const FAILURES_IN_A_ROW_MAX: u32 = 100;

impl RestPool {
    /// A pool of up to `connections_max` connections to `host:port`.
    pub(crate) fn new(
        address: &str,
        token: Option<&str>,
        connections_max: usize,
    ) -> Result<Self, Failure> {
        let authority = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let value = |text: &str| {
            HeaderValue::try_from(text)
                .map_err(|_| Failure::Usage(format!("{text:?} cannot be sent in a header")))
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(authority)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, value(&format!("Bearer {token}"))?);
        }
        Ok(Self {
            authority: authority.to_owned(),
            headers,
            idle: RefCell::default(),
            slots: Semaphore::new(connections_max),
            broken: RefCell::default(),
            failures_in_a_row: Cell::new(0),
        })
    }

    /// Why the server is of no use any more, if it is.
    pub(crate) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Posts a body and answers the response body of a success.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, Refusal> {
        self.send(Method::POST, path, body).await
    }

    /// Gets a text.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, Refusal> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Refusal> {
        // The semaphore is never closed.
        let _slot = self.slots.acquire().await.map_err(|error| Refusal::connection(&error))?;
        let outcome = self.send_on_a_connection(method, path, body).await;
        match &outcome {
            Err(refusal) if refusal.code == "CONNECTION" => {
                self.failures_in_a_row.set(self.failures_in_a_row.get() + 1);
                if self.failures_in_a_row.get() > FAILURES_IN_A_ROW_MAX {
                    *self.broken.borrow_mut() = Some(refusal.message.clone());
                }
            }
            _ => self.failures_in_a_row.set(0),
        }
        outcome
    }

    async fn send_on_a_connection(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, Refusal> {
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.open().await?,
        };
        connection.ready().await.map_err(|error| Refusal::connection(&error))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|error| Refusal::connection(&error))?;
        *request.headers_mut() = self.headers.clone();
        let response =
            connection.send_request(request).await.map_err(|error| Refusal::connection(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| Refusal::connection(&error))?.to_bytes();
        self.idle.borrow_mut().push(connection);
        if status.is_success() {
            return Ok(body);
        }
        let mut refusal = Refusal::http(status);
        refusal.message = String::from_utf8_lossy(&body).into_owned();
        Err(refusal)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Refusal> {
        let fault = |error: &dyn std::fmt::Display| Refusal::connection(error);
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| fault(&error))?;
        stream.set_nodelay(true).map_err(|error| fault(&error))?;
        let (send, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| fault(&error))?;
        tokio::task::spawn_local(async move {
            // The next request on it finds the connection closed and opens another.
            let _ = connection.await;
        });
        Ok(send)
    }
}
