//! What the workspace is made of: its packages as cargo sees them, and its files.

use crate::shell;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Folders that hold what tools made and not what people wrote.
const GENERATED_DIRECTORIES: [&str; 6] =
    [".git", "target", "node_modules", "__pycache__", ".venv", ".idea"];

/// The same, at the root only: where `skep serve` keeps its data by default, and what others wrote.
const FOREIGN_AT_ROOT: [&str; 3] = ["data", "skep-data", "vendor"];

/// The answer of `cargo metadata`, as far as the tasks look at it.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// One crate: of the workspace (`source` absent) or a dependency of it.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) license_file: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// One line of a `[dependencies]` table; `kind` is absent for the normal table.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
}

/// A library, binary, test, example or build script, with the file that it starts from.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) src_path: PathBuf,
}

/// The root of the workspace: two levels above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Asks cargo for the packages: those of the workspace, or with `dependencies` the whole graph.
pub(crate) fn metadata(dependencies: bool) -> Result<Metadata, String> {
    metadata_at(&root(), dependencies)
}

/// The same for the workspace in this folder.
pub(crate) fn metadata_at(folder: &Path, dependencies: bool) -> Result<Metadata, String> {
    let mut command = shell::cargo(folder);
    command.args(["metadata", "--format-version", "1", "--locked"]);
    if !dependencies {
        command.arg("--no-deps");
    }
    let text = shell::output(&mut command)?;
    serde_json::from_str(&text)
        .map_err(|error| format!("cargo metadata answered nonsense: {error}"))
}

/// Every file that people wrote, as paths below `root`, in order.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let failed = |error| format!("cannot list {}: {error}", directory.display());
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            if kind.is_dir() {
                let generated = GENERATED_DIRECTORIES.iter().any(|generated| name == *generated)
                    || (directory == root && FOREIGN_AT_ROOT.iter().any(|data| name == *data));
                if !generated {
                    directories.push(entry.path());
                }
            } else if kind.is_file() {
                let path = entry.path();
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}
