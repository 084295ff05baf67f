//! Input and output mappings (`spec/engine.md` 7.1, items 4 to 7 and 11).

use std::collections::BTreeMap;

use bytes::Bytes;
use skep_bpmn::model::{Mapping, Value as ModelValue};
use skep_feel::{Value, Variables};
use skep_protocol::{ErrorType, Key};

use super::expression::{self, ScopeVariables};
use super::variables;
use crate::context::Context;
use crate::document;
use crate::problem::{Outcome, Problem};

/// A value that is being put together from nested targets.
enum Node {
    Leaf(Bytes),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Sets the value at a path below this node; what is no map becomes one.
    fn put(&mut self, path: &[std::sync::Arc<str>], value: Bytes) {
        let mut node = self;
        for segment in path {
            if let Node::Leaf(bytes) = node {
                let entries = document::entries(bytes).unwrap_or_default();
                *node = Node::Map(
                    entries.into_iter().map(|(name, value)| (name, Node::Leaf(value))).collect(),
                );
            }
            let Node::Map(entries) = node else { return };
            let at =
                entries.iter().position(|(name, _)| **name == **segment).unwrap_or_else(|| {
                    entries.push((segment.to_string(), Node::Map(Vec::new())));
                    entries.len() - 1
                });
            let Some((_, child)) = entries.get_mut(at) else { return };
            node = child;
        }
        *node = Node::Leaf(value);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Node::Leaf(bytes) => out.extend_from_slice(bytes),
            Node::Map(entries) => {
                document::write_map_length(out, entries.len());
                for (name, node) in entries {
                    document::write_text(out, name);
                    node.encode(out);
                }
            }
        }
    }

    fn bytes(&self) -> Bytes {
        let mut out = Vec::new();
        self.encode(&mut out);
        out.into()
    }
}

impl Context<'_> {
    /// Evaluates input mappings on the element's scope and sets the results local to it.
    pub(crate) fn map_inputs(&mut self, mappings: &[Mapping], scope_key: Key) -> Outcome {
        if mappings.is_empty() {
            return Ok(());
        }
        let results = self.evaluate_mappings(mappings, scope_key, None)?;
        self.set_local_all(scope_key, results);
        Ok(())
    }

    /// Evaluates output mappings on the element's scope and merges the results from the scope
    /// around it outward.
    pub(crate) fn map_outputs(
        &mut self,
        mappings: &[Mapping],
        scope_key: Key,
        flow_scope_key: Key,
    ) -> Outcome {
        let results = self.evaluate_mappings(mappings, scope_key, Some(flow_scope_key))?;
        self.merge(flow_scope_key, results);
        Ok(())
    }

    /// All mappings as one context: later ones see the results of earlier ones. With a target scope,
    /// nested targets extend the variable that is there.
    fn evaluate_mappings(
        &self,
        mappings: &[Mapping],
        scope_key: Key,
        target_scope_key: Option<Key>,
    ) -> Outcome<Vec<(String, Bytes)>> {
        let mut nodes: Vec<(String, Node)> = Vec::with_capacity(mappings.len());
        let mut overlay: BTreeMap<String, Value> = BTreeMap::new();
        for mapping in mappings {
            let Some((root, path)) = mapping.target.split_first() else { continue };
            let value = self.evaluate_source(&mapping.source, scope_key, &overlay)?;
            let bytes = expression::encode(&value);
            let at = nodes.iter().position(|(name, _)| **name == **root).unwrap_or_else(|| {
                nodes.push((
                    root.to_string(),
                    self.initial_node(root, path.is_empty(), target_scope_key),
                ));
                nodes.len() - 1
            });
            let Some((name, node)) = nodes.get_mut(at) else { continue };
            node.put(path, bytes);
            let seen = if path.is_empty() {
                value
            } else {
                Value::from_msgpack_shared(node.bytes())
                    .map_err(|_| Problem::internal("a mapping result cannot be read back"))?
            };
            overlay.insert(name.clone(), seen);
        }
        Ok(nodes.into_iter().map(|(name, node)| (name, node.bytes())).collect())
    }

    fn initial_node(&self, name: &str, replaced: bool, target_scope_key: Option<Key>) -> Node {
        let existing = target_scope_key.filter(|_| !replaced).and_then(|scope| {
            variables::find(self.state, &variables::scopes(self.state, scope), name)
        });
        match existing {
            Some(bytes) if document::entries(&bytes).is_some() => Node::Leaf(bytes),
            _ => Node::Map(Vec::new()),
        }
    }

    fn evaluate_source(
        &self,
        source: &ModelValue,
        scope_key: Key,
        overlay: &BTreeMap<String, Value>,
    ) -> Outcome<Value> {
        match source {
            ModelValue::Static(text) => Ok(Value::String(text.as_ref().into())),
            ModelValue::Expression(feel) => {
                let variables = ScopeVariables::new(self.state, scope_key).with_overlay(overlay);
                expression::evaluate(
                    feel,
                    &variables as &dyn Variables,
                    self.now_ms,
                    ErrorType::IoMappingError,
                )
                .map_err(|problem| problem.at_scope(scope_key))
            }
        }
    }
}
