//! Manifests: every crate inherits the lints and versions of the workspace, and Cargo.lock is committed.

use super::Tree;
use std::process::{Command, Stdio};

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    for package in &tree.metadata.packages {
        let path = package.manifest_path.strip_prefix(&tree.root).unwrap_or(&package.manifest_path);
        let path = path.display();
        let Some(source) = tree.source(&path.to_string()) else { continue };
        let manifest: toml::Table = match source.text().unwrap_or("").parse() {
            Ok(manifest) => manifest,
            Err(error) => {
                offences.push(format!("{path}: {error}"));
                continue;
            }
        };
        if !is_inherited(manifest.get("lints")) {
            offences.push(format!("{path}: add `[lints]` with `workspace = true`"));
        }
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in dependencies {
                if !is_inherited(Some(value)) {
                    offences.push(format!(
                        "{path}: {name} gets its version from the workspace: name it in the root's Cargo.toml and write \
                         `{name}.workspace = true` here"
                    ));
                }
            }
        }
    }
    if tree.source("Cargo.lock").is_none() {
        offences.push(
            "Cargo.lock: missing; everybody builds the same versions, so commit it".to_owned(),
        );
    } else if tree.root.join(".git").exists() {
        let tracked = Command::new("git")
            .args(["ls-files", "--error-unmatch", "Cargo.lock"])
            .current_dir(&tree.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if tracked.is_ok_and(|status| !status.success()) {
            offences
                .push("Cargo.lock: not committed; everybody builds the same versions".to_owned());
        }
    }
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool).unwrap_or(false)
}
