//! Item definitions: the types that a model declares.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::{Expression, Type};

use super::boxed::text_child;
use super::reader::{Reader, normalized, shorten};
use crate::model::Model;
use crate::types::{ItemType, TypeRef};
use crate::xml::{Node, child, children_named};

/// Reads the item definitions of the file, behind those of the models that it imports.
pub(super) fn read_all(reader: &mut Reader, root: Node<'_>, imports: &[(Arc<str>, Model)]) {
    for (alias, model) in imports {
        import(reader, alias, model);
    }
    // Names first: definitions may be used before they are declared, and by themselves.
    let mut definitions = Vec::new();
    for node in children_named(root, "itemDefinition") {
        let Some(name) = reader.required(node, "name").map(normalized) else { continue };
        if reader.types.by_name.insert(name.clone(), definitions.len()).is_some() {
            let reason = format!("the type `{name}` is declared more than once; rename one");
            reader.refuse(node, reason);
        }
        let declared = reader.types.reference(definitions.len());
        reader.names.insert_type(&name, declared.clone());
        reader.declared.insert(name, declared);
        definitions.push(node);
    }
    let mut items = Items { items: Vec::new(), first_component: definitions.len() };
    let read: Vec<ItemType> =
        definitions.iter().map(|node| item(reader, &mut items, *node)).collect();
    check_cycles(reader, &definitions);
    reader.types.items.complete(read.into_iter().chain(items.items).collect());
}

/// The components that need item definitions of their own, behind those of the file.
struct Items {
    items: Vec<ItemType>,
    first_component: usize,
}

/// Adds the types of an imported model under `alias.name`.
fn import(reader: &mut Reader, alias: &str, model: &Model) {
    for (name, index) in &model.types().by_name {
        let name: Arc<str> = match alias.is_empty() {
            true => name.clone(),
            false => format!("{alias}.{name}").into(),
        };
        let declared = model.types().reference(*index);
        reader.names.insert_type(&name, declared.clone());
        reader.declared.insert(name, declared);
    }
}

/// Reads an item definition or a component.
fn item(reader: &mut Reader, items: &mut Items, node: Node<'_>) -> ItemType {
    let allowed = ["typeRef", "allowedValues", "typeConstraint", "itemComponent", "functionItem"];
    reader.check_children(node, &allowed);
    let mut components: Vec<(Arc<str>, Type)> = Vec::new();
    let few = reader.check_entries(node, "itemComponent");
    for component in children_named(node, "itemComponent").filter(|_| few) {
        let Some(name) = reader.required(component, "name").map(normalized) else { continue };
        if components.iter().any(|(existing, _)| *existing == name) {
            let reason = format!("the component `{name}` is declared more than once; rename one");
            reader.refuse(component, reason);
        }
        let required = component_type(reader, items, component);
        components.push((name, required));
    }
    let (mut output, mut base) = (None, Type::any());
    if let Some(function) = child(node, "functionItem") {
        let result = reader.type_of(function, "outputTypeRef");
        base = function_type(reader, function, &result);
        output = Some(result);
    } else if !components.is_empty() {
        base = Type::context(components);
    } else if let Some(name) = base_name(node) {
        base = reader.named_type(node, &name).declared;
    }
    ItemType {
        base,
        output,
        is_collection: is_collection(node),
        allowed: tests(reader, node, "allowedValues"),
        constraint: tests(reader, node, "typeConstraint"),
    }
}

fn is_collection(node: Node<'_>) -> bool {
    matches!(node.attribute("isCollection"), Some("true" | "1"))
}

fn base_name(node: Node<'_>) -> Option<String> {
    text_child(node, "typeRef").or_else(|| node.attribute("typeRef").map(str::to_owned))
}

/// The type of a component: another type by name, or one that is declared in place.
fn component_type(reader: &mut Reader, items: &mut Items, node: Node<'_>) -> Type {
    let item = item(reader, items, node);
    if !item.is_collection && item.allowed.is_none() && item.constraint.is_none() {
        return item.base;
    }
    items.items.push(item);
    reader.types.reference(items.first_component + items.items.len() - 1)
}

fn function_type(reader: &mut Reader, node: Node<'_>, result: &TypeRef) -> Type {
    reader.check_children(node, &["parameters"]);
    let parameters = children_named(node, "parameters");
    let parameters = parameters.map(|found| reader.type_of(found, "typeRef").declared).collect();
    Type::function(parameters, result.declared.clone())
}

fn tests(reader: &mut Reader, node: Node<'_>, name: &'static str) -> Option<Expression> {
    let values = child(node, name)?;
    let text = reader.text(values)?;
    if text.is_empty() {
        return None;
    }
    reader.unary_tests(values, "the allowed values", &text)
}

/// Refuses types that are only aliases of one another, which no value could be of.
fn check_cycles(reader: &mut Reader, definitions: &[Node<'_>]) {
    let alias_of = |node: Node<'_>| {
        let is_alias = !is_collection(node)
            && child(node, "itemComponent").is_none()
            && child(node, "functionItem").is_none();
        base_name(node).filter(|_| is_alias).map(|name| normalized(&name))
    };
    let aliases: BTreeMap<Arc<str>, Arc<str>> = definitions
        .iter()
        .filter_map(|node| Some((normalized(node.attribute("name")?), alias_of(*node)?)))
        .collect();
    for node in definitions {
        let name = node.attribute("name").map_or_else(|| Arc::from(""), normalized);
        let mut at = &name;
        // As many steps as there are aliases end at a type or never.
        for _ in 0..=aliases.len() {
            match aliases.get(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        if aliases.contains_key(at) {
            let reason = format!(
                "the type `{}` refers to itself without an entry in between; give it a type of FEEL",
                shorten(&name)
            );
            reader.refuse(*node, reason);
        }
    }
}
