//! `cargo xtask deny`: the crates that we depend on, against `deny.toml`.
//!
//! Bans, licences and sources are checked here, from what cargo says, so that the check needs no tool and no network
//! and is the same everywhere. Advisories need cargo-deny and its database: they are checked where cargo-deny is
//! installed, and their absence is said aloud.

use crate::licence;
use crate::shell::{self, Outcome};
use crate::workspace::{self, Package};
use serde::Deserialize;

/// What cargo calls the registry of crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The part of `deny.toml` that is checked here; cargo-deny reads the same file.
#[derive(Deserialize)]
struct Rules {
    bans: Bans,
    licenses: Licences,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

/// Checks all packages of the graph and prints what is refused.
pub(crate) fn run() -> Outcome {
    let root = workspace::root();
    let text = std::fs::read_to_string(root.join("deny.toml"))
        .map_err(|error| format!("cannot read deny.toml: {error}"))?;
    let rules: Rules = toml::from_str(&text).map_err(|error| format!("deny.toml: {error}"))?;
    let packages = workspace::metadata(true)?.packages;
    let refusals: Vec<String> =
        packages.iter().flat_map(|package| refusals(package, &rules)).collect();
    for refusal in &refusals {
        println!("{refusal}");
    }
    if !refusals.is_empty() {
        return Err(format!("{} packages are refused by deny.toml", refusals.len()));
    }
    println!("{} packages: bans, licences and sources are fine", packages.len());
    check_advisories(&root)
}

fn refusals(package: &Package, rules: &Rules) -> Vec<String> {
    let Package { name, version, .. } = package;
    let mut refusals = Vec::new();
    if let Some(ban) = rules.bans.deny.iter().find(|ban| ban.name == *name) {
        refusals.push(format!(
            "{name} {version}: banned, {} (who needs it: `cargo tree -i {name}`)",
            ban.reason
        ));
    }
    match package.source.as_deref() {
        None | Some(CRATES_IO) => {}
        Some(source) => refusals.push(format!(
            "{name} {version}: comes from {source}; only crates.io is allowed, where versions cannot change"
        )),
    }
    let accepted = |licence: &str| rules.licenses.allow.iter().any(|allowed| allowed == licence);
    let satisfied =
        package.license.as_deref().is_some_and(|licence| licence::is_satisfied(licence, &accepted));
    if !satisfied {
        let licence = package.license.as_deref().or(package.license_file.as_deref());
        refusals.push(format!(
            "{name} {version}: its licence `{}` is not on the list of deny.toml",
            licence.unwrap_or("none")
        ));
    }
    refusals
}

fn check_advisories(root: &std::path::Path) -> Outcome {
    if !shell::is_installed("cargo-deny", "--version") {
        println!(
            "ADVISORIES NOT CHECKED: cargo-deny is not installed (`cargo install --locked cargo-deny`)"
        );
        return Ok(());
    }
    let mut fetch = shell::cargo(root);
    if shell::run(fetch.args(["deny", "--locked", "fetch", "db"])).is_err() {
        println!("ADVISORIES NOT CHECKED: their database cannot be reached from here");
        return Ok(());
    }
    shell::run(shell::cargo(root).args(["deny", "--locked", "check", "advisories"]))
}

#[cfg(test)]
mod tests {
    use super::{Rules, refusals};
    use crate::workspace::Package;

    fn package(name: &str, licence: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            source: source.map(str::to_owned),
            license: Some(licence.to_owned()),
            license_file: None,
            manifest_path: "x/Cargo.toml".into(),
            dependencies: Vec::new(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn refuses_what_the_rules_refuse() {
        let rules: Rules = toml::from_str(
            "[bans]\ndeny = [{ crate = \"cmake\", reason = \"x\" }]\n[licenses]\nallow = [\"MIT\"]\n",
        )
        .expect("well-formed");
        let count = |name, licence, source| refusals(&package(name, licence, source), &rules).len();
        assert_eq!(count("serde", "MIT OR Apache-2.0", Some(super::CRATES_IO)), 0);
        assert_eq!(count("skep-cli", "MIT", None), 0);
        assert_eq!(count("cmake", "MIT", Some(super::CRATES_IO)), 1);
        assert_eq!(count("serde", "GPL-3.0", Some(super::CRATES_IO)), 1);
        assert_eq!(count("serde", "MIT", Some("git+https://example.org/x")), 1);
    }
}
