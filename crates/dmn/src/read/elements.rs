//! The elements of the graph by their ids: what requirements may point at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reader::{Reader, normalized, shorten};
use crate::limits::{ELEMENTS_MAX, ID_CHARACTERS_MAX};
use crate::model::{Model, Place, Target};
use crate::xml::{Node, child, children, tag};

/// An element of the graph before its contents are read.
#[derive(Clone)]
pub(super) struct Head<'a> {
    pub(super) node: Node<'a>,
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    /// The name of its variable, else its own.
    pub(super) variable: Arc<str>,
}

/// All elements of the file, and the models that it imports.
#[derive(Default)]
pub(super) struct Elements<'a> {
    pub(super) decisions: Vec<Head<'a>>,
    pub(super) inputs: Vec<Head<'a>>,
    pub(super) knowledge: Vec<Head<'a>>,
    pub(super) services: Vec<Head<'a>>,
    /// Ids of elements that only document, which nothing but authority may require.
    documentation: Vec<&'a str>,
    by_id: BTreeMap<&'a str, Target>,
    namespace: &'a str,
    pub(super) imports: Vec<(Arc<str>, Model)>,
}

/// Elements that only document the model.
const DOCUMENTATION: [&str; 8] = [
    "knowledgeSource",
    "textAnnotation",
    "association",
    "group",
    "performanceIndicator",
    "organizationUnit",
    "elementCollection",
    "businessContextElement",
];

impl<'a> Elements<'a> {
    pub(super) fn read(
        reader: &mut Reader,
        root: Node<'a>,
        imports: Vec<(Arc<str>, Model)>,
    ) -> Elements<'a> {
        let namespace = root.attribute("namespace").unwrap_or_default();
        let mut elements = Elements { namespace, imports, ..Elements::default() };
        let mut count = 0;
        for node in children(root) {
            let make: fn(Place) -> Target = match tag(node) {
                "decision" => Target::Decision,
                "inputData" => Target::Input,
                "businessKnowledgeModel" => Target::Knowledge,
                "decisionService" => Target::Service,
                name if DOCUMENTATION.contains(&name) => {
                    elements.documentation.extend(node.attribute("id"));
                    continue;
                }
                "import" | "itemDefinition" | "description" | "extensionElements" => continue,
                name => {
                    let reason = format!("`{name}` has no meaning in `definitions`; remove it");
                    reader.refuse(node, reason);
                    continue;
                }
            };
            count += 1;
            if count == ELEMENTS_MAX + 1 {
                let reason = format!("the file has more than {ELEMENTS_MAX} elements; split it");
                reader.refuse(node, reason);
            }
            if count <= ELEMENTS_MAX {
                elements.add(reader, node, make);
            }
        }
        elements
    }

    fn add(&mut self, reader: &mut Reader, node: Node<'a>, make: fn(Place) -> Target) {
        let Some(head) = head(reader, node) else { return };
        let list = match tag(node) {
            "decision" => &mut self.decisions,
            "inputData" => &mut self.inputs,
            "businessKnowledgeModel" => &mut self.knowledge,
            _ => &mut self.services,
        };
        let index = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.push(head);
        if let Some(id) = node.attribute("id") {
            self.by_id.insert(id.trim(), make(Place { import: None, index }));
        }
    }

    /// The element that the attribute `href` of the node points at. Refuses the node if there is
    /// none; `wanted` says in words what it has to be.
    pub(super) fn resolve(
        &self,
        reader: &mut Reader,
        node: Node<'a>,
        wanted: &str,
    ) -> Option<Target> {
        let href = reader.required(node, "href")?;
        let found = self.find(href);
        if found.is_none() {
            let reason = format!(
                "`{}` points at no element of this file or of what it imports; it has to be the id of {wanted} behind a `#`",
                shorten(href)
            );
            reader.refuse(node, reason);
        }
        found
    }

    fn find(&self, href: &str) -> Option<Target> {
        let (namespace, id) = href.rsplit_once('#')?;
        if namespace.is_empty() || namespace == self.namespace {
            return self.by_id.get(id).copied();
        }
        let mut imports = self.imports.iter().zip(0u32..);
        let ((_, model), import) =
            imports.find(|((_, model), _)| model.namespace() == namespace)?;
        model.target(id, import)
    }

    /// Whether the reference is to something that only documents the model.
    pub(super) fn is_documentation(&self, href: &str) -> bool {
        href.rsplit_once('#').is_some_and(|(_, id)| self.documentation.contains(&id))
    }
}

fn head<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Head<'a>> {
    let name = node.attribute("name").map(normalized).filter(|name| !name.is_empty());
    let id: Arc<str> = match node.attribute("id").map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => id.into(),
        // By the standard an id is optional; then the name identifies the element.
        None if reader.is_dmn() && name.is_some() => name.clone()?,
        None => {
            reader.refuse(node, "the attribute `id` is missing or empty; set a unique id");
            return None;
        }
    };
    if id.chars().count() > ID_CHARACTERS_MAX {
        let reason = format!(
            "the id `{}` is longer than {ID_CHARACTERS_MAX} characters; shorten it",
            shorten(&id)
        );
        reader.refuse(node, reason);
    }
    let Some(name) = name else {
        reader.refuse(node, "the attribute `name` is missing or empty; set it");
        return None;
    };
    let variable = child(node, "variable").and_then(|variable| variable.attribute("name"));
    let variable = variable.map(normalized).filter(|name| !name.is_empty());
    // Camunda sees a decision without a variable under its id, the standard under its name.
    let unnamed = match tag(node) {
        "decision" if !reader.is_dmn() => &id,
        _ => &name,
    };
    Some(Head { node, variable: variable.unwrap_or_else(|| unnamed.clone()), id, name })
}
