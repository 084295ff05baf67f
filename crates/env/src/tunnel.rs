//! Network devices whose packets pass through this process, each in a network namespace of choice.
//!
//! What the kernel routes to such a device is read from it, one packet a read; what is written to it
//! arrives in its namespace as if from a wire. Before the IP packet is the header of `virtio_net`, which
//! says whether it is several packets of one stream in one, as cards would get them. What is read
//! from one such device can be written to another as it is. Two of them make a wire that can be slow or lose
//! packets, on kernels that have no such thing built in.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the device `name` in the network namespace at `namespace` (a file such as
/// `/run/netns/NAME`). It lives as long as the file that is answered.
///
/// # Errors
/// When the namespace is not there, the name is taken or not a name for a device, or the machine does
/// not allow it.
pub fn open_tunnel(namespace: &Path, name: &str) -> io::Result<File> {
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    // A thread of its own: a namespace is entered by the thread, which ends with this.
    std::thread::Builder::new()
        .name("skep-tunnel".to_owned())
        .spawn(move || {
            system::enter(&File::open(&namespace)?)?;
            let device = File::options().read(true).write(true).open("/dev/net/tun")?;
            system::attach(&device, &name)?;
            accept_from_anywhere(&name)?;
            Ok(device)
        })?
        .join()
        .map_err(|_| io::Error::other("the thread that makes the device has died"))?
}

/// Packets come from addresses that are routed elsewhere: without this they would be dropped as
/// forged.
fn accept_from_anywhere(name: &str) -> io::Result<()> {
    for device in ["all", name] {
        std::fs::write(format!("/proc/sys/net/ipv4/conf/{device}/rp_filter"), "0")?;
    }
    Ok(())
}

/// The system calls.
mod system {
    #![allow(unsafe_code, reason = "setns and TUNSETIFF have no safe wrapper in std")]

    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;

    /// Moves this thread into the network namespace.
    pub(super) fn enter(namespace: &File) -> io::Result<()> {
        // SAFETY: the call takes an open descriptor and a number.
        match unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The request of TUNSETIFF: `struct ifreq` of the kernel, 40 bytes.
    #[repr(C)]
    struct Request {
        name: [u8; libc::IFNAMSIZ],
        flags: libc::c_short,
        unused: [u8; 22],
    }

    /// `_IOW('T', 208, unsigned int)` of the kernel.
    const TUNSETOFFLOAD: libc::c_ulong = 0x4004_54d0;

    /// Packets may come without checksum, and many packets of one TCP stream as one: the other end
    /// is a kernel that does the same, and the header says what is left to do.
    const TUN_F_CSUM: libc::c_ulong = 1;
    const TUN_F_TSO4: libc::c_ulong = 2;

    /// Turns the open `/dev/net/tun` into the device.
    pub(super) fn attach(device: &File, name: &str) -> io::Result<()> {
        if name.is_empty() || name.len() >= libc::IFNAMSIZ {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut request = Request {
            name: [0; libc::IFNAMSIZ],
            flags: (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short,
            unused: [0; 22],
        };
        for (to, from) in request.name.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        // SAFETY: the descriptor is open, and the request has the layout that the call reads and
        // writes.
        if unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &mut request) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let wanted: libc::c_ulong = TUN_F_CSUM | TUN_F_TSO4;
        // SAFETY: the descriptor is open; the call takes a number.
        match unsafe { libc::ioctl(device.as_raw_fd(), TUNSETOFFLOAD as _, wanted) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_not_there_is_refused() {
        let error = open_tunnel(Path::new("/run/netns/skep-none"), "skt0").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_name_has_a_length() {
        let own = Path::new("/proc/self/ns/net");
        let Err(error) = open_tunnel(own, "a-name-that-is-too-long") else {
            panic!("no device has such a name")
        };
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotFound
            ),
            "{error}"
        );
    }
}
