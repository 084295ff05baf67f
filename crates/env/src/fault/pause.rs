//! A process that stands still for a while, and surely goes on.
//!
//! A process that is stopped can do nothing for itself, and a helper could be killed. So a timer of the
//! kernel is set first, which sends SIGCONT to this very process: sending it resumes a stopped process,
//! whatever the process does about the signal. It repeats until the process has switched it off,
//! because the first one could come before the stop.

use std::io;
use std::time::Duration;

/// Pause between two SIGCONT while the timer is on.
#[cfg(target_os = "linux")]
const REPEAT: Duration = Duration::from_millis(50);

/// Stops this process and returns after it went on, which it does after about this time. Blocks the thread.
///
/// # Errors
/// When the machine does not allow it; then nothing was stopped.
#[cfg(target_os = "linux")]
pub(super) fn pause(length: Duration) -> io::Result<()> {
    use crate::process::{ProcessIdentity, Signal};

    let this = ProcessIdentity::of(std::process::id())
        .ok_or_else(|| io::Error::other("this process does not find itself in /proc"))?;
    let timer = system::Timer::resuming_this_process(length, REPEAT)?;
    this.signal(Signal::Pause)?;
    // The stop may come a moment after the signal was sent. The timer is on until it has fired once
    // more after that: a SIGCONT ends the stop, or takes it away before it began.
    sleep(length + REPEAT * 2);
    drop(timer);
    Ok(())
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "it waits for a signal of the kernel to itself")]
fn sleep(length: Duration) {
    std::thread::sleep(length);
}

/// Stops this process for a while.
///
/// # Errors
/// Always: only Linux has what resumes it surely.
#[cfg(not(target_os = "linux"))]
pub(super) fn pause(_: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Timers of the kernel, which the standard library does not offer.
#[cfg(target_os = "linux")]
mod system {
    #![allow(unsafe_code, reason = "timer_create and its siblings have no safe wrapper in std")]

    use std::io;
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::time::Duration;

    /// A timer that is on until it is dropped.
    pub(super) struct Timer(libc::c_int);

    impl Timer {
        /// Sends SIGCONT to this process after `first` and then every `repeat`.
        pub(super) fn resuming_this_process(first: Duration, repeat: Duration) -> io::Result<Self> {
            // SAFETY: zeroed is a valid value of this plain structure.
            let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
            event.sigev_notify = libc::SIGEV_SIGNAL;
            event.sigev_signo = libc::SIGCONT;
            let mut id: libc::c_int = 0;
            // SAFETY: both pointers are to live values of the types that the call takes.
            let made = unsafe {
                libc::syscall(
                    libc::SYS_timer_create,
                    libc::CLOCK_MONOTONIC,
                    ptr::from_mut(&mut event),
                    ptr::from_mut(&mut id),
                )
            };
            if made != 0 {
                return Err(io::Error::last_os_error());
            }
            let timer = Self(id);
            let times = libc::itimerspec { it_interval: spec(repeat), it_value: spec(first) };
            // SAFETY: the timer is there, and the pointer is to a live value; the old one is not asked for.
            let set = unsafe {
                libc::syscall(
                    libc::SYS_timer_settime,
                    timer.0,
                    0,
                    ptr::from_ref(&times),
                    ptr::null::<libc::itimerspec>(),
                )
            };
            if set == 0 { Ok(timer) } else { Err(io::Error::last_os_error()) }
        }
    }

    impl Drop for Timer {
        fn drop(&mut self) {
            // SAFETY: the timer was made by `timer_create` and is deleted once.
            unsafe { libc::syscall(libc::SYS_timer_delete, self.0) };
        }
    }

    fn spec(duration: Duration) -> libc::timespec {
        libc::timespec {
            tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(duration.subsec_nanos()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::Clock;

    #[test]
    fn a_process_that_stops_itself_goes_on() {
        let clock = crate::SystemClock;
        let began_us = clock.monotonic_us();
        pause(Duration::from_millis(30)).unwrap();
        assert!(clock.monotonic_us() - began_us >= 30_000);
    }
}
