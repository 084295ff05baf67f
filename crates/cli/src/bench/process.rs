//! What a process uses, from `/proc`.

use std::fs;

use crate::failure::Failure;

/// Length of a clock tick in `/proc/PID/stat`, microseconds: Linux reports 100 a second on every
/// machine, whatever the kernel uses inside.
const TICK_US: u64 = 10_000;

/// What some processes together have used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time in user and kernel mode, microseconds.
    pub(crate) cpu_us: u64,
    /// Memory now, KiB.
    pub(crate) rss_kb: u64,
    /// Memory at its highest, KiB.
    pub(crate) rss_peak_kb: u64,
}

/// The usage of all these processes.
pub(crate) fn usage(pids: &[u32]) -> Result<Usage, Failure> {
    let mut sum = Usage::default();
    for pid in pids {
        let usage = usage_of(&pid.to_string()).ok_or_else(|| {
            Failure::Usage(format!("cannot read /proc/{pid}: is there a process {pid}?"))
        })?;
        sum.cpu_us += usage.cpu_us;
        sum.rss_kb += usage.rss_kb;
        sum.rss_peak_kb += usage.rss_peak_kb;
    }
    Ok(sum)
}

/// The processor time of this thread, which makes all the load, and the memory of its process.
pub(crate) fn own_usage() -> Usage {
    usage_of("thread-self").unwrap_or_default()
}

fn usage_of(pid: &str) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Usage {
        cpu_us: cpu_us(&stat)?,
        rss_kb: status_kb(&status, "VmRSS:").unwrap_or(0),
        rss_peak_kb: status_kb(&status, "VmHWM:").unwrap_or(0),
    })
}

/// utime and stime are the 14th and 15th field; the 2nd, the name, may hold spaces and brackets.
fn cpu_us(stat: &str) -> Option<u64> {
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some((user + kernel) * TICK_US)
}

fn status_kb(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_and_brackets_do_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(cpu_us(stat), Some(3_000_000));
    }

    #[test]
    fn memory_lines_are_found_by_name() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(status_kb(status, "VmRSS:"), Some(1024));
        assert_eq!(status_kb(status, "VmHWM:"), Some(2048));
        assert_eq!(status_kb(status, "VmSwap:"), None);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        assert!(own_usage().rss_kb > 0);
        let Err(Failure::Usage(message)) = usage(&[u32::MAX]) else { panic!("refused") };
        assert!(message.contains(&u32::MAX.to_string()));
    }
}
