//! Quiet between processes: a verification that needs a cluster at rest asks for it, and the witness
//! of a suite or a soak (`witness`) sends nothing meanwhile.
//!
//! Two files, and the locks of the operating system on them, which end with their processes: who
//! needs quiet locks the first and waits for the second; the witness keeps the second locked as long
//! as anything of it is under way.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::lock_file;

/// The variable that names the folder of the two files; without it nobody makes noise.
pub(crate) const QUIET_VARIABLE: &str = "SKEP_CHAOS_QUIET";

/// Locked by who needs quiet.
const WANTED: &str = "wanted.lock";

/// Locked by who makes noise.
const NOISE: &str = "noise.lock";

/// How long the noise may take to end: a partition may have to heal first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// It is quiet as long as this is held.
#[must_use]
pub(crate) struct Quiet {
    _wanted: Option<File>,
}

impl Quiet {
    /// Asks for quiet where the environment says that there may be noise, and waits for it.
    ///
    /// # Errors
    /// 7 when it does not become quiet.
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        match std::env::var_os(QUIET_VARIABLE) {
            None => Ok(Self { _wanted: None }),
            Some(folder) => Self::ask(Path::new(&folder), PATIENCE),
        }
    }

    fn ask(folder: &Path, patience: Duration) -> Result<Self, Failure> {
        let began = Instant::now();
        let wanted = open(folder, WANTED)?;
        let noise = open(folder, NOISE)?;
        while wanted.try_lock().is_err() || noise.try_lock().is_err() {
            if began.elapsed() > patience {
                return Err(Failure::guided(
                    7,
                    format!("the witness did not come to rest in {patience:?}"),
                    "Something that it was promised has not come to its end: see the report.",
                ));
            }
            std::thread::sleep(LOOK_PAUSE);
        }
        Ok(Self { _wanted: Some(wanted) })
    }
}

/// The side that makes noise.
pub(crate) struct Noise {
    folder: PathBuf,
    wanted: File,
    noise: File,
}

impl Noise {
    /// In this folder, which is made.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
        let (wanted, noise) = (open(folder, WANTED)?, open(folder, NOISE)?);
        Ok(Self { folder: folder.to_owned(), wanted, noise })
    }

    /// What [`QUIET_VARIABLE`] is to be for those who may need quiet.
    pub(crate) fn variable(&self) -> OsString {
        self.folder.clone().into()
    }

    /// Begins to make noise, or goes on; false when somebody needs quiet.
    pub(crate) fn may_begin(&self) -> bool {
        if self.wanted.try_lock_shared().is_err() {
            return false;
        }
        let begun = self.noise.try_lock_shared().is_ok();
        let _ = self.wanted.unlock();
        begun
    }

    /// Nothing is under way any more.
    pub(crate) fn end(&self) {
        // One that is not locked is quiet already.
        let _ = self.noise.unlock();
    }
}

fn open(folder: &Path, name: &str) -> Result<File, Failure> {
    let path = folder.join(name);
    lock_file::open(&path).map_err(|error| Failure::file("open", &path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_ends_before_it_is_quiet_and_does_not_begin_before_it_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let noise = Noise::new(folder.path()).expect("made");
        assert!(noise.may_begin() && noise.may_begin());
        let refused = Quiet::ask(folder.path(), Duration::ZERO).err().expect("there is noise");
        assert_eq!(refused.exit_code(), 7);
        noise.end();
        let quiet = Quiet::ask(folder.path(), Duration::ZERO).expect("quiet");
        assert!(!noise.may_begin());
        drop(quiet);
        assert!(noise.may_begin());
    }
}
