//! The http provider: calls a URL and gives status, headers and body.

mod client;
mod tls;
mod url;

use std::time::Duration;

use serde_json::{Map, Value, json};

use self::client::{Answer as Response, Failure as Fault, Patience, Request};
use self::url::{Url, form_escaped};
use super::process::seconds;
use super::{Answer, Failure, Surroundings};
use crate::document::{Document, Language, LoadError, read};
use crate::limits::{REDIRECTS_MAX, TIMEOUT_SECONDS_MAX};
use crate::python;

const WARNING: &str = "This HTTP call returned a response with a HTTP status code above 400. This may \
                       indicate some error and not what you expected. Please have a look at the logs.";

/// Calls the URL. `judged` when the activity has a tolerance: then any status may be what is wanted.
pub(crate) async fn run(
    provider: &Value,
    judged: bool,
    surroundings: Surroundings<'_>,
) -> Result<Answer, Failure> {
    let names = surroundings.names;
    let part = |name: &str| names.substitute(provider.get(name).unwrap_or(&Value::Null));
    let url = python::text(&part("url"));
    let request = request(provider, &url, &part("headers"), surroundings)?;
    let patience = patience(&part("timeout"))?;
    let verify = provider.get("verify_tls").map_or(surroundings.options.verify_tls, python::truth);
    let retries = provider.get("max_retries").and_then(Value::as_u64).unwrap_or(0);
    let response =
        follow(request, patience, verify, retries).await.map_err(|fault| match fault {
            Fault::Slow => Failure::Failed("activity took too long to complete".to_owned()),
            Fault::Connection(reason) => {
                Failure::Failed(format!("failed to connect to {url}: {reason}"))
            }
        })?;
    let warning = (response.status > 399 && !judged).then_some(WARNING);
    Ok(Answer { output: output(response)?, warning })
}

fn request(
    provider: &Value,
    url: &str,
    headers: &Value,
    surroundings: Surroundings<'_>,
) -> Result<Request, Failure> {
    let mut url = Url::parse(url).map_err(Failure::Crash)?;
    let method = provider.get("method").and_then(Value::as_str).unwrap_or("GET").to_uppercase();
    let mut arguments = provider.get("arguments").cloned().unwrap_or(Value::Null);
    if python::truth(&arguments) && !surroundings.names.is_empty() {
        arguments = surroundings.names.substitute(&arguments);
    }
    let mut own: Vec<(String, String)> = headers
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), python::text(value)))
        .collect();
    let json_wanted =
        headers.get("Content-Type").and_then(Value::as_str) == Some("application/json");
    let mut body = Vec::new();
    let mut kind = None;
    if method == "GET" {
        url.add_query(&form(&arguments));
    } else if json_wanted {
        if !arguments.is_null() {
            body = arguments.to_string().into_bytes();
        }
    } else if python::truth(&arguments) {
        body = form(&arguments).into_bytes();
        kind = (!arguments.is_string()).then_some("application/x-www-form-urlencoded");
    }
    let mut add = |name: &str, value: &str| {
        if !own.iter().any(|(header, _)| header.eq_ignore_ascii_case(name)) {
            own.push((name.to_owned(), value.to_owned()));
        }
    };
    add("Host", &url.authority());
    add("User-Agent", concat!("skep/", env!("CARGO_PKG_VERSION")));
    add("Accept", "*/*");
    add("Connection", "close");
    if let Some(kind) = kind {
        add("Content-Type", kind);
    }
    if !body.is_empty() || method != "GET" {
        add("Content-Length", &body.len().to_string());
    }
    if let Some(user) = url.user.take() {
        add("Authorization", &format!("Basic {}", base64(user.as_bytes())));
    }
    Ok(Request { method, url, headers: own, body })
}

/// `a=1&b=2`; lists repeat their name, texts stay as they are.
fn form(arguments: &Value) -> String {
    let mut pairs = Vec::new();
    match arguments {
        Value::String(text) => return text.clone(),
        Value::Object(map) => {
            for (name, value) in map {
                let values = match value {
                    Value::Array(items) => items.as_slice(),
                    other => std::slice::from_ref(other),
                };
                for value in values.iter().filter(|value| !value.is_null()) {
                    let value = form_escaped(&python::text(value));
                    pairs.push(format!("{}={value}", form_escaped(name)));
                }
            }
        }
        _ => {}
    }
    pairs.join("&")
}

