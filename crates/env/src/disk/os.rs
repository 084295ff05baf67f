//! The disk of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::{Disk, DiskFile, FolderLock, OpenMode};

/// The file system of the operating system (Unix).
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

struct OsFile(File);

/// The lock lives as long as the open file; dropping the file releases it.
struct OsLock(#[expect(dead_code, reason = "held for its drop")] File);

impl FolderLock for OsLock {}

impl DiskFile for OsFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        system::preallocate(&self.0, len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.0.set_len(len_bytes)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

impl Disk for OsDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => _ = options.write(true),
            OpenMode::Create => _ = options.write(true).create(true).truncate(false),
            OpenMode::CreateNew => _ = options.write(true).create_new(true),
        }
        Ok(Arc::new(OsFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // Skep makes no name that is not UTF-8, so nobody looks for one.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|it| !it.exists()).collect();
        fs::create_dir_all(folder)?;
        for parent in missing.iter().rev().filter_map(|made| made.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            match self.sync_dir(parent) {
                // A folder that this user may add to but not read cannot be opened to be synced.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn remove_dir(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        system::free_bytes(folder)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Box<dyn FolderLock>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.write_all_at(holder.as_bytes(), 0)?;
        Ok(Box::new(OsLock(file)))
    }
}

/// The system calls that the standard library does not offer. The only unsafe code of this crate.
mod system {
    #![allow(unsafe_code, reason = "fallocate and statvfs have no safe wrapper in std")]

    use std::ffi::CString;
    use std::fs::File;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[cfg(target_os = "linux")]
    pub(super) fn preallocate(file: &File, len_bytes: u64) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let len = libc::off_t::try_from(len_bytes)
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        loop {
            // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is
            // passed.
            if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, len) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                // File systems without reservation (some network ones): write the zeros.
                Some(libc::EOPNOTSUPP) => return write_zeros(file, len_bytes),
                _ => return Err(error),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn preallocate(file: &File, len_bytes: u64) -> io::Result<()> {
        write_zeros(file, len_bytes)
    }

    /// Extends the file with real zeros, so that the space is there when it is needed.
    fn write_zeros(file: &File, len_bytes: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let zeros = [0; 64 * 1024];
        let mut at = file.metadata()?.len();
        while at < len_bytes {
            let count = usize::try_from(len_bytes - at).unwrap_or(usize::MAX).min(zeros.len());
            file.write_all_at(zeros.split_at(count).0, at)?;
            at += count as u64;
        }
        Ok(())
    }

    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "widths differ by OS")]
    pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
        let path = CString::new(folder.as_os_str().as_bytes())
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut answer = MaybeUninit::<libc::statvfs>::zeroed();
        // SAFETY: the path ends with a zero byte and the answer has the size of the structure.
        if unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: zeroed is a valid value of this plain structure, and the call filled it.
        let answer = unsafe { answer.assume_init() };
        Ok((answer.f_bavail as u64).saturating_mul(answer.f_frsize as u64))
    }
}
