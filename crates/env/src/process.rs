//! Other processes of this machine: whether one still is who it was, and signals to it.
//!
//! A process id alone names nobody for long: ids are used again. With the time of its start it names
//! one process for ever, and a signal is only sent to that one, through a descriptor that cannot
//! come to mean another process between the check and the signal.

use std::fs;
use std::io;
use std::path::Path;

/// One process, also after it has ended and its id belongs to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The id.
    pub id: u32,
    /// When it started, in clock ticks since the machine did.
    pub start_ticks: u64,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, or waits for something.
    Running,
    /// A signal has stopped it; it goes on when told.
    Paused,
    /// It has ended.
    Ended,
}

/// What can be sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: end in order.
    Terminate,
    /// SIGKILL: end now.
    Kill,
    /// SIGSTOP: pause.
    Pause,
    /// SIGCONT: go on.
    Resume,
}

impl ProcessIdentity {
    /// The process that has this id now; none when there is none.
    #[must_use]
    pub fn of(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
        Some(Self { id, start_ticks: stat_field(&stat, START_FIELD)?.parse().ok()? })
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> ProcessState {
        let path = Path::new("/proc").join(self.id.to_string()).join("stat");
        let Ok(stat) = fs::read_to_string(path) else { return ProcessState::Ended };
        if stat_field(&stat, START_FIELD).and_then(|ticks| ticks.parse().ok())
            != Some(self.start_ticks)
        {
            return ProcessState::Ended;
        }
        match stat_field(&stat, STATE_FIELD) {
            // The first thread of a process that ends waits for the others, which still hold its files and ports.
            Some("Z")
                if stat_field(&stat, THREADS_FIELD)
                    .is_some_and(|threads| !matches!(threads, "0" | "1")) =>
            {
                ProcessState::Running
            }
            // A zombie has ended; its parent only has not asked yet.
            None | Some("Z" | "X" | "x") => ProcessState::Ended,
            Some("T" | "t") => ProcessState::Paused,
            Some(_) => ProcessState::Running,
        }
    }

    /// Sends a signal. `false` when the process has ended, which includes that its id belongs to
    /// another by now.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(descriptor) = system::open(self.id)? else { return Ok(false) };
        // The descriptor holds one process: if this still is the right one, it stays the right one.
        if self.state() == ProcessState::Ended {
            return Ok(false);
        }
        system::signal(&descriptor, signal)
    }
}

/// Ends this process as `kill -9` would, now: nothing is flushed, nobody is told.
pub fn kill_this() -> ! {
    let this = ProcessIdentity::of(std::process::id());
    let killed = this.map(|this| this.signal(Signal::Kill));
    if matches!(killed, Some(Ok(true))) {
        loop {
            // The signal is on its way; nothing more may happen here.
            std::thread::park();
        }
    }
    // Without /proc, or the right to: the next best end.
    std::process::abort();
}

/// Kills every process of a group. The caller has to know that the group is still its own: its first process is a
/// child that nobody has waited for yet. `false` when there is no such group.
///
/// # Errors
/// When the machine does not allow it.
pub fn kill_group(id: u32) -> io::Result<bool> {
    system::kill_group(id)
}

/// Fields of `/proc/PID/stat` after the name, counted from zero.
const STATE_FIELD: usize = 0;
/// How many threads it has.
const THREADS_FIELD: usize = 17;
const START_FIELD: usize = 19;

/// A field after the name, which may itself hold spaces and brackets.
fn stat_field(stat: &str, index: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)
}

/// Descriptors of processes, which the standard library does not offer.
mod system {
    #![allow(unsafe_code, reason = "pidfd_open and pidfd_send_signal have no safe wrapper in std")]

    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    use super::Signal;

    /// A descriptor of the process; none when there is no such process.
    pub(super) fn open(id: u32) -> io::Result<Option<OwnedFd>> {
        let Ok(id) = libc::pid_t::try_from(id) else { return Ok(None) };
        // SAFETY: the call takes two numbers and answers a new descriptor or -1.
        let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) };
        if answer < 0 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(libc::ESRCH) { Ok(None) } else { Err(error) };
        }
        let descriptor = i32::try_from(answer).map_err(io::Error::other)?;
        // SAFETY: the call has just made this descriptor, and nobody else has it.
        Ok(Some(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// `false` when there is no such group.
    pub(super) fn kill_group(id: u32) -> io::Result<bool> {
        // Zero and one as a group would mean other processes than anybody wants to kill.
        let Some(id) = libc::pid_t::try_from(id).ok().filter(|id| *id > 1) else {
            return Ok(false);
        };
        // SAFETY: the call takes two numbers.
        if unsafe { libc::kill(-id, libc::SIGKILL) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ESRCH) { Ok(false) } else { Err(error) }
    }

    /// `false` when the process has ended.
    pub(super) fn signal(process: &OwnedFd, signal: Signal) -> io::Result<bool> {
        let number = match signal {
            Signal::Terminate => libc::SIGTERM,
            Signal::Kill => libc::SIGKILL,
            Signal::Pause => libc::SIGSTOP,
            Signal::Resume => libc::SIGCONT,
        };
        let no_details = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open for as long as it is borrowed; without details the call
        // reads no memory.
        let answer = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, no_details, 0)
        };
        if answer == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ESRCH) { Ok(false) } else { Err(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_group_is_killed_as_a_whole() {
        use std::os::unix::process::CommandExt;

        let mut shell = Command::new("sh")
            .args(["-c", "sleep 1000 & echo $!; wait"])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let mut output = io::BufReader::new(shell.stdout.take().expect("piped"));
        io::BufRead::read_line(&mut output, &mut line).expect("its child's id");
        let child = ProcessIdentity::of(line.trim().parse().expect("a number")).expect("running");
        assert!(kill_group(shell.id()).expect("allowed"));
        assert!(!shell.wait().expect("ended").success());
        // The pipe ends when the last one that holds it does.
        io::Read::read_to_end(&mut output, &mut Vec::new()).expect("the end");
        assert_eq!(child.state(), ProcessState::Ended);
        assert!(!kill_group(1).expect("not sent"));
    }

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let stat = "42 (a) b (c)) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20";
        assert_eq!(stat_field(stat, STATE_FIELD), Some("T"));
        assert_eq!(stat_field(stat, START_FIELD), Some("777"));
        assert_eq!(stat_field("no name", STATE_FIELD), None);
    }

    #[test]
    fn a_process_is_known_by_its_start_too() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = ProcessIdentity::of(child.id()).unwrap();
        assert_eq!(process.state(), ProcessState::Running);
        let another = ProcessIdentity { start_ticks: process.start_ticks + 1, ..process };
        assert_eq!(another.state(), ProcessState::Ended);
        assert!(!another.signal(Signal::Kill).unwrap(), "the id was used again: not the same");
        assert_eq!(process.state(), ProcessState::Running, "and so it was left alone");

        assert!(process.signal(Signal::Kill).unwrap());
        child.wait().unwrap();
        assert_eq!(process.state(), ProcessState::Ended);
        assert!(!process.signal(Signal::Kill).unwrap());
    }
}
