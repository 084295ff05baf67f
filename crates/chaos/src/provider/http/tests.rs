//! Calls of a small server of our own.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use super::*;
use crate::options::RunOptions;
use crate::program::NoPrograms;
use crate::template::Names;

/// Answers each connection with the next answer; gives what was asked.
fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let body = move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a call");
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let length = stream.read(&mut buffer).expect("bytes");
                text.extend_from_slice(&buffer[..length]);
                let shown = String::from_utf8_lossy(&text).into_owned();
                if let Some((head, rest)) = shown.split_once("\r\n\r\n") {
                    let wanted = head
                        .lines()
                        .find_map(|line| line.strip_prefix("Content-Length: "))
                        .map_or(0, |length| length.parse().expect("a number"));
                    if rest.len() >= wanted {
                        asked.push(shown);
                        break;
                    }
                }
            }
            stream.write_all(answer.as_bytes()).expect("sent");
        }
        asked
    };
    let thread = skep_env::task::spawn_thread("server", body).expect("a thread");
    (format!("http://{address}"), thread)
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn called(provider: Value) -> Result<Answer, Failure> {
    let names = Names {
        configuration: json!({"word": "a b"}).as_object().cloned().expect("a map"),
        ..Names::default()
    };
    let options = RunOptions::default();
    run(&provider, false, Surroundings { names: &names, options: &options, programs: &NoPrograms })
        .await
}

#[tokio::test]
async fn a_call_gives_status_headers_and_body() {
    let (url, server) = serve(vec![answer(
        "200 OK\r\nContent-Type: application/json\r\nX-A: 1\r\nx-a: 2",
        "{\"a\": [1]}",
    )]);
    let provider = json!({"url": format!("{url}/x"), "arguments": {"q": "${word}", "l": [1, 2], "n": null},
        "headers": {"X-Mine": "${word}"}});
    let answer = called(provider).await.expect("an answer");
    assert_eq!(
        answer.output,
        json!({"status": 200, "body": {"a": [1]},
            "headers": {"Content-Type": "application/json", "X-A": "1, 2", "Content-Length": "10"}})
    );
    assert_eq!(answer.warning, None);
    let asked = server.join().expect("no panic").remove(0);
    assert!(asked.starts_with("GET /x?q=a+b&l=1&l=2 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("X-Mine: a b\r\n"), "{asked}");
}

#[tokio::test]
async fn bodies_are_forms_or_json() {
    let (url, server) =
        serve(vec![answer("500 Oh", "x"), answer("204 No", ""), answer("200 OK", "")]);
    let provider = |headers: Value, arguments: Value| json!({"url": url, "method": "post", "headers": headers, "arguments": arguments});
    let failed = called(provider(json!({}), json!({"a": 1}))).await.expect("an answer");
    assert_eq!((failed.warning, &failed.output["body"]), (Some(WARNING), &json!("x")));
    let json_header = json!({"Content-Type": "application/json"});
    called(provider(json_header, json!({"a": 1}))).await.expect("an answer");
    called(provider(json!({}), json!("raw"))).await.expect("an answer");
    let asked = server.join().expect("no panic");
    assert!(asked[0].contains("Content-Type: application/x-www-form-urlencoded\r\n"));
    assert!(asked[0].ends_with("\r\n\r\na=1"), "{}", asked[0]);
    assert!(asked[1].ends_with("\r\n\r\n{\"a\":1}"), "{}", asked[1]);
    assert!(asked[2].ends_with("\r\n\r\nraw"), "{}", asked[2]);
}

#[tokio::test]
async fn chunks_and_redirections_are_followed() {
    let moved = "302 Found\r\nLocation: /there";
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let (url, server) = serve(vec![answer(moved, ""), chunked.to_owned()]);
    let answer = called(json!({"url": format!("{url}/here"), "method": "POST", "arguments": "x"}))
        .await
        .expect("an answer");
    assert_eq!(answer.output["body"], json!("abcde"));
    let asked = server.join().expect("no panic");
    assert!(asked[1].starts_with("GET /there HTTP/1.1\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn nobody_there_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let slow = called(json!({"url": url, "timeout": [5, 0.01]})).await.expect_err("no answer");
    assert_eq!(slow, Failure::Failed("activity took too long to complete".to_owned()));
    drop(listener);
    let none = called(json!({"url": url, "max_retries": 2})).await.expect_err("nobody");
    assert!(
        matches!(&none, Failure::Failed(text) if text.starts_with(&format!("failed to connect to {url}: ")))
    );
    let wrong = called(json!({"url": "nowhere"})).await.expect_err("no URL");
    assert!(matches!(wrong, Failure::Crash(_)));
}

#[tokio::test]
async fn experiments_are_fetched() {
    let text = "title: t\n";
    let (url, server) = serve(vec![
        answer("200 OK\r\nContent-Type: text/yaml", text),
        answer("200 OK\r\nContent-Type: text/plain", "{\"title\": \"t\"}"),
        answer("404 Not Found", "gone"),
        answer("200 OK\r\nContent-Type: image/png", text),
    ]);
    for _ in 0..2 {
        let document = fetch(&url, true).await.expect("an experiment");
        assert_eq!(document.value, json!({"title": "t"}));
    }
    let error = fetch(&url, true).await.expect_err("gone");
    assert_eq!(error.to_string(), "Failed to fetch the experiment: gone");
    assert!(fetch(&url, true).await.is_err());
    assert_eq!(server.join().expect("no panic").len(), 4);
}

#[test]
fn bytes_in_letters() {
    for (bytes, letters) in
        [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("a:b c", "YTpiIGM=")]
    {
        assert_eq!(base64(bytes.as_bytes()), letters);
    }
}

/// A server whose certificate nobody has signed but itself; answers whoever believes it.
async fn serve_tls() -> (String, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

    // Made for this test, with a life of a hundred years.
    let certificate = include_bytes!("../../../tests/tls/certificate.pem");
    let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
    let key = include_bytes!("../../../tests/tls/key.pem");
    let key = PrivatePkcs8KeyDer::from_pem_slice(key).expect("a key");
    let config = ServerConfig::builder_with_provider(std::sync::Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a call");
            // Who does not believe it ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.expect("a request"));
            }
            stream.write_all(answer("200 OK", "safe").as_bytes()).await.expect("sent");
            stream.shutdown().await.expect("ended");
        }
    });
    (format!("https://localhost:{port}/"), server)
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_unless_told_otherwise() {
    let (url, server) = serve_tls().await;
    let Err(Failure::Failed(reason)) = called(json!({ "url": url })).await else {
        panic!("believed");
    };
    assert!(reason.contains("invalid peer certificate"), "{reason}");
    let believed = called(json!({"url": url, "verify_tls": false})).await.expect("an answer");
    assert_eq!(believed.output["body"], "safe");
    let refused = fetch(&url, true).await.expect_err("not believed either");
    assert!(refused.0.contains("invalid peer certificate"), "{}", refused.0);
    server.abort();
}
