//! What the machine itself can do, measured right before a run: figures of machines, or of the
//! same machine on two days, can only be compared beside these.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::null_server::NullServer;
use crate::failure::Failure;

/// How long each probe runs.
const PROBE_TIME: Duration = Duration::from_millis(700);

/// Bytes of one write of the disk probe.
const BLOCK_BYTES: usize = 4096;

/// Blocks of the file of the disk probe: 16 MB.
const BLOCKS: u64 = 4096;

/// Bytes copied at once by the memory probe: far more than any cache holds.
const COPY_BYTES: usize = 128 * 1024 * 1024;

/// Bytes of a message of the TCP probe.
const MESSAGE_BYTES: usize = 200;

/// What the machine can do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probes {
    /// fdatasync after a write of 4 KB into a file that has its blocks already.
    pub(crate) fdatasync_per_s: f64,
    pub(crate) fdatasync_p50_ms: f64,
    pub(crate) fdatasync_p99_ms: f64,
    /// Copying of memory, read and write counted once.
    pub(crate) memory_copy_gb_per_s: f64,
    /// Round trips of 200 B over loopback TCP, one at a time.
    pub(crate) tcp_round_trips_per_s: f64,
    /// Unary gRPC calls over loopback to a server that does nothing, 64 in flight, with the client
    /// that makes the load.
    pub(crate) grpc_calls_per_s: f64,
}

impl Probes {
    /// Runs all probes; the disk probe writes a file into `directory` and removes it again.
    pub(crate) async fn run(directory: &Path) -> Result<Self, Failure> {
        let mut flushes_us = fdatasyncs(directory)?;
        flushes_us.sort_unstable();
        let total_us: u64 = flushes_us.iter().sum();
        let quantile = |quantile: f64| {
            let index = ((flushes_us.len() - 1) as f64 * quantile) as usize;
            flushes_us[index] as f64 / 1_000.0
        };
        Ok(Self {
            fdatasync_per_s: flushes_us.len() as f64 * 1e6 / total_us.max(1) as f64,
            fdatasync_p50_ms: quantile(0.5),
            fdatasync_p99_ms: quantile(0.99),
            memory_copy_gb_per_s: memory_copies(),
            tcp_round_trips_per_s: tcp_round_trips().map_err(fault)?,
            grpc_calls_per_s: NullServer::start().map_err(fault)?.calls_per_s(PROBE_TIME).await?,
        })
    }
}

fn fault(error: std::io::Error) -> Failure {
    Failure::Local(format!("a probe of the machine failed: {error}"))
}

/// The time that each flush took, microseconds.
fn fdatasyncs(directory: &Path) -> Result<Vec<u64>, Failure> {
    let path = directory.join(format!("skep-bench-probe-{}", std::process::id()));
    let outcome = (|| {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
        file.write_all(&vec![0; BLOCK_BYTES * BLOCKS as usize])?;
        file.sync_all()?;
        flush_blocks(&mut file)
    })();
    // It may never have come into being.
    let _ = fs::remove_file(&path);
    outcome.map_err(|error: std::io::Error| Failure::file("write and flush", &path, error))
}

fn flush_blocks(file: &mut File) -> std::io::Result<Vec<u64>> {
    let block = [0x5A; BLOCK_BYTES];
    let mut flushes_us = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < PROBE_TIME || flushes_us.is_empty() {
        let index = flushes_us.len() as u64 % BLOCKS;
        let one = Instant::now();
        file.seek(SeekFrom::Start(index * BLOCK_BYTES as u64))?;
        file.write_all(&block)?;
        file.sync_data()?;
        flushes_us.push(one.elapsed().as_micros() as u64);
    }
    Ok(flushes_us)
}

/// Memory copied a second, GB.
fn memory_copies() -> f64 {
    let source = vec![1_u8; COPY_BYTES];
    let mut target = vec![0_u8; COPY_BYTES];
    let begin = Instant::now();
    let mut copies = 0;
    while begin.elapsed() < PROBE_TIME {
        target.copy_from_slice(std::hint::black_box(&source));
        std::hint::black_box(&mut target);
        copies += 1;
    }
    f64::from(copies) * COPY_BYTES as f64 / begin.elapsed().as_secs_f64() / 1e9
}

/// Round trips a second between two threads.
fn tcp_round_trips() -> std::io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut message = [0; MESSAGE_BYTES];
        while server.read_exact(&mut message).is_ok() && server.write_all(&message).is_ok() {}
    });
    let mut message = [7; MESSAGE_BYTES];
    let begin = Instant::now();
    let mut round_trips = 0_u32;
    while begin.elapsed() < PROBE_TIME {
        client.write_all(&message)?;
        client.read_exact(&mut message)?;
        round_trips += 1;
    }
    let per_s = f64::from(round_trips) / begin.elapsed().as_secs_f64();
    drop(client);
    // The echo thread ends with its connection.
    let _ = echo.join();
    Ok(per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_probe_finds_something() {
        let local = tokio::task::LocalSet::new();
        let directory = std::env::temp_dir();
        let probes = local.run_until(Probes::run(&directory)).await.expect("a working machine");
        assert!(probes.fdatasync_per_s > 0.0 && probes.fdatasync_p50_ms <= probes.fdatasync_p99_ms);
        assert!(probes.memory_copy_gb_per_s > 0.0);
        assert!(probes.tcp_round_trips_per_s > 0.0);
        assert!(probes.grpc_calls_per_s > 0.0);
        let left_over = format!("skep-bench-probe-{}", std::process::id());
        assert!(!directory.join(left_over).exists());
    }
}
