//! Threads with a name: the one place where Skep starts one.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread called `name` (shown by `top -H` and in panics; Linux shows 15 bytes of it).
///
/// # Errors
/// When the system has no room for another thread.
pub fn spawn_thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_carries_its_name() {
        let thread = spawn_thread("skep-test", || {
            std::thread::current().name().map(str::to_owned).expect("named")
        })
        .expect("thread");
        assert_eq!(thread.join().expect("no panic"), "skep-test");
    }
}
