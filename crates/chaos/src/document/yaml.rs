//! YAML with the place of every value: anchors, merges and the scalars of version 1.1.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

use super::{Position, Positions, scalar};
use crate::limits::{ALIASED_NODES_MAX, DEPTH_MAX};

type Failure = (Position, String);

/// Reads the first document of a text, which has to be the only one.
pub(super) fn read(text: &str) -> Result<(Value, Positions), Failure> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| (position(error.marker()), error.info().to_owned()))?;
        reader.take(event, span)?;
    }
    let root = reader.root.unwrap_or(Node { value: Kind::Scalar(Value::Null), at: START });
    let mut positions = Positions::new();
    let mut budget = ALIASED_NODES_MAX;
    let value = flatten(&root, &mut String::new(), &mut positions, &mut budget, 0)?;
    Ok((value, positions))
}

const START: Position = Position { line: 1, column: 1 };

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

/// A value before names that repeat, merges and anchors are seen to.
#[derive(Debug, Clone)]
struct Node {
    value: Kind,
    at: Position,
}

#[derive(Debug, Clone)]
enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A collection that has begun.
struct Open {
    node: Node,
    anchor: usize,
    name: Option<Node>,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Failure> {
        let at = position(&span.start);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err((at, "expected a single document in the stream".to_owned()));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value =
                    scalar_value(&text, style, tag.as_deref()).map_err(|message| (at, message))?;
                self.add(Node { value: Kind::Scalar(value), at }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(Kind::List(Vec::new()), at, anchor)?,
            Event::MappingStart(anchor, _) => self.begin(Kind::Map(Vec::new()), at, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.add(open.node, open.anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err((at, "this alias stands for a value that contains it".to_owned()));
                };
                self.nodes = self.nodes.saturating_add(count(&node));
                if self.nodes > ALIASED_NODES_MAX {
                    return Err((at, format!("aliases stand for over {ALIASED_NODES_MAX} values")));
                }
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, at: Position, anchor: usize) -> Result<(), Failure> {
        if self.open.len() >= DEPTH_MAX {
            return Err((at, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.open.push(Open { node: Node { value: kind, at }, anchor, name: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Failure> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.name.take()) {
            (Kind::List(items), _) => items.push(node),
            (Kind::Map(entries), Some(name)) => entries.push((name, node)),
            (Kind::Map(_), None) => match node.value {
                Kind::Scalar(_) => open.name = Some(node),
                _ => return Err((node.at, "a name has to be a scalar".to_owned())),
            },
            (Kind::Scalar(_), _) => {}
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Kind::Scalar(_) => 1,
        Kind::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(count(item))),
        Kind::Map(entries) => {
            entries.iter().fold(1, |sum, (_, value)| sum.saturating_add(count(value)))
        }
    }
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => scalar::tagged(&tag.suffix, text)
            .ok_or_else(|| format!("'{text}' cannot be read as !!{}", tag.suffix)),
        // A `!` alone says that the scalar is a text.
        Some(tag) if tag.suffix.is_empty() || (tag.handle.is_empty() && tag.suffix == "!") => {
            Ok(Value::String(text.to_owned()))
        }
        Some(tag) => Err(format!("could not determine a constructor for the tag '{tag}'")),
        None if style == ScalarStyle::Plain => Ok(scalar::plain(text)),
        None => Ok(Value::String(text.to_owned())),
    }
}

/// Makes the value, and writes down where everything is.
fn flatten(
    node: &Node,
    path: &mut String,
    positions: &mut Positions,
    budget: &mut usize,
    depth: usize,
) -> Result<Value, Failure> {
    if depth > DEPTH_MAX {
        return Err((node.at, format!("nested deeper than {DEPTH_MAX} levels")));
    }
    *budget = budget.checked_sub(1).ok_or_else(|| (node.at, "too many values".to_owned()))?;
    positions.insert(path.clone(), node.at);
    let length = path.len();
    Ok(match &node.value {
        Kind::Scalar(value) => value.clone(),
        Kind::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                list.push(flatten(item, path, positions, budget, depth + 1)?);
                path.truncate(length);
            }
            Value::Array(list)
        }
        Kind::Map(entries) => {
            let mut map = Map::new();
            for (name, value) in merged(entries, depth)? {
                let name = name_of(&name);
                path.push('/');
                path.push_str(&name);
                let value = flatten(&value, path, positions, budget, depth + 1)?;
                path.truncate(length);
                map.insert(name, value);
            }
            Value::Object(map)
        }
    })
}

/// The entries, after those that `<<` takes from elsewhere.
fn merged(entries: &[(Node, Node)], depth: usize) -> Result<Vec<(Node, Node)>, Failure> {
    let is_merge =
        |name: &Node| matches!(&name.value, Kind::Scalar(Value::String(text)) if text == "<<");
    if !entries.iter().any(|(name, _)| is_merge(name)) {
        return Ok(entries.to_vec());
    }
    let wrong = |at| (at, "expected a mapping or list of mappings for merging".to_owned());
    if depth > DEPTH_MAX {
        return Err(wrong(START));
    }
    let mut all = Vec::new();
    for (_, source) in entries.iter().filter(|(name, _)| is_merge(name)) {
        match &source.value {
            Kind::Map(inner) => all.extend(merged(inner, depth + 1)?),
            // The first of a list wins, so it comes last.
            Kind::List(sources) => {
                for source in sources.iter().rev() {
                    let Kind::Map(inner) = &source.value else { return Err(wrong(source.at)) };
                    all.extend(merged(inner, depth + 1)?);
                }
            }
            Kind::Scalar(_) => return Err(wrong(source.at)),
        }
    }
    all.extend(entries.iter().filter(|(name, _)| !is_merge(name)).cloned());
    Ok(all)
}

/// Names that are no texts, as the journal of the original writes them.
fn name_of(node: &Node) -> String {
    match &node.value {
        Kind::Scalar(Value::String(text)) => text.clone(),
        Kind::Scalar(other) => other.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text).expect("YAML").0
    }

    #[test]
    fn reads_maps_lists_and_scalars() {
        let text = "a:\n  - 1\n  - 'yes'\n  - no\nb: {c: \"d\", e: !!str 5}\nf: |\n  x\n  y\n";
        let expected = json!({"a": [1, "yes", false], "b": {"c": "d", "e": "5"}, "f": "x\ny\n"});
        assert_eq!(value(text), expected);
        assert_eq!(value(""), json!(null));
    }

    #[test]
    fn anchors_and_merges_are_followed() {
        let text = "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\nw:\n  <<: [{q: 1}, {q: 2}]\n";
        assert_eq!(
            value(text),
            json!({"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 2}, "w": {"q": 1}})
        );
    }

    #[test]
    fn every_value_has_its_place() {
        let (_, positions) = read("a:\n  - b: 1\n    c: x\n").expect("YAML");
        assert_eq!(positions["/a/0/c"].to_string(), "3:8");
        assert_eq!(positions["/a/0/b"].to_string(), "2:8");
    }

    #[test]
    fn mistakes_have_a_place() {
        let (position, _) = read("a: b\n  c: [d\n").expect_err("broken");
        assert!(position.line >= 2, "{position}");
        let (position, message) = read("a: 1\n---\nb: 2\n").expect_err("two documents");
        assert_eq!(position.line, 2, "{message}");
        assert!(read("a: !!python/object x").is_err());
        assert!(read("a: !mine x").is_err());
        assert!(read("a: &a [*a]").is_err(), "an alias within itself");
        assert!(read(&"[".repeat(100_000)).is_err(), "deep");
    }

    #[test]
    fn aliases_do_not_multiply_without_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(read(&text).is_err(), "ten to the twelfth");
    }
}
