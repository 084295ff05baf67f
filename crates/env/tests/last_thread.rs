//! A process has ended when its last thread has, not when its first one has: the others still hold its
//! files and ports. The test needs a first thread of its own, which the usual test harness does not give.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, reason = "the child is a process of its own, with a thread")]
#![allow(unsafe_code, reason = "std ends the whole process when its first thread ends")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use skep_env::process::{ProcessIdentity, ProcessState, Signal};

/// What makes this program the child.
const CHILD: &str = "--child";

fn main() {
    if std::env::args().any(|argument| argument == CHILD) {
        child();
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg(CHILD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let process = ProcessIdentity::of(child.id()).expect("running");
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    output.read_line(&mut said).expect("a line");
    assert_eq!(said.trim(), "the first thread has ended");

    assert_eq!(process.state(), ProcessState::Running, "its other thread runs");
    assert!(process.signal(Signal::Resume).expect("allowed"), "and it can be told so");

    drop(child.stdin.take());
    output.read_to_end(&mut Vec::new()).expect("the end of its last thread");
    // Its files are closed a moment before it has ended.
    while process.state() != ProcessState::Ended {
        std::thread::yield_now();
    }
    assert!(!process.signal(Signal::Resume).expect("allowed"), "nobody is left");
    child.wait().expect("it is there to be waited for: its id was not used again");
    println!("a process has ended when its last thread has: ok");
}

/// Ends the first thread, says so from another, and waits there until nobody writes to it any more.
fn child() -> ! {
    let first = std::process::id();
    std::thread::spawn(move || {
        let stat = format!("/proc/self/task/{first}/stat");
        let has_ended = || {
            let text = std::fs::read_to_string(&stat).unwrap_or_default();
            text.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
        };
        while !has_ended() {
            std::thread::yield_now();
        }
        println!("the first thread has ended");
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    });
    // SAFETY: the call ends this thread only, and it holds nothing that another one waits for.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("the thread has ended")
}
