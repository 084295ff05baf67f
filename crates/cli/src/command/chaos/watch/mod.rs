//! `skep chaos run --watch`: below the log, the run and its cluster as they are now.

mod cluster;
mod draw;
mod model;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use console::{Style, Term};
use parking_lot::Mutex;
use skep_chaos::{Event, Observer};

use self::cluster::ClusterView;
use self::draw::{Look, Row, draw};
use self::model::Model;
use super::log::Log;

/// Pause between two pictures: often enough for a clock with tenths.
const FRAME: Duration = Duration::from_millis(200);

/// Pause between two looks at the cluster, which has other things to do.
const LOOK: Duration = Duration::from_millis(500);

/// Shows the run on a terminal, and hands everything on to the log.
#[derive(Debug)]
pub(super) struct Watch {
    log: Arc<Log>,
    screen: Arc<Mutex<Screen>>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Screen {
    terminal: Term,
    model: Model,
    cluster: Option<ClusterView>,
    /// Lines of the view that are on the terminal.
    drawn: usize,
    /// The last picture is drawn.
    ended: bool,
}

impl Watch {
    /// Begins to show; nothing when stderr is not a terminal, where a log is better.
    pub(super) fn begin(log: Arc<Log>, folder: &Path) -> Option<Self> {
        let terminal = Term::stderr();
        if !terminal.is_term() {
            return None;
        }
        let model = Model::new(Instant::now());
        let screen =
            Arc::new(Mutex::new(Screen { terminal, model, cluster: None, drawn: 0, ended: false }));
        let watch = Self { log, screen, stop: Arc::default() };
        let (screen, folder): (_, PathBuf) = (watch.screen.clone(), folder.to_owned());
        watch.repeat("skep-watch", FRAME, move || screen.lock().redraw());
        let screen = watch.screen.clone();
        watch.repeat("skep-look", LOOK, move || {
            let view = ClusterView::look(&folder);
            screen.lock().cluster = view;
        });
        Some(watch)
    }

    /// Does something again and again until the view ends. Without a thread to be had the view
    /// changes with the events alone.
    fn repeat(&self, name: &str, pause: Duration, mut what: impl FnMut() + Send + 'static) {
        let stop = self.stop.clone();
        let body = move || {
            while !stop.load(Ordering::Acquire) {
                what();
                std::thread::sleep(pause);
            }
        };
        if let Err(error) = skep_env::task::spawn_thread(name, body) {
            tracing::debug!(%error, name, "the view is not refreshed");
        }
    }
}

impl Observer for Watch {
    fn see(&self, event: &Event<'_>) {
        let mut screen = self.screen.lock();
        screen.model.see(event, Instant::now());
        if matches!(event, Event::Said { .. }) {
            screen.clear();
            self.log.see(event);
        }
        screen.redraw();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The last picture stays, and nothing is drawn over what comes after it.
        let mut screen = self.screen.lock();
        screen.redraw();
        screen.ended = true;
    }
}

impl Screen {
    fn clear(&mut self) {
        // A terminal that is gone shows nothing; the run goes on.
        let _ = self.terminal.clear_last_lines(self.drawn);
        self.drawn = 0;
    }

    fn redraw(&mut self) {
        if self.ended {
            return;
        }
        let (height, width) = self.terminal.size();
        let mut rows = draw(&self.model, self.cluster.as_ref(), Instant::now());
        rows.truncate(usize::from(height).saturating_sub(1));
        self.clear();
        for row in &rows {
            if self.terminal.write_line(&styled(row, width.into())).is_ok() {
                self.drawn += 1;
            }
        }
    }
}

fn styled((look, text): &Row, width: usize) -> String {
    let style = Style::new().for_stderr();
    let style = match look {
        Look::Title => style.bold(),
        Look::Plain => style,
        Look::Good => style.green(),
        Look::Bad => style.red(),
    };
    let text = console::truncate_str(text, width.saturating_sub(1), "...");
    style.apply_to(text).to_string()
}
