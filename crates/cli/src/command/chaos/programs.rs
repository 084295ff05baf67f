//! Programs that experiments name and that are built in: `zbchaos`, and the shell scripts of its predecessor.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use skep_chaos::{Program, Programs};

use crate::command::zbchaos::SCRIPTS;

/// Resolves built-in names to this program itself.
#[derive(Debug, Clone)]
pub(crate) struct BuiltIn {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl BuiltIn {
    /// `program` is this executable, `cluster` the folder of the cluster that is troubled.
    pub(crate) fn new(program: PathBuf, cluster: Option<&Path>) -> Self {
        let env = cluster
            .map(|folder| (OsString::from("SKEP_CLUSTER_DIR"), folder.as_os_str().to_owned()));
        Self { program, env: env.into_iter().collect() }
    }
}

impl Programs for BuiltIn {
    fn resolve(&self, path: &str) -> Option<Program> {
        let leading: &[&str] = match name(path)? {
            "zbchaos" => &["zbchaos"],
            script => {
                let stem = script.strip_suffix(".sh")?;
                &["zbchaos", "script", SCRIPTS.iter().find(|known| **known == stem)?]
            }
        };
        Some(Program {
            program: self.program.clone(),
            leading: leading.iter().map(OsString::from).collect(),
            env: self.env.clone(),
        })
    }
}

/// The name, which may stand in a folder called `scripts`, wherever that is. Anything else with a folder in front
/// is a file.
fn name(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        None => Some(path),
        Some((folder, name)) if folder == "scripts" || folder.ends_with("/scripts") => Some(name),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leading(path: &str) -> Option<String> {
        let programs = BuiltIn::new("/bin/skep".into(), Some(Path::new("/c")));
        let program = programs.resolve(path)?;
        assert_eq!(program.env, [("SKEP_CLUSTER_DIR".into(), "/c".into())]);
        let words: Vec<String> =
            program.leading.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Some(words.join(" "))
    }

    #[test]
    fn names_stand_for_this_program() {
        assert_eq!(leading("zbchaos").as_deref(), Some("zbchaos"));
        let script = Some("zbchaos script verify-readiness");
        assert_eq!(leading("verify-readiness.sh").as_deref(), script);
        assert_eq!(leading("../scripts/verify-readiness.sh").as_deref(), script);
        assert_eq!(leading("scripts/verify-readiness.sh").as_deref(), script);
    }

    #[test]
    fn files_are_files() {
        for path in [
            "./zbchaos",
            "/usr/bin/zbchaos",
            "sh",
            "mine.sh",
            "verify-readiness",
            "my-scripts/verify-readiness.sh",
        ] {
            assert_eq!(leading(path), None, "{path}");
        }
    }

    #[test]
    fn every_script_of_the_older_tool_is_built_in() {
        for script in SCRIPTS {
            let expected = format!("zbchaos script {script}");
            assert_eq!(leading(&format!("scripts/{script}.sh")), Some(expected));
        }
    }
}
