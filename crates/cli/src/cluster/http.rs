//! One request to a node.

use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

/// How long a node may take: it is on this machine, and the next question comes soon.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// Largest answer that is read, bytes: the topology of the largest plan is a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// The status and body of a GET; nothing when there is no answer.
pub(super) fn get(address: SocketAddrV4, path: &str) -> Option<(u16, String)> {
    request(address.into(), "GET", path, None, PATIENCE)
}

/// The status and body; nothing when there is no answer.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&str>,
    patience: Duration,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream.set_write_timeout(Some(patience)).ok()?;
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n");
    if let Some(body) = body {
        let length = body.len();
        request.push_str(&format!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    } else {
        request.push_str("\r\n");
    }
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).ok()?;
    parse(&answer)
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(
            parse("HTTP/1.0 503 Service Unavailable\r\na: b\r\n\r\n{}"),
            Some((503, "{}".to_owned()))
        );
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(get(SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port), "/"), None);
    }
}
