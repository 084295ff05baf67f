//! Files that are only there to be locked: the lock ends with its process, the file stays.

use std::fs::File;
use std::path::Path;

/// Opens such a file, which is made when it is not there. It is not locked yet.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}
