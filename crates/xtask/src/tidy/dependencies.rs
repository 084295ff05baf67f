//! Dependencies point one way: surface -> runtime -> pure (docs/ARCHITECTURE.md). A new edge between crates is
//! a decision, not a line in a manifest.

use super::Tree;

/// What each crate may depend on among the crates of the workspace.
///
/// Changing this table needs a decision record in `docs/adr/`.
const LAW: [(&str, &[&str]); 16] = [
    ("protocol", &[]),
    ("feel", &[]),
    ("dmn", &["feel"]),
    ("bpmn", &["feel"]),
    ("engine", &["protocol", "feel", "dmn", "bpmn"]),
    ("env", &[]),
    ("storage", &["env"]),
    ("exporter", &["protocol", "env"]),
    ("view", &["protocol", "exporter", "env"]),
    (
        "broker",
        &["protocol", "feel", "dmn", "bpmn", "engine", "env", "storage", "exporter", "view"],
    ),
    ("gateway", &["broker", "view", "protocol", "env"]),
    ("client", &[]),
    ("chaos", &["client", "env"]),
    ("check", &["protocol", "engine"]),
    (
        "cli",
        &[
            "protocol", "feel", "dmn", "bpmn", "engine", "env", "storage", "exporter", "view",
            "broker", "gateway", "client", "chaos", "check",
        ],
    ),
    ("xtask", &["client"]),
];

/// Crates that may depend on anything, and that nothing may depend on.
const DEVELOPMENT: [&str; 1] = ["sim"];

/// Crates without IO, clock, threads, randomness, globals.
const PURE: [&str; 5] = ["protocol", "feel", "dmn", "bpmn", "engine"];

/// What a pure crate must not pull in, and what it does instead.
const IMPURE: [(&str, &str); 17] = [
    ("tokio", "return an effect; the broker waits"),
    ("tokio-stream", "return an effect; the broker waits"),
    ("tokio-util", "return an effect; the broker waits"),
    ("futures", "return an effect; the broker waits"),
    ("async-trait", "return an effect; the broker waits"),
    ("parking_lot", "a partition is single-threaded: there is nothing to lock"),
    ("rand", "randomness is an input of the command"),
    ("libc", "the machine is behind `env`"),
    ("socket2", "the machine is behind `env`"),
    ("tracing", "return a record or an effect; the broker logs"),
    ("metrics", "return a record or an effect; the broker counts"),
    ("axum", "only the gateway knows HTTP"),
    ("tonic", "only the gateway and the client know gRPC"),
    ("hyper", "only the gateway knows HTTP"),
    ("reqwest", "only surfaces know HTTP"),
    ("heed", "state reaches the disk through `storage`"),
    ("serde_json", "JSON is a wire format: the gateway translates it"),
];

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    for package in &tree.metadata.packages {
        let Some(name) = short(&package.name) else {
            offences.push(format!("crate {}: its name has to start with `skep-`", package.name));
            continue;
        };
        let law = LAW.iter().find(|(crate_name, _)| *crate_name == name);
        if law.is_none() && !DEVELOPMENT.contains(&name) {
            offences.push(format!(
                "crate {name}: not in the dependency law (crates/xtask/src/tidy/dependencies.rs). A crate exists \
                 only for a reason that the compiler must enforce: write that reason into docs/adr/, then add it"
            ));
            continue;
        }
        // Tests may use what they like, as long as cargo finds no cycle.
        for dependency in package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")) {
            if let Some((_, allowed)) = law
                && let Some(target) = short(&dependency.name)
                && !allowed.contains(&target)
            {
                offences.push(format!(
                    "crate {name}: must not depend on {target}, only on [{}]. Move the shared noun to `protocol`, hand \
                     the value in from the caller, or write a decision record into docs/adr/ and change the law in \
                     crates/xtask/src/tidy/dependencies.rs",
                    allowed.join(" ")
                ));
            }
            if PURE.contains(&name)
                && let Some((_, instead)) =
                    IMPURE.iter().find(|(crate_name, _)| *crate_name == dependency.name)
            {
                offences.push(format!(
                    "crate {name}: is pure and must not depend on {}: {instead}",
                    dependency.name
                ));
            }
        }
    }
    for name in PURE {
        let path = format!("crates/{name}/src/lib.rs");
        let Some(text) = tree.source(&path).and_then(|source| source.text()) else { continue };
        for attribute in ["#![forbid(unsafe_code)]", "clippy::indexing_slicing"] {
            if !text.contains(attribute) {
                offences.push(format!("{path}:1: a pure crate has `{attribute}` at its root"));
            }
        }
    }
}

/// The name of a crate of the workspace without its prefix; nothing for crates from elsewhere.
fn short(name: &str) -> Option<&str> {
    name.strip_prefix("skep-")
}
