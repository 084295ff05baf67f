//! Runs one case of the comparison with the Chaos Toolkit, by either runner, and says in a comparable way what
//! came of it. Shared by the test of `skep chaos run --compat` and by `cargo xtask chaos-compat`, so it needs
//! nothing but serde_json.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};

/// An experiment, and how it is run: the key `case` of a JSON file, which both runners ignore.
pub(crate) struct Case {
    pub(crate) name: String,
    path: PathBuf,
    options: Value,
}

/// The cases in a folder, by name.
pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>, String> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        cases.push(Case { name, path, options: document["case"].clone() });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

impl Case {
    /// Runs it in an empty folder; `command` is all up to the arguments of `run`.
    pub(crate) fn run(&self, mut command: Command, folder: &Path) -> Result<Value, String> {
        let failed = |error| format!("{}: {error}", self.name);
        let file = self.path.file_name().unwrap_or_default();
        std::fs::copy(&self.path, folder.join(file)).map_err(failed)?;
        for (name, text) in self.options["files"].as_object().into_iter().flatten() {
            std::fs::write(folder.join(name), text.as_str().unwrap_or("")).map_err(failed)?;
        }
        let port = serve().map_err(failed)?;
        command
            .current_dir(folder)
            .args(["--journal-path", "journal.json", "--var", &format!("port:int={port}")])
            .args(
                self.options["arguments"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            )
            .arg(self.options["source"].as_str().map_or(file, std::ffi::OsStr::new))
            .envs(
                self.options["environment"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name, value.as_str().unwrap_or(""))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        if let Some(signal) = self.options["signal"].as_str() {
            send(signal, &mut child, &folder.join("ready"))
                .map_err(|error| format!("{}: {error}", self.name))?;
        }
        let output = child.wait_with_output().map_err(failed)?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut log: Vec<String> = text.lines().filter_map(line).collect();
        let unordered = self.options["unordered"].as_bool() == Some(true);
        if unordered {
            log.sort();
            log.dedup();
        }
        let journal = std::fs::read_to_string(folder.join("journal.json")).ok();
        let journal = journal.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let text = json!({
            "exit": output.status.code(),
            "log": log,
            "journal": journal.map(|journal| summary(&journal, unordered)),
        })
        .to_string()
        .replace(&format!("127.0.0.1:{port}"), "HOST");
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", self.name))
    }
}

/// Sends a signal as soon as the experiment is where it should be hit.
fn send(signal: &str, child: &mut Child, ready: &Path) -> Result<(), String> {
    while !ready.exists() {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended ({status}) before there was anything to interrupt"));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let status = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(child.id().to_string())
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("kill -{signal} failed")) }
}

/// `[2022-08-02 09:35:25 INFO] message` as `INFO message`; other lines, such as stack traces, are left out.
fn line(line: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    let (head, message) = plain.strip_prefix('[')?.split_once("] ")?;
    let level = head.get(20..)?;
    // Reasons are those of the machine and its libraries.
    let message = match message.split_once("failed to connect to ") {
        Some((before, url)) => {
            let url = url.split_once(": ").map_or(url, |(url, _)| url);
            format!("{before}failed to connect to {url}")
        }
        None => message.to_owned(),
    };
    // How many checks fit into the time is the machine's, too.
    let message = match message.split_once("% hypothesis deviated") {
        Some((before, _)) => {
            let text = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{text}N% hypothesis deviated")
        }
        None => message,
    };
    let known = "Failed parsing YAML experiment";
    let message = if message.starts_with(known) { known.to_owned() } else { message };
    Some(format!("{level} {message}"))
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().into_iter().flat_map(Map::keys).collect()
}

fn summary(journal: &Value, unordered: bool) -> Value {
    let states = &journal["steady_states"];
    let mut during: Vec<Value> =
        states["during"].as_array().into_iter().flatten().map(state).collect();
    if unordered {
        during.sort_by_key(Value::to_string);
        during.dedup();
    }
    let entries =
        |list: &Value| -> Vec<Value> { list.as_array().into_iter().flatten().map(entry).collect() };
    json!({
        "keys": keys(journal),
        "status": journal["status"],
        "deviated": journal["deviated"],
        "experiment": keys(&journal["experiment"]),
        "title": journal["experiment"]["title"],
        "dry": journal["experiment"]["dry"],
        "states": keys(states),
        "before": state(&states["before"]),
        "during": during,
        "after": state(&states["after"]),
        "run": entries(&journal["run"]),
        "rollbacks": entries(&journal["rollbacks"]),
    })
}

fn state(state: &Value) -> Value {
    if state.is_null() {
        return Value::Null;
    }
    let probes: Vec<Value> = state["probes"].as_array().into_iter().flatten().map(entry).collect();
    json!({"met": state["steady_state_met"], "keys": keys(state), "probes": probes})
}

fn entry(entry: &Value) -> Value {
    json!({
        "keys": keys(entry),
        "name": entry["activity"]["name"],
        "status": entry["status"],
        "output": entry["output"],
        "tolerance_met": entry["tolerance_met"],
    })
}

/// A server for the cases that call one; it ends with the process.
fn serve() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::Builder::new().name("case-server".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // Each connection by itself: one of them is kept waiting.
            let _ = std::thread::Builder::new().spawn(move || answer(stream));
        }
    })?;
    Ok(port)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let length = stream.read(&mut buffer)?;
        text.push_str(&String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()));
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let wanted = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= wanted || length == 0 {
                break (head.to_owned(), body.to_owned());
            }
        }
    };
    let first = head.lines().next().unwrap_or("").to_owned();
    let path = first.split(' ').nth(1).unwrap_or("").to_owned();
    let body = body.replace(", ", ",").replace(": ", ":");
    let (status, kind, body) = match path.as_str() {
        "/json" => ("200 OK", "application/json", "{\"up\": true}".to_owned()),
        "/text" => ("200 OK", "text/plain; charset=utf-8", "hello".to_owned()),
        "/broken" => ("200 OK", "application/json", "{".to_owned()),
        "/moved" => ("302 Found\r\nLocation: /text", "text/plain; charset=utf-8", String::new()),
        "/slow" => {
            // Until the caller gives up.
            while stream.read(&mut buffer)? > 0 {}
            return Ok(());
        }
        path if path.starts_with("/echo") => {
            ("200 OK", "text/plain; charset=utf-8", format!("{first}\n{body}"))
        }
        _ => ("404 Not Found", "text/plain; charset=utf-8", "nothing".to_owned()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nX-Mixed-Case: yes\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
