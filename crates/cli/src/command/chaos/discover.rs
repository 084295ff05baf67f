//! `skep chaos discover`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use serde_json::{Value, json};
use skep_env::{Clock, OsRandom, Random, SystemClock, rfc3339};

use crate::Cli;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DiscoverArgs {
    /// Where the list goes
    #[arg(long, value_name = "FILE", default_value = "./discovery.json")]
    discovery_path: PathBuf,

    /// Leave out what this machine is
    #[arg(long)]
    no_system_info: bool,
}

const AFTER_HELP: &str = "\
The file has the shape of the Chaos Toolkit's: a list of activities with their arguments.

Examples:
  skep chaos discover
  skep chaos discover --discovery-path actions.json";

/// Verbs that only look.
const PROBES: [&str; 6] = ["verify", "topology", "status", "wait", "list", "brokers-with-role"];

impl DiscoverArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let discovery = discovery(!self.no_system_info);
        let count = discovery["activities"].as_array().map_or(0, Vec::len);
        let path = &self.discovery_path;
        std::fs::write(path, format!("{discovery:#}\n"))
            .map_err(|error| Failure::file("write", path, error))?;
        let shown = path.display().to_string();
        format.done(
            &format!("{count} actions and probes are listed in {shown}"),
            &json!({"discovery": shown, "activities": count}),
        )
    }
}

fn discovery(with_system: bool) -> Value {
    let machine = |name: &str| {
        let path = format!("/proc/sys/kernel/{name}");
        std::fs::read_to_string(path).map_or_else(|_| String::new(), |text| text.trim().to_owned())
    };
    let platform = json!({
        "system": machine("ostype"),
        "node": machine("hostname"),
        "release": machine("osrelease"),
        "version": machine("version"),
        "machine": std::env::consts::ARCH,
        "proc": "",
        "python": null,
    });
    json!({
        "chaoslib_version": concat!("skep-", env!("CARGO_PKG_VERSION")),
        "id": new_id(),
        "target": "skep",
        "date": rfc3339(SystemClock.now_ms()),
        "platform": if with_system { platform } else { Value::Null },
        "extension": {"name": "skep", "version": env!("CARGO_PKG_VERSION")},
        "activities": activities(),
        "system": null,
    })
}

/// A random UUID, which the original gives every list.
fn new_id() -> String {
    let (high, low) = (OsRandom.next_u64(), OsRandom.next_u64());
    let (version, variant) = ((high & 0xfff) | 0x4000, ((low >> 48) & 0x3fff) | 0x8000);
    format!(
        "{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        low & 0xffff_ffff_ffff
    )
}

/// The verbs of `skep zbchaos`, and what any experiment can do.
fn activities() -> Vec<Value> {
    let mut activities = vec![
        json!({"type": "action", "name": "process", "mod": "process", "doc": "Run a program", "arguments": [
            {"name": "path", "type": "string"}, {"name": "arguments", "type": "list"},
            {"name": "timeout", "type": "number"}]}),
        json!({"type": "action", "name": "http", "mod": "http", "doc": "Call a URL", "arguments": [
            {"name": "url", "type": "string"}, {"name": "method", "type": "string", "default": "GET"},
            {"name": "headers", "type": "mapping"}, {"name": "arguments", "type": "mapping"},
            {"name": "timeout", "type": "number"}]}),
    ];
    let cli = Cli::command();
    if let Some(verbs) = cli.find_subcommand("zbchaos") {
        for verb in verbs.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            add(verb, "", &mut activities);
        }
    }
    activities
}

fn add(verb: &clap::Command, before: &str, activities: &mut Vec<Value>) {
    let name = format!("{before} {}", verb.get_name()).trim().to_owned();
    let inner: Vec<&clap::Command> = verb.get_subcommands().collect();
    if !inner.is_empty() {
        return inner.into_iter().for_each(|inner| add(inner, &name, activities));
    }
    let looks = name.split(' ').any(|word| PROBES.contains(&word));
    let doc = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let arguments: Vec<Value> = verb
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        .map(argument)
        .collect();
    activities.push(json!({
        "type": if looks { "probe" } else { "action" },
        "name": name,
        "mod": "zbchaos",
        "doc": doc,
        "arguments": arguments,
    }));
}

fn argument(argument: &clap::Arg) -> Value {
    let name = match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_id().to_string(),
    };
    let flag = !argument.get_action().takes_values();
    let mut described = json!({"name": name, "type": if flag { "boolean" } else { "string" }});
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if !flag && let [default] = defaults.as_slice() {
        described["default"] = json!(default);
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_shape_of_the_original() {
        let discovery = discovery(true);
        for activity in discovery["activities"].as_array().expect("a list") {
            for key in ["type", "name", "mod", "doc", "arguments"] {
                assert!(activity.get(key).is_some(), "{key} of {activity}");
            }
        }
        let has = |name: &str| {
            discovery["activities"]
                .as_array()
                .is_some_and(|list| list.iter().any(|activity| activity["name"] == name))
        };
        assert!(has("process") && has("http"));
        assert_eq!(discovery["id"].as_str().map(str::len), Some(36));
        for key in ["chaoslib_version", "target", "date", "platform", "extension", "system"] {
            assert!(discovery.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn verbs_become_activities() {
        let command = clap::Command::new("verify").subcommand(
            clap::Command::new("readiness").about("Look").arg(clap::Arg::new("n").long("n")),
        );
        let mut activities = Vec::new();
        add(&command, "", &mut activities);
        assert_eq!(
            activities,
            [json!({"type": "probe", "name": "verify readiness", "mod": "zbchaos", "doc": "Look",
                "arguments": [{"name": "--n", "type": "string"}]})]
        );
    }
}
