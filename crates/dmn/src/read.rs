//! From the XML tree to a [`Model`]. Everything wrong is collected, so that one attempt shows all of
//! it.

mod boxed;
mod cycles;
mod decision_table;
mod elements;
mod free_names;
mod function;
mod graph;
mod imports;
mod item_definition;
mod reader;
mod report;
mod requirements;

use std::collections::BTreeSet;

use elements::Elements;
use reader::Reader;
pub(crate) use reader::shorten;

use crate::limits::ID_CHARACTERS_MAX;
use crate::model::{Model, Options};
use crate::violation::Violations;
use crate::xml::{self, MODEL_NAMESPACES, Node, is_model, version_of};

/// Reads a whole file.
pub(crate) fn read(text: &str, options: &Options) -> Result<Model, Violations> {
    let document = xml::read(text)?;
    let mut reader = Reader::new(text, options.dialect);
    let root = document.root_element();
    if xml::tag(root) != "definitions" {
        return Err(Violations::of_file(0, no_model(root)));
    }
    check_namespaces(&mut reader, root);
    check_ids(&mut reader, root);
    reader.check_language(root);
    let id = definitions_id(&mut reader, root);
    let name = reader.required(root, "name").unwrap_or_default();
    let namespace = reader.required(root, "namespace").unwrap_or_default();
    let imports = imports::read(&mut reader, root, options);
    if reader.is_dmn() {
        item_definition::read_all(&mut reader, root, &imports);
    }
    let elements = Elements::read(&mut reader, root, imports);
    let graph = graph::read(&mut reader, &elements, root);
    reader.report.finish()?;
    let Reader { dialect, types, .. } = reader;
    let imports = elements.imports.into_iter().map(|(_, model)| model).collect();
    Ok(Model::new(id.into(), name.into(), namespace.into(), dialect, types, imports, graph))
}

fn no_model(root: Node<'_>) -> String {
    let (newest, _) = MODEL_NAMESPACES.last().copied().unwrap_or_default();
    let found = root.tag_name().name();
    match root.tag_name().namespace() {
        Some(namespace) if found == "definitions" => format!(
            "this is not a DMN 1.1 - 1.5 file: its namespace is `{}`, that of DMN 1.5 is `{newest}`",
            shorten(namespace)
        ),
        _ => format!(
            "this is not a DMN file: its root is `{}`, not `definitions` of a namespace such as `{newest}`",
            shorten(found)
        ),
    }
}

/// One file is of one version of DMN.
fn check_namespaces(reader: &mut Reader, root: Node<'_>) {
    let own = root.tag_name().namespace();
    for node in root.descendants().filter(|node| is_model(*node)) {
        let namespace = node.tag_name().namespace();
        if namespace != own {
            let found = namespace.and_then(version_of).unwrap_or_default();
            let expected = own.and_then(version_of).unwrap_or_default();
            let reason = format!(
                "the element is of DMN {found} in a file of DMN {expected}; use one namespace"
            );
            reader.refuse(node, reason);
        }
    }
}

/// Ids of DMN elements are not empty and unique in the file.
fn check_ids(reader: &mut Reader, root: Node<'_>) {
    let mut seen = BTreeSet::new();
    for node in root.descendants().filter(|node| is_model(*node)) {
        let Some(id) = node.attribute("id") else { continue };
        if id.trim().is_empty() {
            reader.refuse(node, "the id is empty; set a unique id");
        } else if !seen.insert(id.trim()) {
            let reason = format!("the id `{}` is used more than once in this file", shorten(id));
            reader.refuse(node, reason);
        }
    }
}

/// The id of the definitions; by the standard it is optional, then the name stands for it.
fn definitions_id<'a>(reader: &mut Reader, root: Node<'a>) -> &'a str {
    let id = root.attribute("id").map(str::trim).filter(|id| !id.is_empty());
    let id = match id {
        Some(id) => id,
        None if reader.is_dmn() => root.attribute("name").unwrap_or_default(),
        None => {
            let reason = "the attribute `id` is missing or empty; set a unique id";
            reader.refuse(root, reason);
            ""
        }
    };
    if id.chars().count() > ID_CHARACTERS_MAX {
        let reason = format!(
            "the id `{}` is longer than {ID_CHARACTERS_MAX} characters; shorten it",
            shorten(id)
        );
        reader.refuse(root, reason);
    }
    id
}
