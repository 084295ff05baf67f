//! Activities that run beside the others.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::activity::Place;
use super::{Run, Stop};
use crate::log::Level;
use crate::observer::Phase;
use crate::outcome::VerdictKind;
use crate::python;

/// What runs in the background of a phase.
#[derive(Default)]
pub(super) struct Background(Vec<JoinHandle<()>>);

impl Background {
    /// Starts an activity, and waits until it has said so.
    pub(super) async fn start(&mut self, run: &Arc<Run>, activity: &Value, phase: Phase) {
        let (sender, started) = oneshot::channel();
        let (run, activity) = (run.clone(), activity.clone());
        self.0.push(skep_env::task::spawn(async move {
            let place = Place { phase, foreground: false, started: Some(sender) };
            if let Err(Stop::Crash(message)) = run.execute(&activity, place).await {
                // The original says nothing at all.
                run.say(Level::Debug, &format!("Activity failed: {message}"));
                let name = python::text(activity.get("name").unwrap_or(&Value::Null));
                let message = format!("activity '{name}' cannot be run: {message}");
                run.convict(VerdictKind::Activity, &name, message, true);
            }
        }));
        // It is dropped rather than used: either way it has begun.
        let _ = started.await;
    }

    /// Waits for all of it.
    pub(super) async fn wait(&mut self) {
        while let Some(task) = self.0.last_mut() {
            let _ = task.await;
            self.0.pop();
        }
    }

    /// Ends all of it, and whatever it has started.
    pub(super) async fn end(&mut self) {
        for task in &self.0 {
            task.abort();
        }
        self.wait().await;
    }
}
