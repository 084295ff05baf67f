//! Item definitions: the types that a model declares.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::boxed::text_child;
use super::reader::{Reader, normalized, shorten};
use crate::model::Model;
use crate::types::{ItemType, Shape, Type};
use crate::xml::{Node, child, children_named};

/// Reads the item definitions of the file, behind those of the models that it imports.
pub(super) fn read_all(reader: &mut Reader, root: Node<'_>, imports: &[(Arc<str>, Model)]) {
    for (alias, model) in imports {
        import(reader, alias, model);
    }
    let definitions: Vec<Node<'_>> = children_named(root, "itemDefinition").collect();
    // Names first: definitions may be used before they are declared, and by themselves.
    for node in &definitions {
        let Some(name) = reader.required(*node, "name").map(normalized) else { continue };
        if reader.types.by_name.contains_key(&name) {
            let reason = format!("the type `{name}` is declared more than once; rename one");
            reader.refuse(*node, reason);
            continue;
        }
        let index = add(reader, placeholder(name.clone()));
        reader.types.by_name.insert(name, index);
    }
    for node in definitions {
        let index = node
            .attribute("name")
            .and_then(|name| reader.types.by_name.get(&normalized(name)).copied());
        let item = item(reader, node);
        if let (Some(index), Some(item)) = (index, item) {
            set(reader, index, item);
        }
    }
    check_cycles(reader, root);
}

/// Adds the types of an imported model under `alias.name`.
fn import(reader: &mut Reader, alias: &str, model: &Model) {
    let types = model.types();
    let offset = u32::try_from(reader.types.items.len()).unwrap_or(u32::MAX);
    let moved = |required: Type| match required {
        Type::Item(index) => Type::Item(index.saturating_add(offset)),
        other => other,
    };
    for item in &types.items {
        let shape = match &item.shape {
            Shape::Alias(base) => Shape::Alias(moved(*base)),
            Shape::Components(entries) => Shape::Components(
                entries.iter().map(|(name, required)| (name.clone(), moved(*required))).collect(),
            ),
            Shape::Function { parameters, output } => {
                Shape::Function { parameters: *parameters, output: moved(*output) }
            }
        };
        reader.types.items.push(ItemType { shape, ..item.clone() });
    }
    for (name, index) in &types.by_name {
        let name: Arc<str> = match alias.is_empty() {
            true => name.clone(),
            false => format!("{alias}.{name}").into(),
        };
        reader.types.by_name.entry(name).or_insert(index.saturating_add(offset));
    }
}

fn placeholder(name: Arc<str>) -> ItemType {
    let shape = Shape::Alias(Type::Any);
    ItemType { name, shape, is_collection: false, allowed: None, constraint: None }
}

fn add(reader: &mut Reader, item: ItemType) -> u32 {
    reader.types.items.push(item);
    u32::try_from(reader.types.items.len() - 1).unwrap_or(u32::MAX)
}

fn set(reader: &mut Reader, index: u32, item: ItemType) {
    if let Some(place) = reader.types.items.get_mut(index as usize) {
        *place = item;
    }
}

/// Reads an item definition or a component.
fn item(reader: &mut Reader, node: Node<'_>) -> Option<ItemType> {
    let allowed = ["typeRef", "allowedValues", "typeConstraint", "itemComponent", "functionItem"];
    reader.check_children(node, &allowed);
    let name = reader.required(node, "name").map(normalized);
    let mut components = Vec::new();
    for component in children_named(node, "itemComponent") {
        let Some(name) = reader.required(component, "name").map(normalized) else { continue };
        if components.iter().any(|(existing, _)| *existing == name) {
            let reason = format!("the component `{name}` is declared more than once; rename one");
            reader.refuse(component, reason);
        }
        reader.declare(&name);
        let required = component_type(reader, component);
        components.push((name, required));
    }
    let shape = if let Some(function) = child(node, "functionItem") {
        function_shape(reader, function)
    } else if !components.is_empty() {
        Shape::Components(components.into())
    } else {
        let base =
            text_child(node, "typeRef").or_else(|| node.attribute("typeRef").map(Into::into));
        match base {
            Some(base) => Shape::Alias(reader.named_type(node, &base)),
            None => Shape::Alias(Type::Any),
        }
    };
    Some(ItemType {
        name: name?,
        shape,
        is_collection: matches!(node.attribute("isCollection"), Some("true" | "1")),
        allowed: tests(reader, node, "allowedValues"),
        constraint: tests(reader, node, "typeConstraint"),
    })
}

/// The type of a component: another type by name, or one that is declared in place.
fn component_type(reader: &mut Reader, node: Node<'_>) -> Type {
    let Some(item) = item(reader, node) else { return Type::Any };
    match item {
        ItemType {
            shape: Shape::Alias(base),
            is_collection: false,
            allowed: None,
            constraint: None,
            ..
        } => base,
        item => Type::Item(add(reader, item)),
    }
}

fn function_shape(reader: &mut Reader, node: Node<'_>) -> Shape {
    reader.check_children(node, &["parameters"]);
    for parameter in children_named(node, "parameters") {
        // Only to refuse types that do not exist: functions do not know those of their arguments.
        reader.type_of(parameter, "typeRef");
    }
    let parameters = children_named(node, "parameters").count();
    Shape::Function { parameters, output: reader.type_of(node, "outputTypeRef") }
}

fn tests(reader: &mut Reader, node: Node<'_>, name: &'static str) -> Option<skep_feel::Expression> {
    let values = child(node, name)?;
    let text = reader.text(values)?;
    if text.is_empty() {
        return None;
    }
    reader.unary_tests(values, "the allowed values", &text)
}

/// Refuses types that are only aliases of one another, which no value could be of.
fn check_cycles(reader: &mut Reader, root: Node<'_>) {
    let mut broken = Vec::new();
    for (name, index) in &reader.types.by_name {
        let mut seen = BTreeSet::from([*index]);
        let mut at = *index;
        while let Some(item) = reader.types.items.get(at as usize) {
            let (Shape::Alias(Type::Item(base)), false) = (&item.shape, item.is_collection) else {
                break;
            };
            let base = *base;
            if !seen.insert(base) {
                broken.push(name.clone());
                break;
            }
            at = base;
        }
    }
    for name in broken {
        let node = children_named(root, "itemDefinition")
            .find(|node| node.attribute("name").map(normalized).as_ref() == Some(&name));
        let reason = format!(
            "the type `{}` refers to itself without an entry in between; give it a type of FEEL",
            shorten(&name)
        );
        reader.refuse(node.unwrap_or(root), reason);
    }
}
