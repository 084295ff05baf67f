//! Orphans: every Rust file belongs to a crate, by a chain of `mod` items from one of its targets.

use super::Tree;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn check(tree: &Tree, offences: &mut Vec<String>) {
    let mut reached = BTreeSet::new();
    let workspaces = tree.detached.iter().chain([&tree.metadata]);
    for package in workspaces.flat_map(|workspace| &workspace.packages) {
        for target in &package.targets {
            let path = target.src_path.strip_prefix(&tree.root).unwrap_or(&target.src_path);
            reach(tree, path.to_path_buf(), true, &mut reached);
        }
    }
    for source in tree.sources.iter().filter(|source| source.is_rust()) {
        if !reached.contains(&source.path) {
            offences.push(format!(
                "{}: no `mod` leads to this file, so nothing compiles it. Add one, or remove the file",
                source.path.display()
            ));
        }
    }
}

/// Follows the `mod` items of a file. A `root` (of a target) or `mod.rs` looks for them beside itself, any other file in
/// the folder that bears its name.
fn reach(tree: &Tree, path: PathBuf, root: bool, reached: &mut BTreeSet<PathBuf>) {
    let Some(source) = tree.sources.iter().find(|source| source.path == path) else { return };
    if !reached.insert(path.clone()) {
        return;
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let beside = root || path.file_stem().is_some_and(|stem| stem == "mod");
    let folder = if beside { parent.to_path_buf() } else { path.with_extension("") };
    let mut explicit = None;
    for line in source.text().unwrap_or("").lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            explicit = rest.split('"').next().map(|name| normal(&parent.join(name)));
        } else if let Some(included) =
            line.split("include!(\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            reach(tree, normal(&parent.join(included)), false, reached);
        } else if let Some(name) = module_name(line) {
            if let Some(file) = explicit.take() {
                reach(tree, file, true, reached);
            } else {
                reach(tree, folder.join(format!("{name}.rs")), false, reached);
                reach(tree, folder.join(name).join("mod.rs"), false, reached);
            }
        }
    }
}

/// The name in `mod name;`, with any visibility.
fn module_name(line: &str) -> Option<&str> {
    let item = line.strip_suffix(';')?;
    let item = if item.starts_with("pub") { item.split_once(' ')?.1 } else { item };
    let item = item.split_once(") ").map_or(item, |(_, rest)| rest);
    item.strip_prefix("mod ")
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        if component == std::path::Component::ParentDir {
            result.pop();
        } else {
            result.push(component);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn reads_mod_items() {
        assert_eq!(module_name("mod a;"), Some("a"));
        assert_eq!(module_name("pub mod b;"), Some("b"));
        assert_eq!(module_name("pub(crate) mod c;"), Some("c"));
        assert_eq!(module_name("pub(in crate::x) mod d;"), Some("d"));
        assert_eq!(module_name("mod e {"), None);
        assert_eq!(module_name("use f;"), None);
    }
}
