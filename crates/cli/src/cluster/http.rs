//! One request to a node.

use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;

/// How long a node may take: it is on this machine, and the next question comes soon.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// Largest answer that is read, bytes: the topology of the largest plan is a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// The status and body of a GET; nothing when there is no answer.
pub(crate) fn get(address: SocketAddrV4, path: &str) -> Option<(u16, String)> {
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
    request_as(None, address, (method, path), body, patience)
}

/// The same, with a token that says that one may ask.
pub(crate) fn request_as(
    token: Option<&str>,
    address: SocketAddr,
    (method, path): (&str, &str),
    body: Option<&str>,
    patience: Duration,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream.set_write_timeout(Some(patience)).ok()?;
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n");
    if let Some(token) = token {
        request.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
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

/// Where a management port named on the command line may be.
pub(crate) fn management(text: &str) -> Result<Vec<SocketAddr>, Failure> {
    let address = text.trim_start_matches("http://").trim_end_matches('/');
    let found = address.to_socket_addrs().map_err(|error| {
        Failure::Usage(format!("{text:?} is no address like 127.0.0.1:9600: {error}"))
    })?;
    Ok(found.collect())
}

/// What users are told to do about a refusal with this status.
pub(crate) type Advice = fn(u16) -> &'static str;

/// Asks nodes in turn until one answers on its management port.
///
/// # Errors
/// When none answers, or when one refuses: with the exit code that belongs to the reason.
pub(crate) fn ask(
    addresses: &[SocketAddr],
    (method, path): (&str, &str),
    body: Option<&Value>,
    patience: Duration,
    advice: Advice,
) -> Result<Value, Failure> {
    let body = body.map(Value::to_string);
    let mut answers = addresses
        .iter()
        .filter_map(|address| request(*address, method, path, body.as_deref(), patience));
    match answers.next() {
        Some((status, text)) => read_answer(status, &text, advice),
        None => {
            let asked: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let asked = asked.join(", ");
            Err(Failure::Unreachable(format!("no node answers on its management port: {asked}")))
        }
    }
}

/// What a node answered, or the refusal with the exit code that belongs to it.
pub(crate) fn read_answer(status: u16, text: &str, advice: Advice) -> Result<Value, Failure> {
    let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        return Ok(json);
    }
    let detail = json["detail"].as_str().unwrap_or(text).to_owned();
    let code = match status {
        400 | 401 | 501 => 3,
        404 => 4,
        409 => 5,
        503 => 7,
        _ => 1,
    };
    Err(Failure::guided(code, detail, advice(status)))
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
    fn refusals_have_the_documented_codes() {
        let advice: Advice = |_| "See the log.";
        for (status, code) in [(400, 3), (404, 4), (409, 5), (503, 7), (501, 3), (500, 1)] {
            let failure = read_answer(status, r#"{"detail":"because"}"#, advice).unwrap_err();
            assert_eq!(failure.exit_code(), code);
        }
        assert_eq!(read_answer(202, "{}", advice).unwrap(), serde_json::json!({}));
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(get(SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port), "/"), None);
    }
}
