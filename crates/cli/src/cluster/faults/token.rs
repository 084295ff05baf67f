//! The token of a cluster's fault points: a file in its folder that only its owner reads.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use skep_env::{OsRandom, Random};

use crate::failure::Failure;

/// The name of the file.
const FILE: &str = "chaos.token";

/// Random bytes of a token: nobody guesses them.
const BYTES: usize = 24;

/// Makes a token, in place of an earlier one.
pub(crate) fn make(folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join(FILE);
    let failed = |error| Failure::file("write", &path, error);
    let mut bytes = [0; BYTES];
    OsRandom.fill(&mut bytes);
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    remove(folder);
    let mut file: File =
        File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(token.as_bytes()).map_err(failed)?;
    Ok(path)
}

/// The token of a file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let token = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
    Ok(token.trim().to_owned())
}

/// Takes the file away. None there is fine.
pub(crate) fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_owner_reads_a_token_and_no_two_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = make(folder.path()).unwrap();
        let first = read(&path).unwrap();
        assert_eq!(first.len(), 2 * BYTES);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        make(folder.path()).unwrap();
        assert_ne!(read(&path).unwrap(), first);
        remove(folder.path());
        assert!(read(&path).is_err());
    }
}
