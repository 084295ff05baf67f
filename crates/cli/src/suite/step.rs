//! One process of the suite: its output goes to a file, and a signal to the suite goes to it.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use skep_env::process::{ProcessIdentity, Signal};

use crate::failure::Failure;

/// Pause between two looks at the process.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// How long a process that was asked to end may take: its rollbacks are played.
const END_MAX: Duration = Duration::from_secs(60);

/// Somebody wants the suite to end.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Hears of the signals that end a program.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let stop = Self(Arc::default());
        let set = stop.clone();
        let failed =
            |error: std::io::Error| Failure::Local(format!("cannot hear signals: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("suite-signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    use tokio::signal::unix::{SignalKind, signal};
                    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
                    tokio::select! {
                        _ = tokio::signal::ctrl_c() => {}
                        _ = terminated.recv() => {}
                    }
                    set.0.store(true, Ordering::Release);
                });
            })
            .map_err(failed)?;
        Ok(stop)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How a process ended.
pub(crate) struct Done {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
}

/// Runs a process to its end, or asks it to end when it takes too long or the suite has to.
pub(crate) fn run(
    command: &mut Command,
    log: &Path,
    patience: Option<Duration>,
    stop: &Stop,
) -> Result<Done, Failure> {
    let unwritable = |error| Failure::file("write", log, error);
    let file = File::create(log).map_err(unwritable)?;
    let errors = file.try_clone().map_err(unwritable)?;
    let failed = |error| Failure::Local(format!("cannot run a step: {error}"));
    let mut child =
        command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn().map_err(failed)?;
    let identity = ProcessIdentity::of(child.id());
    let began = Instant::now();
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Done { code: status.code() });
        }
        let is_late = patience.is_some_and(|patience| began.elapsed() > patience);
        match asked {
            None if stop.is_set() || is_late => {
                asked = Some(Instant::now());
                if let Some(identity) = identity {
                    // It may have ended by now.
                    let _ = identity.signal(Signal::Terminate);
                }
            }
            Some(since) if since.elapsed() > END_MAX => child.kill().map_err(failed)?,
            _ => {}
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}
