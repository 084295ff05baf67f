//! What `stress` starts: a process that uses the processor, memory or disk up for a while.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use crate::failure::Failure;

/// Memory of one worker, bytes: as much as the original's.
const MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// Bytes that a worker of the disk writes between two flushes.
const WRITE_BYTES: usize = 1024 * 1024;

/// Flushes after which it begins anew at the start of its file.
const WRITES_PER_FILE: u64 = 64;

/// Bytes between two bytes that are touched: a page.
const PAGE_BYTES: usize = 4096;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos burn --cpu 4 --seconds 30")]
pub(super) struct BurnArgs {
    /// Threads that use the processor
    #[arg(long, default_value_t = 0)]
    cpu: u32,

    /// Threads that use memory
    #[arg(long, default_value_t = 0)]
    memory: u32,

    /// Threads that write
    #[arg(long, default_value_t = 0)]
    io: u32,

    /// Where they write
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// How long
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

impl BurnArgs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let files = (0..self.io)
            .map(|_| tempfile::tempfile_in(&self.folder))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failure::file("write", &self.folder, error))?;
        std::thread::scope(|scope| {
            for _ in 0..self.cpu {
                scope.spawn(|| burn_processor(until));
            }
            for _ in 0..self.memory {
                scope.spawn(|| burn_memory(until));
            }
            for file in files {
                scope.spawn(move || burn_disk(file, until));
            }
        });
        Ok(())
    }
}

fn burn_processor(until: Instant) {
    let mut number = 1_u64;
    while Instant::now() < until {
        for _ in 0..100_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        std::hint::black_box(number);
    }
}

fn burn_memory(until: Instant) {
    let mut bytes = vec![0_u8; MEMORY_BYTES];
    while Instant::now() < until {
        for byte in bytes.iter_mut().step_by(PAGE_BYTES) {
            *byte = byte.wrapping_add(1);
        }
        std::hint::black_box(&bytes);
    }
}

/// A full disk ends it: that is stress enough.
fn burn_disk(mut file: std::fs::File, until: Instant) {
    let bytes = vec![1_u8; WRITE_BYTES];
    let mut writes = 0_u64;
    while Instant::now() < until {
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        writes += 1;
        let rewound = if writes.is_multiple_of(WRITES_PER_FILE) {
            file.seek(SeekFrom::Start(0)).map(drop)
        } else {
            Ok(())
        };
        if written.and(rewound).is_err() {
            return;
        }
    }
}
