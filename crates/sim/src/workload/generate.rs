//! Random actions.

use super::files::processes;
use super::{Action, File, Timed};
use crate::generated::chance::Chance;
use crate::generated::model::{KEYS, MESSAGES, START_MESSAGES};
use crate::scenario::Models;

/// Actions of a run, at most.
const ACTIONS_MAX: usize = 90;

/// Actions for a run of this length. The first ones deploy what the others need.
#[must_use]
pub fn generate(seed: u64, models: Models, duration_ms: u64) -> Vec<Timed> {
    let mut maker = Maker { chance: Chance::new(seed), processes: processes(models) };
    let mut actions = Vec::new();
    for id in maker.processes.clone() {
        // Called by others, and late on purpose.
        if id != "late" {
            let mut files = vec![File::Process { id, version: 0 }];
            if actions.is_empty() {
                files.push(File::Decisions { seed: maker.chance.below(4) as u64 });
            }
            actions.push(Timed { at_ms: 0, action: Action::Deploy { files } });
        }
    }
    let count = 10 + maker.chance.below(ACTIONS_MAX - 10);
    let end = usize::try_from(duration_ms).unwrap_or(1).max(1);
    for _ in 0..count {
        let at_ms = maker.chance.below(end) as u64;
        actions.push(Timed { at_ms, action: maker.action() });
    }
    actions.sort_by_key(|timed| timed.at_ms);
    actions
}

/// Actions of instances that wait for messages, and of those messages; with deployments between.
#[must_use]
pub fn messages(seed: u64, duration_ms: u64) -> Vec<Timed> {
    let processes = ["reminded", "order", "parent", "child", "first", "started"];
    let processes = processes.map(str::to_owned).to_vec();
    let mut maker = Maker { chance: Chance::new(seed), processes };
    let deploy = |id: &String| Timed {
        at_ms: 0,
        action: Action::Deploy { files: vec![File::Process { id: id.clone(), version: 0 }] },
    };
    let mut actions: Vec<Timed> = maker.processes.iter().map(deploy).collect();
    let end = usize::try_from(duration_ms).unwrap_or(1).max(1);
    for number in 0..40 {
        let at_ms = maker.chance.below(end) as u64;
        let action = match number % 4 {
            0 | 1 => Action::Create {
                process: maker.chance.pick(&["reminded", "reminded", "first", "parent"]).to_owned(),
                version: -1,
                variables: variables(&mut maker.chance, true),
                business_id: String::new(),
                awaits_result: false,
            },
            2 => Action::PublishAwaited { pick: maker.pick() },
            _ if maker.chance.percent(40) => maker.deploy(),
            _ => Action::Publish {
                name: maker.chance.pick(&["m1", "m1", "m2"]).to_owned(),
                key: maker.chance.pick(KEYS).to_owned(),
                ttl_ms: 3_000,
                variables: String::new(),
                with_id: true,
            },
        };
        actions.push(Timed { at_ms, action });
    }
    actions.sort_by_key(|timed| timed.at_ms);
    actions
}

/// Variables that the models look at; some of them may be missing at first.
pub(super) fn variables(chance: &mut Chance, complete: bool) -> String {
    let mut json = Vec::new();
    for name in ["x", "decision"] {
        if complete || chance.percent(85) {
            json.push(format!("\"{name}\":{}", 1 + chance.below(3)));
        }
    }
    if complete || chance.percent(85) {
        let key = chance.pick(KEYS);
        let key = if key == "7" { key.to_owned() } else { format!("\"{key}\"") };
        json.push(format!("\"key\":{key}"));
    }
    if chance.percent(20) {
        json.push("\"o\":{\"a\":1,\"z\":[null,\"text\"]}".to_owned());
    }
    format!("{{{}}}", json.join(","))
}

struct Maker {
    chance: Chance,
    processes: Vec<String>,
}

impl Maker {
    fn process(&mut self) -> String {
        let most = if self.processes.len() > 3 { self.processes.len() } else { 1 };
        let among = if self.chance.percent(75) { most } else { self.processes.len() };
        self.processes[self.chance.below(among)].clone()
    }

    fn pick(&mut self) -> u64 {
        self.chance.below(1_000_000) as u64
    }

    fn action(&mut self) -> Action {
        match self.chance.below(30) {
            0..11 => Action::Create {
                process: self.process(),
                version: self.chance.pick(&[-1, -1, -1, -1, 1, 2]),
                variables: variables(&mut self.chance, false),
                business_id: self.chance.pick(&["", "", "", "", "b1", "b2"]).to_owned(),
                awaits_result: self.chance.percent(15),
            },
            11..16 => self.publish(),
            16..19 => Action::PublishAwaited { pick: self.pick() },
            19 => Action::Correlate {
                name: self.chance.pick(MESSAGES).to_owned(),
                key: self.chance.pick(KEYS).to_owned(),
            },
            20 | 21 => Action::SetVariables {
                pick: self.pick(),
                local: self.chance.percent(50),
                variables: variables(&mut self.chance, false),
            },
            22 | 23 => Action::Resolve { pick: self.pick(), repair: self.chance.percent(60) },
            24 | 25 => Action::Cancel { pick: self.pick() },
            26 => Action::Evaluate {
                decision: self.chance.pick(&["grade", "grade", "checked", "unknown"]).to_owned(),
                variables: variables(&mut self.chance, false),
            },
            _ => self.deploy(),
        }
    }

    fn publish(&mut self) -> Action {
        let name = if self.chance.percent(70) {
            self.chance.pick(MESSAGES)
        } else {
            self.chance.pick(START_MESSAGES)
        };
        Action::Publish {
            name: name.to_owned(),
            key: self.chance.pick(&["", "k1", "k1", "k2", "7", "other"]).to_owned(),
            ttl_ms: self.chance.pick(&[0, 500, 5_000, 600_000]),
            variables: if self.chance.percent(50) {
                variables(&mut self.chance, false)
            } else {
                String::new()
            },
            with_id: self.chance.percent(50),
        }
    }

    fn deploy(&mut self) -> Action {
        let mut files = Vec::new();
        if self.chance.percent(70) {
            let at = self.chance.below(self.processes.len());
            let id = self.processes[at].clone();
            files.push(File::Process { id, version: self.chance.below(3) });
        }
        if files.is_empty() || self.chance.percent(30) {
            files.push(File::Decisions { seed: self.chance.below(4) as u64 });
        }
        Action::Deploy { files }
    }
}