/// One number for connecting and for reading, or one of each.
fn patience(timeout: &Value) -> Result<Patience, Failure> {
    let part = |value: &Value| match value {
        Value::Null => Ok(None),
        value => seconds(value)
            .map(|seconds| Some(Duration::from_secs_f64(seconds.clamp(0.0, TIMEOUT_SECONDS_MAX))))
            .ok_or_else(|| {
                Failure::Crash(format!("the timeout {} is no number", python::text(value)))
            }),
    };
    match timeout {
        Value::Array(parts) => match parts.as_slice() {
            [connect, read] => Ok(Patience { connect: part(connect)?, read: part(read)? }),
            _ => Err(Failure::Crash("a list as timeout is [connect, read]".to_owned())),
        },
        one => Ok(Patience { connect: part(one)?, read: part(one)? }),
    }
}

/// Goes where the answers lead.
async fn follow(
    mut request: Request,
    patience: Patience,
    verify: bool,
    retries: u64,
) -> Result<Response, Fault> {
    for _ in 0..=REDIRECTS_MAX {
        let response = persist(&request, patience, verify, retries).await?;
        let place = response.header("Location").map(str::to_owned);
        let (301..=303 | 307..=308, Some(place)) = (response.status, place) else {
            return Ok(response);
        };
        let from = request.url.authority();
        request.url = request.url.join(&place).map_err(Fault::Connection)?;
        let moved = request.url.authority() != from;
        let becomes_get = match response.status {
            303 => request.method != "HEAD",
            301 | 302 => request.method == "POST",
            _ => false,
        };
        if becomes_get {
            "GET".clone_into(&mut request.method);
            request.body.clear();
        }
        let host = request.url.authority();
        request.headers.retain(|(name, _)| {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            // What is for one server is not for another.
            !(is("Host")
                || (moved && is("Authorization"))
                || (becomes_get && (is("Content-Length") || is("Content-Type"))))
        });
        request.headers.push(("Host".to_owned(), host));
    }
    Err(Fault::Connection(format!("Exceeded {REDIRECTS_MAX} redirects.")))
}

/// Tries again when nobody is there.
async fn persist(
    request: &Request,
    patience: Patience,
    verify: bool,
    retries: u64,
) -> Result<Response, Fault> {
    let mut left = retries;
    loop {
        match client::exchange(request, patience, verify).await {
            Err(Fault::Connection(_)) if left > 0 => left -= 1,
            other => return other,
        }
    }
}

fn output(response: Response) -> Result<Value, Failure> {
    let body = if response.header("Content-Type") == Some("application/json") {
        serde_json::from_slice(&response.body)
            .map_err(|error| Failure::Crash(format!("the answer is no JSON: {error}")))?
    } else {
        Value::String(String::from_utf8_lossy(&response.body).into_owned())
    };
    let headers: Map<String, Value> =
        response.headers.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    Ok(json!({"status": response.status, "headers": headers, "body": body}))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            if place <= chunk.len() {
                let letter = (bits >> (18 - 6 * place)) & 0x3f;
                text.push(char::from(LETTERS[letter as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// Reads an experiment from the network.
///
/// # Errors
/// When it cannot be fetched, or is none.
pub async fn fetch(url: &str, verify_tls: bool) -> Result<Document, LoadError> {
    let failed = |reason: String| LoadError(format!("Failed to fetch the experiment: {reason}"));
    let mut headers = json!({"Accept": "application/json, application/x-yaml"});
    if let Some(token) = std::env::var_os("CHAOSTOOLKIT_LOADER_AUTH_BEARER_TOKEN") {
        headers["Authorization"] = json!(format!("bearer {}", token.to_string_lossy().trim()));
    }
    let names = crate::template::Names::default();
    let options = crate::options::RunOptions::default();
    let programs = crate::program::NoPrograms;
    let surroundings = Surroundings { names: &names, options: &options, programs: &programs };
    let request =
        request(&json!({}), url, &headers, surroundings).map_err(|failure| match failure {
            Failure::Crash(reason) | Failure::Failed(reason) => failed(reason),
        })?;
    let patience = Patience { connect: Some(FETCH_PATIENCE), read: Some(FETCH_PATIENCE) };
    let response = follow(request, patience, verify_tls, 0).await.map_err(|fault| match fault {
        Fault::Slow => failed("the server takes too long".to_owned()),
        Fault::Connection(reason) => failed(reason),
    })?;
    let text = String::from_utf8_lossy(&response.body);
    if response.status != 200 {
        return Err(failed(text.into_owned()));
    }
    let kind = response.header("Content-Type").unwrap_or("");
    if kind.contains("application/json") {
        read(url, &text, Language::Json)
    } else if kind.contains("application/x-yaml") || kind.contains("text/yaml") {
        read(url, &text, Language::Yaml)
    } else if kind.contains("text/plain") {
        read(url, &text, Language::Json).or_else(|_| read(url, &text, Language::Yaml))
    } else {
        Err(LoadError("only files with json, yaml or yml extensions are supported".to_owned()))
    }
}

/// How long a server may take to give an experiment: a person waits for it.
const FETCH_PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
