//! What is told of a fault.

use serde::{Deserialize, Serialize};

use super::{FaultKind, FaultSpec, MessageKind, NODE_ANY};

/// A fault that is armed, or has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultStatus {
    /// How it is called.
    pub id: String,
    /// What it is, for people.
    pub text: String,
    /// How long it still lasts, milliseconds; 0 when it has ended.
    pub remaining_ms: u64,
    /// How often it has acted.
    pub hits: u64,
    /// It has acted as often as it was to.
    pub spent: bool,
    /// What it was asked for with.
    pub spec: FaultSpec,
}

impl FaultSpec {
    /// What it is, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.what();
        if let Some(skip) = self.skip.filter(|skip| *skip > 0) {
            text.push_str(&format!(", after {skip} that are left alone"));
        }
        if let Some(count) = self.count {
            text.push_str(&if count == 1 {
                ", once".to_owned()
            } else {
                format!(", {count} times")
            });
        }
        if let Some(probability) = self.probability {
            text.push_str(&format!(", with a probability of {probability}"));
        }
        text
    }

    fn what(&self) -> String {
        let delay = self.delay_ms.unwrap_or_default();
        let more = self.jitter_ms.map_or(String::new(), |ms| format!(" to {} ms", delay + ms));
        match self.fault {
            FaultKind::Drop => format!("{} are lost", self.messages()),
            FaultKind::Delay => format!("{} arrive {delay} ms{more} later", self.messages()),
            FaultKind::Duplicate => format!("{} arrive twice", self.messages()),
            FaultKind::Reorder => format!("{} are overtaken by later ones", self.messages()),
            FaultKind::Corrupt => format!("a bit of {} flips", self.messages()),
            FaultKind::DiskFull => {
                format!("the disk has room for {} bytes", self.room_bytes.unwrap_or_default())
            }
            FaultKind::SlowFsync => format!("a flush of the disk takes {delay} ms{more} longer"),
            FaultKind::DiskError => "the disk fails".to_owned(),
            FaultKind::Clock => match (self.offset_ms, self.drift_ppm) {
                (Some(offset), None) => format!("the clock is {offset} ms ahead"),
                (None, Some(ppm)) => format!("the clock runs {ppm} ppm too fast"),
                (offset, ppm) => format!(
                    "the clock is {} ms ahead and runs {} ppm too fast",
                    offset.unwrap_or_default(),
                    ppm.unwrap_or_default()
                ),
            },
            FaultKind::Pause => format!("the process stands still for {} ms", self.ttl_ms),
            FaultKind::Crash => {
                format!("the process is killed at {}", self.point.as_deref().unwrap_or_default())
            }
            FaultKind::ExporterOutage => "exporters reach nothing".to_owned(),
        }
    }

    fn messages(&self) -> String {
        let mut what = match (&self.name, self.message.unwrap_or(MessageKind::Any)) {
            (Some(name), _) => format!("messages {name}"),
            (None, MessageKind::Any) => "all messages".to_owned(),
            (None, kind) => format!("messages of the kind {}", kind.name()),
        };
        if let Some(partition) = self.partition {
            what.push_str(&format!(" for partition {partition}"));
        }
        let end = |name: &Option<String>| match name.as_deref() {
            Some(NODE_ANY) | None => "every other node".to_owned(),
            Some(name) => name.to_owned(),
        };
        format!("{what} from {} to {}", end(&self.from), end(&self.to))
    }
}
