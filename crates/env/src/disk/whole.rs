//! Small files that are read whole and replaced whole.

use std::io;
use std::path::Path;

use super::{Disk, OpenMode};

/// The whole file, if it is there.
///
/// # Errors
/// When the disk fails.
pub fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let length = usize::try_from(file.len_bytes()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(0, &mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces the file `name` of a folder, durably: after a crash there is the old one or the new one.
/// It is written aside, as `name.part`, and renamed.
///
/// # Errors
/// When the disk fails or is full; then the old file is there, or the new one.
pub fn replace_file(disk: &dyn Disk, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.part"));
    let file = disk.open(&unfinished, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(0, bytes)?;
    file.sync_data()?;
    disk.rename(&unfinished, &folder.join(name))?;
    disk.sync_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryDisk;

    #[test]
    fn a_crash_leaves_the_old_file_or_the_new_one() {
        let folder = Path::new("/data");
        for seed in 0..20 {
            let disk = MemoryDisk::new();
            disk.create_dir(folder).unwrap();
            assert_eq!(read_file(&disk, &folder.join("name")).unwrap(), None);
            replace_file(&disk, folder, "name", b"old, and longer").unwrap();
            replace_file(&disk, folder, "name", b"new").unwrap();
            let disk = disk.crash(seed);
            assert_eq!(read_file(&disk, &folder.join("name")).unwrap().unwrap(), b"new");
        }
    }
}
