//! Imports of other models.

use std::sync::Arc;

use super::reader::{Reader, normalized, shorten};
use crate::model::{Model, Options};
use crate::xml::{Node, children_named, version_of};

/// The imported models with the names that they have in this file.
pub(super) fn read(
    reader: &mut Reader,
    root: Node<'_>,
    options: &Options,
) -> Vec<(Arc<str>, Model)> {
    let mut imports: Vec<(Arc<str>, Model)> = Vec::new();
    if !reader.check_entries(root, "import") {
        return imports;
    }
    for node in children_named(root, "import") {
        let kind = node.attribute("importType").unwrap_or_default();
        if version_of(kind).is_none() && reader.is_dmn() {
            let reason = format!(
                "the import is of the type `{}`; only DMN models can be imported",
                shorten(kind)
            );
            reader.refuse(node, reason);
            continue;
        }
        let name = node.attribute("name").map_or_else(|| Arc::from(""), normalized);
        if imports.iter().any(|(existing, _)| !name.is_empty() && *existing == name) {
            let reason = format!("the import name `{name}` is used more than once; rename one");
            reader.refuse(node, reason);
        }
        let Some(namespace) = reader.required(node, "namespace") else { continue };
        match options.imports.iter().find(|model| model.namespace() == namespace) {
            Some(model) if model.dialect() != reader.dialect => {
                reader.refuse(node, "the imported model was read in another dialect; use one");
            }
            Some(model) => {
                reader.declare(&name);
                imports.push((name, model.clone()));
            }
            // Camunda does not read imports; what refers to them is refused there.
            None if !reader.is_dmn() => {}
            None => {
                let reason = format!(
                    "there is no model with the namespace `{}` to import",
                    shorten(namespace)
                );
                reader.refuse(node, reason);
            }
        }
    }
    imports
}
