//! `skep cluster logs`.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use clap::Args;

use super::FolderArgs;
use crate::cluster::admin;
use crate::failure::Failure;

/// Pause between two looks for more.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of the log that are held at a time.
const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster logs broker-0\n  skep cluster logs gateway-1 --lines 20 --follow"
)]
pub(crate) struct LogsArgs {
    /// Name of the node, as in `skep cluster status`
    #[arg(value_name = "NODE")]
    node: String,

    #[command(flatten)]
    folder: FolderArgs,

    /// Only the last lines
    #[arg(long, value_name = "NUMBER")]
    lines: Option<usize>,

    /// Go on with what is written from now on
    #[arg(long, short)]
    follow: bool,
}

impl LogsArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let folder = admin::full_path(&self.folder.dir)?;
        let path = admin::existing(&folder)?.node(&self.node)?.log_file.clone();
        let mut log = File::open(&path).map_err(|error| Failure::file("read", &path, error))?;
        match self.copy(&mut log, &mut io::stdout().lock()) {
            // A reader that has gone away (`| head`) is not a failure.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::file("read", &path, error))
            }
            _ => Ok(()),
        }
    }

    fn copy(&self, log: &mut File, out: &mut impl Write) -> io::Result<()> {
        if let Some(lines) = self.lines {
            let start = start_of_last_lines(log, lines)?;
            log.seek(SeekFrom::Start(start))?;
        }
        loop {
            io::copy(log, out)?;
            out.flush()?;
            if !self.follow {
                return Ok(());
            }
            std::thread::sleep(FOLLOW_PAUSE);
        }
    }
}

/// Where the last lines begin, found from the end: logs can be long.
fn start_of_last_lines(log: &mut (impl Read + Seek), lines: usize) -> io::Result<u64> {
    let end = log.seek(SeekFrom::End(0))?;
    let (mut at, mut seen) = (end, 0);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while at > 0 {
        let size = at.min(CHUNK_BYTES as u64);
        at -= size;
        log.seek(SeekFrom::Start(at))?;
        chunk.clear();
        log.by_ref().take(size).read_to_end(&mut chunk)?;
        for (index, byte) in chunk.iter().enumerate().rev() {
            let after = at + index as u64 + 1;
            // The break at the very end belongs to the last line.
            if *byte == b'\n' && after < end {
                seen += 1;
                if seen == lines {
                    return Ok(after);
                }
            }
        }
    }
    Ok(if lines == 0 { end } else { 0 })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let tail = |text: &str, lines| {
            let start = start_of_last_lines(&mut Cursor::new(text), lines).unwrap();
            text[start as usize..].to_owned()
        };
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(tail("a\nb\nc", 1), "c");
        assert_eq!(tail("a\n", 5), "a\n");
        assert_eq!(tail("", 5), "");
        assert_eq!(tail("a\nb\n", 0), "");
        let long = "x".repeat(CHUNK_BYTES) + "\nlast\n";
        assert_eq!(tail(&long, 1), "last\n");
    }
}
