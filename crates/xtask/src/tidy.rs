//! `cargo xtask tidy`: the rules that compilers do not check, so that reviews need not argue about them.
//!
//! One rule a module. Each reports every offence with its place and what to do about it.

mod dependencies;
mod files;
mod functions;
mod limit_reasons;
mod manifests;
mod orphans;
mod scripts;
mod source;
mod words;

use crate::shell::Outcome;
use crate::workspace;
use source::Source;
use std::path::Path;

/// Everything that the rules look at.
struct Tree {
    metadata: workspace::Metadata,
    /// Workspaces of their own that are built by hand: fuzz targets, comparisons with other engines.
    detached: Vec<workspace::Metadata>,
    sources: Vec<Source>,
    root: std::path::PathBuf,
}

impl Tree {
    fn read(root: &Path) -> Result<Self, String> {
        let metadata = workspace::metadata(false)?;
        let mut sources = Vec::new();
        for path in workspace::files(root)? {
            let bytes = std::fs::read(root.join(&path))
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            sources.push(Source { path, bytes });
        }
        let mut detached = Vec::new();
        for source in sources.iter().filter(|source| source.is_workspace()) {
            let folder = source.path.parent().unwrap_or(Path::new(""));
            if folder != Path::new("") {
                detached.push(workspace::metadata_at(&root.join(folder), false)?);
            }
        }
        Ok(Self { metadata, detached, sources, root: root.to_path_buf() })
    }

    /// The file at this path below the root, if there is one.
    fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == Path::new(path))
    }
}

/// Checks the workspace and prints every offence; with `fix`, writes first what can be written.
pub(crate) fn run(fix: bool) -> Outcome {
    if fix {
        scripts::fix(&Tree::read(&workspace::root())?)?;
    }
    let offences = offences()?;
    for offence in &offences {
        println!("{offence}");
    }
    match offences.len() {
        0 => {
            println!("tidy");
            Ok(())
        }
        count => Err(format!("{count} offences against the rules of the code")),
    }
}

fn offences() -> Result<Vec<String>, String> {
    let tree = Tree::read(&workspace::root())?;
    let mut offences = Vec::new();
    dependencies::check(&tree, &mut offences);
    manifests::check(&tree, &mut offences);
    files::check(&tree, &mut offences);
    functions::check(&tree, &mut offences)?;
    words::check(&tree, &mut offences);
    limit_reasons::check(&tree, &mut offences);
    orphans::check(&tree, &mut offences);
    scripts::check(&tree, &mut offences);
    Ok(offences)
}

#[cfg(test)]
mod tests {
    /// Tidy is a test, so that nobody has to remember it.
    #[test]
    fn workspace_is_tidy() {
        let offences = super::offences().expect("the workspace can be read");
        assert!(offences.is_empty(), "run `cargo xtask tidy`:\n{}", offences.join("\n"));
    }
}
