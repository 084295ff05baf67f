//! A real `skep serve` process on free ports of this machine, ended with its value.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it serves: minutes, for one that is not Skep and comes back with many instances.
const READY_MAX: Duration = Duration::from_secs(300);

/// Between two questions whether it is ready; this is the resolution of [`Server::start_time`].
const READY_POLL: Duration = Duration::from_millis(2);

/// The three ports of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) rest: u16,
    pub(crate) grpc: u16,
    pub(crate) management: u16,
}

impl Ports {
    /// Three ports that nobody listens on right now.
    pub(crate) fn free() -> Result<Self, String> {
        let failed = |error| format!("cannot find a free port: {error}");
        // Held together, so that they differ.
        let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let mut ports = Vec::new();
        for listener in &listeners {
            let listener =
                listener.as_ref().map_err(|error| format!("cannot find a free port: {error}"))?;
            ports.push(listener.local_addr().map_err(failed)?.port());
        }
        Ok(Self { rest: ports[0], grpc: ports[1], management: ports[2] })
    }
}

/// A running server; it is killed when dropped.
pub(crate) struct Server {
    child: Child,
    ports: Ports,
    log: PathBuf,
    start_time: Duration,
}

impl Server {
    /// Starts `binary serve` and waits until it is ready. What it prints goes to the end of the file `log`.
    pub(crate) fn start(
        binary: &Path,
        data: &Path,
        log: &Path,
        ports: Ports,
        arguments: &[&str],
    ) -> Result<Self, String> {
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(data)
            .args(["--bind", "127.0.0.1"])
            .args(["--rest-port", &ports.rest.to_string()])
            .args(["--grpc-port", &ports.grpc.to_string()])
            .args(["--management-port", &ports.management.to_string()])
            .args(arguments);
        Self::launch(command, log, ports, "/ready")
    }

    /// Starts a server with a command of its own, ready when `ready_path` of its management port says 200.
    pub(crate) fn launch(
        mut command: Command,
        log: &Path,
        ports: Ports,
        ready_path: &'static str,
    ) -> Result<Self, String> {
        let unwritable = |error| format!("cannot write {}: {error}", log.display());
        let output = File::options().create(true).append(true).open(log).map_err(unwritable)?;
        let errors = output.try_clone().map_err(unwritable)?;
        let program = Path::new(command.get_program()).to_path_buf();
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut server = Self { child, ports, log: log.to_path_buf(), start_time: Duration::ZERO };
        server.wait_until_ready(started, ready_path)?;
        server.start_time = started.elapsed();
        Ok(server)
    }

    /// From the start of the process until it said that it is ready.
    pub(crate) fn start_time(&self) -> Duration {
        self.start_time
    }

    /// The id of the process.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Where its gRPC API listens, as `host:port`.
    pub(crate) fn grpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.grpc)
    }

    /// Where its REST API listens, as `host:port`.
    pub(crate) fn rest_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.rest)
    }

    /// Ends it with SIGKILL: it gets no chance to say goodbye.
    pub(crate) fn kill(&mut self) {
        // It may be gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.map_err(|error| format!("cannot run kill: {error}"))?;
        self.child.wait().map(|_| ()).map_err(|error| format!("lost the server: {error}"))
    }

    fn wait_until_ready(&mut self, started: Instant, ready_path: &str) -> Result<(), String> {
        while started.elapsed() < READY_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status}: {}", self.log_tail()));
            }
            if is_ready(self.ports.management, ready_path) {
                return Ok(());
            }
            std::thread::sleep(READY_POLL);
        }
        Err(format!("the server is not ready after {READY_MAX:?}: {}", self.log_tail()))
    }

    /// The end of what the server printed.
    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("the end of {}:\n{tail}", self.log.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks the management port: 200 says yes.
fn is_ready(port: u16, path: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, READY_POLL * 50) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let mut status = [0; 12];
    match stream.read_exact(&mut status) {
        Ok(()) => status.ends_with(b" 200"),
        Err(_) => false,
    }
}
