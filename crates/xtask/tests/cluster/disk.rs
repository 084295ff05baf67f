//! A small disk for one broker, and what fills it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Large enough for the log and the state of a run, small enough to be filled at once. It is memory.
const SIZE: &str = "size=512m";

/// Bytes that are written at a time while filling.
const CHUNK_BYTES: usize = 64 * 1024;

/// A mounted disk; it is gone when dropped, with all that is on it.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it at a folder, which needs root.
    pub(crate) fn mount(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        run(Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder))?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(message) = run(Command::new("umount").arg("--lazy").arg(&self.folder)) {
            eprintln!("{message}");
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// A file that takes all the space there is; dropped, it gives it back.
pub(crate) struct Filler {
    path: PathBuf,
}

impl Filler {
    /// Writes until there is no space, to the last byte.
    pub(crate) fn fill(folder: &Path) -> Result<Self, String> {
        let path = folder.join("filler");
        let failed = |error| format!("cannot write {}: {error}", path.display());
        let mut file = File::create(&path).map_err(failed)?;
        let mut size = CHUNK_BYTES;
        let zeros = vec![0; CHUNK_BYTES];
        while size > 0 {
            match file.write(&zeros[..size]) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(28) => size /= 2,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self { path })
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        // What cannot be removed is seen by the broker that does not come back.
        let _ = std::fs::remove_file(&self.path);
    }
}
