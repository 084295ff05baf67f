//! One HTTP/1.1 exchange. Own code, because the journal has the names of headers as the server writes them,
//! and there is no need for more than one request a connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls;
use super::url::Url;
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, OUTPUT_BYTES_MAX};

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// How long the parts of an exchange may take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    pub(super) connect: Option<Duration>,
    pub(super) read: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is there, or goes away in the middle.
    Connection(String),
    /// It takes too long to answer.
    Slow,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error.to_string())
    }
}

async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Result<T, Failure> {
    match limit {
        None => Ok(future.await),
        Some(limit) => tokio::time::timeout(limit, future).await.map_err(|_| Failure::Slow),
    }
}

/// Sends a request and reads the answer.
pub(super) async fn exchange(
    request: &Request,
    patience: Patience,
    verify_tls: bool,
) -> Result<Answer, Failure> {
    let url = &request.url;
    let connect = TcpStream::connect((url.name(), url.port));
    // A connection that takes too long is none.
    let stream = within(patience.connect, connect).await.map_err(|failure| match failure {
        Failure::Slow => Failure::Connection("connect timed out".to_owned()),
        other => other,
    })??;
    if url.tls {
        let stream =
            within(patience.connect, tls::connect(stream, url.name(), verify_tls)).await??;
        talk(stream, request, patience.read).await
    } else {
        talk(stream, request, patience.read).await
    }
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &Request,
    patience: Option<Duration>,
) -> Result<Answer, Failure> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.url.target);
    for (name, value) in &request.headers {
        // A line end would begin another header.
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        head.push_str(&format!("{}: {}\r\n", clean(name), clean(value)));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&request.body).await?;
    stream.flush().await?;
    let mut buffer = Vec::new();
    let mut answer = loop {
        let (length, answer) = match parse_head(&buffer)? {
            Some(found) => found,
            None if buffer.len() > HEAD_BYTES_MAX => {
                return Err(Failure::Connection("the head of the answer has no end".to_owned()));
            }
            None if read_more(&mut stream, &mut buffer, patience).await? => continue,
            None => {
                return Err(Failure::Connection(
                    "Remote end closed connection without response".to_owned(),
                ));
            }
        };
        buffer.drain(..length);
        // What comes before the answer proper says nothing yet.
        if !(100..200).contains(&answer.status) {
            break answer;
        }
    };
    answer.body = body(&mut stream, &mut buffer, &answer, &request.method, patience).await?;
    Ok(answer)
}

async fn read_more(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    patience: Option<Duration>,
) -> Result<bool, Failure> {
    if buffer.len() as u64 > OUTPUT_BYTES_MAX + HEAD_BYTES_MAX as u64 {
        return Err(Failure::Connection(format!("the answer has over {OUTPUT_BYTES_MAX} bytes")));
    }
    match within(patience, stream.read_buf(buffer)).await? {
        Ok(length) => Ok(length > 0),
        // Servers that leave without saying so.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn parse_head(buffer: &[u8]) -> Result<Option<(usize, Answer)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(buffer).map_err(|error| Failure::Connection(error.to_string()))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let mut answer =
        Answer { status: response.code.unwrap_or(0), headers: Vec::new(), body: Vec::new() };
    for header in response.headers.iter() {
        let value: String = header.value.iter().copied().map(char::from).collect();
        let same = |(name, _): &&mut (String, String)| name.eq_ignore_ascii_case(header.name);
        match answer.headers.iter_mut().find(same) {
            // One header in several lines is a list.
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(&value);
            }
            None => answer.headers.push((header.name.to_owned(), value)),
        }
    }
    Ok(Some((length, answer)))
}

async fn body(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    answer: &Answer,
    method: &str,
    patience: Option<Duration>,
) -> Result<Vec<u8>, Failure> {
    if method == "HEAD" || matches!(answer.status, 204 | 304) {
        return Ok(Vec::new());
    }
    if answer.header("Transfer-Encoding").is_some_and(|value| value.contains("chunked")) {
        return chunks(stream, buffer, patience).await;
    }
    let length = answer.header("Content-Length").and_then(|value| value.trim().parse().ok());
    let wanted: usize = length.unwrap_or(usize::MAX);
    while buffer.len() < wanted && read_more(stream, buffer, patience).await? {}
    if length.is_some() && buffer.len() < wanted {
        return Err(Failure::Connection(
            "Connection broken: the answer is not complete".to_owned(),
        ));
    }
    buffer.truncate(wanted);
    Ok(std::mem::take(buffer))
}

async fn chunks(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    patience: Option<Duration>,
) -> Result<Vec<u8>, Failure> {
    let broken = || Failure::Connection("Connection broken: bad chunk".to_owned());
    let mut body = Vec::new();
    loop {
        match httparse::parse_chunk_size(buffer).map_err(|_| broken())? {
            httparse::Status::Complete((_, 0)) => return Ok(body),
            httparse::Status::Complete((start, size)) => {
                let size = usize::try_from(size).map_err(|_| broken())?;
                let end = start.checked_add(size).ok_or_else(broken)?;
                if (body.len() as u64).saturating_add(size as u64) > OUTPUT_BYTES_MAX {
                    return Err(Failure::Connection(format!(
                        "the answer has over {OUTPUT_BYTES_MAX} bytes"
                    )));
                }
                // The line end after the chunk, too.
                while buffer.len() < end.saturating_add(2) {
                    if !read_more(stream, buffer, patience).await? {
                        return Err(broken());
                    }
                }
                body.extend_from_slice(buffer.get(start..end).ok_or_else(broken)?);
                buffer.drain(..end + 2);
            }
            httparse::Status::Partial => {
                if !read_more(stream, buffer, patience).await? {
                    return Err(broken());
                }
            }
        }
    }
}
