//! Waiting until a cluster serves: one changing line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cluster::admin;
use crate::cluster::health::Readiness;
use crate::cluster::state::{ClusterState, Node, NodeState};
use crate::failure::Failure;

/// Pause between two questions to all nodes.
const ASK_PAUSE: Duration = Duration::from_millis(10);

/// Lines of a log that are shown with a failure.
const LOG_LINES: usize = 15;

/// Waits until every node is ready and every partition is led.
///
/// # Errors
/// When a node ends before that, or it takes too long; the nodes are left as they are.
pub(super) fn until_it_serves(folder: &Path, patience: Duration) -> Result<Duration, Failure> {
    let began = Instant::now();
    let mut shown = Shown::new();
    loop {
        // Anew each time: another command may restart or kill a node meanwhile.
        let cluster = admin::existing(folder)?;
        if let Some(node) = cluster.nodes.iter().find(|node| has_ended(node)) {
            return Err(ended(&cluster, node));
        }
        let readiness = Readiness::of(&cluster);
        if readiness.is_complete() {
            shown.clear();
            return Ok(began.elapsed());
        }
        shown.show(&readiness.text());
        if began.elapsed() > patience {
            return Err(Failure::guided(
                7,
                format!(
                    "after {} s the cluster does not serve yet: {}",
                    patience.as_secs(),
                    readiness.text()
                ),
                "The nodes go on trying. See `skep cluster status` and `skep cluster logs NODE`; \
                 `skep cluster stop` ends them.",
            ));
        }
        std::thread::sleep(ASK_PAUSE);
    }
}

fn has_ended(node: &Node) -> bool {
    !node.starting && node.state() == NodeState::Down
}

fn ended(cluster: &ClusterState, node: &Node) -> Failure {
    let text = std::fs::read_to_string(&node.log_file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
    let others = cluster.nodes.iter().filter(|node| node.state() != NodeState::Down).count();
    Failure::guided(
        7,
        format!("{} has ended. The end of {}:\n{tail}", node.name, node.log_file.display()),
        &format!(
            "{others} other node(s) are still up: `skep cluster restart {}` tries again, `skep \
             cluster stop` ends them all.",
            node.name
        ),
    )
}

/// The line that says how far it is.
struct Shown {
    bar: Option<ProgressBar>,
    last: String,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last: String::new() }
    }

    fn show(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(text.to_owned());
                bar.tick();
            }
            None if self.last != text => eprintln!("{text}"),
            None => {}
        }
        text.clone_into(&mut self.last);
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
