//! From text to an XML tree: limits that are checked before the tree is built, namespaces, lines.

use roxmltree::{Document, ParsingOptions};

use crate::limits::{
    FILE_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAMESPACES_MAX, XML_NODES_MAX,
};
use crate::violation::Violations;

/// The namespaces of DMN models, oldest first, with the version that each belongs to.
pub(crate) const MODEL_NAMESPACES: [(&str, &str); 5] = [
    ("http://www.omg.org/spec/DMN/20151101/dmn.xsd", "1.1"),
    ("http://www.omg.org/spec/DMN/20180521/MODEL/", "1.2"),
    ("https://www.omg.org/spec/DMN/20191111/MODEL/", "1.3"),
    ("https://www.omg.org/spec/DMN/20211108/MODEL/", "1.4"),
    ("https://www.omg.org/spec/DMN/20230324/MODEL/", "1.5"),
];

/// Namespace of the Zeebe extensions.
pub(crate) const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Builds the tree. Document type definitions are refused, and so is what goes beyond the limits.
pub(crate) fn read(text: &str) -> Result<Document<'_>, Violations> {
    if text.len() > FILE_BYTES_MAX {
        let bytes = text.len();
        let reason =
            format!("the file has {bytes} bytes, at most {FILE_BYTES_MAX} are allowed; split it");
        return Err(Violations::of_file(0, reason));
    }
    Scan::new(text).run()?;
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: XML_NODES_MAX, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| {
        let line = error.pos().row;
        let reason = match error {
            roxmltree::Error::DtdDetected => {
                "document type definitions are not allowed; remove the DOCTYPE".to_owned()
            }
            roxmltree::Error::NodesLimitReached => {
                format!("the file has more than {XML_NODES_MAX} XML nodes; split it")
            }
            other => format!("the file is not well-formed XML: {other}"),
        };
        Violations::of_file(line, reason)
    })
}

/// One linear pass over the tags that checks what costs the XML reader more than linear time and
/// what would make recursion deep. It is lenient: what is not well-formed is for the reader to say.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    namespaces: u32,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan { bytes: text.as_bytes(), at: 0, depth: 0, namespaces: 0 }
    }

    fn run(mut self) -> Result<(), Violations> {
        while let Some(offset) = self.rest().iter().position(|byte| *byte == b'<') {
            self.at += offset;
            let rest = self.rest();
            if rest.starts_with(b"<!--") {
                self.skip_past(b"-->");
            } else if rest.starts_with(b"<![CDATA[") {
                self.skip_past(b"]]>");
            } else if rest.starts_with(b"<?") {
                self.skip_past(b"?>");
            } else if rest.starts_with(b"</") {
                self.depth = self.depth.saturating_sub(1);
                self.skip_past(b">");
            } else {
                self.open_tag()?;
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, end: &[u8]) {
        let found = self.rest().windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.bytes.len(), |offset| self.at + offset + end.len());
    }

    /// Reads `<name a="..." b='...'>`, counting quoted values, which may contain `<` and `>`.
    fn open_tag(&mut self) -> Result<(), Violations> {
        let tag_at = self.at;
        let (mut attributes, mut quote, mut previous) = (0_u32, None, 0_u8);
        for (offset, byte) in self.rest().iter().copied().enumerate().skip(1) {
            match quote {
                Some(open) if open == byte => quote = None,
                Some(_) => {}
                None if byte == b'"' || byte == b'\'' => {
                    quote = Some(byte);
                    attributes += 1;
                }
                None if byte == b'>' => {
                    let closes_itself = previous == b'/';
                    self.at = tag_at + offset + 1;
                    return self.close_open_tag(tag_at, attributes, closes_itself);
                }
                None => {}
            }
            previous = byte;
        }
        self.at = self.bytes.len();
        self.close_open_tag(tag_at, attributes, true)
    }

    fn close_open_tag(
        &mut self,
        tag_at: usize,
        attributes: u32,
        closes_itself: bool,
    ) -> Result<(), Violations> {
        if attributes > XML_ATTRIBUTES_MAX {
            let reason = format!(
                "an XML element has {attributes} attributes, at most {XML_ATTRIBUTES_MAX} are allowed"
            );
            return Err(Violations::of_file(self.line_at(tag_at), reason));
        }
        let tag = self.bytes.get(tag_at..self.at).unwrap_or_default();
        let declared = tag.windows(5).filter(|window| *window == b"xmlns").count();
        self.namespaces =
            self.namespaces.saturating_add(u32::try_from(declared).unwrap_or(u32::MAX));
        if self.namespaces > XML_NAMESPACES_MAX {
            let reason = format!(
                "more than {XML_NAMESPACES_MAX} namespace declarations; declare them once at the root"
            );
            return Err(Violations::of_file(self.line_at(tag_at), reason));
        }
        if !closes_itself {
            self.depth += 1;
        }
        if self.depth > XML_DEPTH_MAX {
            let reason = format!(
                "XML elements are nested more than {XML_DEPTH_MAX} deep; use decisions instead of nesting"
            );
            return Err(Violations::of_file(self.line_at(tag_at), reason));
        }
        Ok(())
    }

    fn line_at(&self, at: usize) -> u32 {
        let before = self.bytes.get(..at).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(lines + 1).unwrap_or(u32::MAX)
    }
}

/// The version of DMN that the namespace belongs to.
pub(crate) fn version_of(namespace: &str) -> Option<&'static str> {
    MODEL_NAMESPACES.iter().find(|(known, _)| *known == namespace).map(|(_, version)| *version)
}

/// Whether the node is an element of DMN, of whichever version.
pub(crate) fn is_model(node: Node<'_>) -> bool {
    node.is_element() && node.tag_name().namespace().is_some_and(|name| version_of(name).is_some())
}

/// The name of a DMN element without its prefix; empty for everything else.
pub(crate) fn tag<'a>(node: Node<'a>) -> &'a str {
    if is_model(node) { node.tag_name().name() } else { "" }
}

/// Child elements in a DMN namespace.
pub(crate) fn children<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(|child| is_model(*child))
}

/// Child elements of DMN with this name.
pub(crate) fn children_named<'a>(
    node: Node<'a>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a>> {
    children(node).filter(move |child| child.tag_name().name() == name)
}

/// The first child element of DMN with this name.
pub(crate) fn child<'a>(node: Node<'a>, name: &'static str) -> Option<Node<'a>> {
    children_named(node, name).next()
}

/// All text directly inside an element (text and CDATA), without the spaces around it.
pub(crate) fn text_of(node: Node<'_>) -> String {
    let text: String =
        node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    text.trim().to_owned()
}

/// The id of the node or of the nearest element around it that has one.
pub(crate) fn nearest_id<'a>(node: Node<'a>) -> &'a str {
    node.ancestors().find_map(|ancestor| ancestor.attribute("id")).unwrap_or_default()
}

/// Byte offsets of the line starts, to find the line of many nodes quickly.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Lines {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Lines { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// Line of a node, from 1.
    pub(crate) fn of(&self, node: Node<'_>) -> u32 {
        let at = node.range().start;
        u32::try_from(self.starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }
}
