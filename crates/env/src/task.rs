//! Where work runs: the one place where Skep starts threads and tasks.
//!
//! In production a [`Tasks::dedicated`] body has a thread of its own, and [`spawn`] hands a future to
//! the runtime around it. In a simulation everything is a task on one thread, in the `LocalSet` of
//! the node that started it, so that dropping the set is the crash of the node.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::thread::{Builder, JoinHandle};

/// A future that stays on its thread.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// Makes the future that a dedicated body is, on the thread that it will run on.
pub type MakeBody = Box<dyn FnOnce() -> LocalFuture + Send>;

/// Starts what runs for as long as the node does.
pub trait Tasks: Send + Sync + fmt::Debug {
    /// Runs a body on a thread of its own, called `name`, inside a runtime of one thread.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    fn dedicated(&self, name: &str, make: MakeBody) -> io::Result<Dedicated>;
}

/// A running dedicated body. Dropping this does not end it.
pub struct Dedicated(Kind);

enum Kind {
    Thread(JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Dedicated {
    /// A body that runs as a task: for simulations.
    #[must_use]
    pub fn from_task(task: tokio::task::JoinHandle<()>) -> Self {
        Self(Kind::Task(task))
    }

    /// Waits for its end; false when it panicked.
    pub async fn join(self) -> bool {
        match self.0 {
            Kind::Thread(thread) => {
                matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
            }
            Kind::Task(task) => task.await.is_ok(),
        }
    }

    /// Waits for the end of a thread, outside of async code; false when it panicked. A task, which
    /// could only go on when this thread does not wait, is left alone.
    pub fn join_blocking(self) -> bool {
        match self.0 {
            Kind::Thread(thread) => thread.join().is_ok(),
            Kind::Task(_) => true,
        }
    }
}

impl fmt::Debug for Dedicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedicated").finish_non_exhaustive()
    }
}

/// Threads of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsTasks;

impl Tasks for OsTasks {
    fn dedicated(&self, name: &str, make: MakeBody) -> io::Result<Dedicated> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let body = move || runtime.block_on(make());
        Ok(Dedicated(Kind::Thread(Builder::new().name(name.to_owned()).spawn(body)?)))
    }
}

/// Tasks of the simulated node that runs: bodies and futures are tasks of its `LocalSet`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalTasks;

impl Tasks for LocalTasks {
    fn dedicated(&self, _name: &str, make: MakeBody) -> io::Result<Dedicated> {
        Ok(Dedicated::from_task(tokio::task::spawn_local(make())))
    }
}

thread_local! {
    static SPAWN_LOCAL: Cell<bool> = const { Cell::new(false) };
}

/// From now on [`spawn`] on this thread makes tasks of the `LocalSet` that runs: for simulations.
pub fn spawn_locally(locally: bool) {
    SPAWN_LOCAL.set(locally);
}

/// Starts a task in the runtime around the caller: in the node's `LocalSet` when this thread
/// simulates.
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if SPAWN_LOCAL.get() { tokio::task::spawn_local(future) } else { tokio::spawn(future) }
}

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
    use std::sync::{Arc, Mutex};

    use super::*;

    fn note_name(names: &Arc<Mutex<Vec<String>>>) -> MakeBody {
        let names = names.clone();
        Box::new(move || {
            Box::pin(async move {
                tokio::task::yield_now().await;
                let name = std::thread::current().name().unwrap_or_default().to_owned();
                names.lock().expect("no panic").push(name);
            })
        })
    }

    #[tokio::test]
    async fn a_dedicated_body_has_a_thread_with_its_name() {
        let names = Arc::default();
        let body = OsTasks.dedicated("skep-test", note_name(&names)).expect("thread");
        assert!(body.join().await);
        assert_eq!(*names.lock().expect("no panic"), ["skep-test"]);
    }

    #[tokio::test]
    async fn a_simulated_body_ends_with_its_node() {
        let names = Arc::default();
        let node = tokio::task::LocalSet::new();
        let here = std::thread::current().name().unwrap_or_default().to_owned();
        let ran = node.run_until(async {
            spawn_locally(true);
            spawn(async {}).await.expect("no panic");
            spawn_locally(false);
            LocalTasks.dedicated("skep-test", note_name(&names)).expect("task").join().await
        });
        assert!(ran.await);
        assert_eq!(*names.lock().expect("no panic"), [here]);
        let endless: MakeBody = Box::new(|| Box::pin(std::future::pending()));
        let body = node.run_until(async { LocalTasks.dedicated("endless", endless) }).await;
        drop(node);
        assert!(!body.expect("task").join().await, "its task was dropped with the node");
    }
}
