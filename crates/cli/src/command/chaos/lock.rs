//! One runner at a time: two would take each other's faults for the cluster's.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cluster::admin::CHAOS_LOCK;
use crate::failure::Failure;
use crate::lock_file;

/// The folder's lock; nothing when there is no such cluster on this machine. It ends with the process.
pub(super) fn take(folder: &Path) -> Result<Option<(PathBuf, File)>, Failure> {
    let Ok(folder) = folder.canonicalize() else { return Ok(None) };
    let path = folder.join(CHAOS_LOCK);
    let file = lock_file::open(&path).map_err(|error| Failure::file("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some((folder, file))),
        Err(_) => Err(Failure::guided(
            5,
            format!("another experiment is running on the cluster in {}", folder.display()),
            "Wait for its end, or use another cluster (--dir): two experiments would take each \
             other's faults for the cluster's.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = take(folder.path()).expect("free").expect("there");
        assert_eq!(take(folder.path()).expect_err("taken").exit_code(), 5);
        drop(first);
        assert!(take(folder.path()).expect("free again").is_some());
        assert!(take(&folder.path().join("none")).expect("no cluster").is_none());
    }
}
