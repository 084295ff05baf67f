//! The experiments that come with Skep, compiled in: `experiments/` of the repository.

use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

const MANIFEST: &str = include_str!("../../../experiments/manifest.yml");

macro_rules! experiments {
    ($($path:literal,)*) => {
        /// Path and text of every experiment.
        const EXPERIMENTS: &[(&str, &str)] = &[
            $(($path, include_str!(concat!("../../../experiments/", $path, "/experiment.json"))),)*
        ];
    };
}

experiments! {
    "production-s/deployment-distribution",
    "production-s/deployment-distribution-bpmn",
    "production-l/deployment-distribution",
    "production-l/deployment-distribution-bpmn",
    "production-s/deployment-distribution-multi-version",
    "production-s/broker-dataloss",
    "production-s/follower-restart",
    "production-s/follower-terminate",
    "production-s/leader-restart",
    "production-s/leader-terminate",
    "production-s/multiple-leader-restart",
    "production-s/msg-correlation",
    "production-s/stress-cpu-on-broker",
    "production-s/worker-restart",
    "production-s/job-push/gateway-restart",
    "production-s/job-push/gateway-terminate",
    "production-s/job-push/cluster-restart",
    "production-s/job-push/cluster-terminate",
    "production-s/worker-resilience/gateway-restart",
    "production-s/worker-resilience/gateway-terminate",
    "production-s/scaling/broker-scaling",
    "production-s/scaling/broker-partition-scaling",
    "test/experiment",
    "test/version-experiment",
    "production-s/gateway-partition",
    "production-s/high-load",
    "production-s/process-continuation",
    "production-s/stress-cpu-on-gateway",
    "production-s/multiple-leader-restart-refs",
    "production-s/broker-outage",
    "production-s/zeebe-9877/acknowledgement-lost",
    "production-s/zeebe-9877/acknowledgement-delayed",
    "production-s/zeebe-9877/fail-over-after-delivery",
}

/// An experiment, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) cluster_plans: Vec<String>,
    /// Only on this version of the field's engine and later ones, `major.minor`.
    #[serde(default)]
    pub(crate) min_version: Option<String>,
    /// Only up to this version.
    #[serde(default)]
    pub(crate) max_version: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    experiments: Vec<Entry>,
}

/// Reads a manifest.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, Failure> {
    use figment::providers::{Format, Yaml};
    let read = figment::Figment::from(Yaml::string(text)).extract::<Manifest>();
    let manifest =
        read.map_err(|error| Failure::Usage(format!("the manifest cannot be read: {error}")))?;
    Ok(manifest.experiments)
}

/// Those that are built in.
pub(crate) fn built_in() -> Result<Vec<Entry>, Failure> {
    parse(MANIFEST)
}

/// The text of one that is built in.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    EXPERIMENTS.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

/// `Production - S` as `production-s`.
pub(crate) fn plan_name(plan: &str) -> String {
    plan.to_lowercase().replace(' ', "")
}

impl Entry {
    /// Whether it is for this plan; those with bounds of versions are for every version that Skep
    /// stands for, which is the newest.
    pub(crate) fn is_for(&self, plan: &str) -> bool {
        self.cluster_plans.iter().any(|own| *own == plan_name(plan))
    }
}

/// The documents of a plan, for processes that run them.
pub(crate) fn documents_of(plan: &str) -> Vec<Value> {
    let entries = built_in().unwrap_or_default();
    let texts =
        entries.iter().filter(|entry| entry.is_for(plan)).filter_map(|entry| text(&entry.path));
    texts.filter_map(|text| serde_json::from_str(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_manifest_the_folder_and_what_is_built_in_are_the_same() {
        let manifest: BTreeSet<String> =
            built_in().unwrap().into_iter().map(|entry| entry.path).collect();
        let compiled: BTreeSet<String> =
            EXPERIMENTS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(manifest, compiled);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let mut found = BTreeSet::new();
        look(&root, &root, &mut found);
        assert_eq!(found, compiled);
    }

    fn look(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(root, &path, found);
            } else if path.ends_with("experiment.json") {
                let path = path.parent().unwrap().strip_prefix(root).unwrap();
                found.insert(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_experiment_has_a_hypothesis_whose_probes_are_judged() {
        for (path, text) in EXPERIMENTS {
            let document: Value = serde_json::from_str(text).unwrap();
            let probes = document["steady-state-hypothesis"]["probes"].as_array().unwrap();
            assert!(!probes.is_empty(), "{path}");
            assert!(probes.iter().all(|probe| probe["tolerance"] == 0), "{path}");
        }
    }

    #[test]
    fn plans_have_the_names_of_the_field() {
        assert_eq!(plan_name("Production - S"), "production-s");
        assert!(!documents_of("Production - S").is_empty());
        assert!(documents_of("nothing").is_empty());
    }
}
