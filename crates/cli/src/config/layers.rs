//! Flags over environment over file: the same for every server.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use figment::Figment;
use figment::providers::{Format as _, Yaml};
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Variables with our prefix that belong to other commands, or name the file.
const OTHER_VARIABLES: &[&str] =
    &["SKEP_ADDRESS", "SKEP_TOKEN", "SKEP_CONFIG", "SKEP_CLUSTER_DIR", "SKEP_MANAGEMENT"];

/// Options of a server, each of them optional.
pub(super) trait Options: Clone + Default + DeserializeOwned {
    /// Environment variable and option it sets. Later rows win.
    const ENVIRONMENT: &'static [(&'static str, &'static str)];

    /// Sets an option from text.
    ///
    /// # Errors
    /// What the text should have been.
    fn set(&mut self, option: &str, text: &str) -> Result<(), String>;

    /// Variables that look like options and are none.
    fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<String> {
        let known = |name: &str| {
            OTHER_VARIABLES.contains(&name)
                || Self::ENVIRONMENT.iter().any(|(variable, _)| *variable == name)
        };
        let ours = environment.keys().filter(|name| name.starts_with("SKEP_"));
        ours.filter(|name| !known(name)).cloned().collect()
    }
}

/// Flags, environment and file, the first of which wins.
pub(super) struct Layers<O>([O; 3]);

impl<O: Options> Layers<O> {
    /// # Errors
    /// When a value does not fit its option; the error names where it came from.
    pub(super) fn read(
        flags: &O,
        environment: &BTreeMap<String, String>,
        file: Option<&Path>,
    ) -> Result<Self, Failure> {
        let file = file.map_or_else(|| Ok(O::default()), of_file)?;
        Ok(Self([flags.clone(), of_environment(environment)?, file]))
    }

    /// The value of an option, unless no layer has one.
    pub(super) fn get<T>(&self, option: impl Fn(&O) -> &Option<T>) -> Option<T>
    where
        T: Clone,
    {
        self.0.iter().find_map(|layer| option(layer).clone())
    }
}

fn of_environment<O: Options>(environment: &BTreeMap<String, String>) -> Result<O, Failure> {
    let mut options = O::default();
    for (variable, option) in O::ENVIRONMENT {
        let Some(text) = environment.get(*variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        options
            .set(option, text)
            .map_err(|error| Failure::Usage(format!("environment variable {variable}: {error}")))?;
    }
    Ok(options)
}

fn of_file<O: Options>(path: &Path) -> Result<O, Failure> {
    if !path.is_file() {
        return Err(Failure::Usage(format!(
            "the configuration file {} is not there",
            path.display()
        )));
    }
    Figment::new()
        .merge(Yaml::file_exact(path))
        .extract()
        .map_err(|error| Failure::Usage(format!("configuration file {}: {error}", path.display())))
}

/// The value of an option as text has it.
pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, String> {
    text.parse().map(Some).map_err(|error| format!("'{text}': {error}"))
}
