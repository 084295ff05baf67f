//! From text to an XML tree: encodings, limits that are checked before the tree is built, lines.

use roxmltree::{Document, ParsingOptions};

use crate::limits::{
    FILE_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAMESPACES_MAX, XML_NODES_MAX,
};
use crate::violation::Violations;

/// Namespace of BPMN 2.0 models.
pub(crate) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
/// Namespace of the Zeebe extensions.
pub(crate) const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";
/// Namespace of the extensions of Camunda 7, which have no meaning here.
pub(crate) const CAMUNDA_7: &str = "http://camunda.org/schema/1.0/bpmn";

pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Reads the text of a BPMN file out of its bytes, which have to be UTF-8.
///
/// # Errors
/// One violation that names the encoding that was found and what to do.
pub fn decode(bytes: &[u8]) -> Result<&str, Violations> {
    let utf_16 =
        matches!(bytes, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..] | [b'<', 0, ..]);
    if utf_16 {
        return Err(Violations::of_file(1, "the file is UTF-16; save it as UTF-8"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let at = error.valid_up_to();
        Violations::of_file(
            u32::try_from(line).unwrap_or(u32::MAX),
            format!("the file is not UTF-8 (byte {at}); save it as UTF-8"),
        )
    })
}

/// Builds the tree. Document type definitions are refused, and so is what goes beyond the limits.
pub(crate) fn read(text: &str) -> Result<Document<'_>, Violations> {
    if text.len() > FILE_BYTES_MAX {
        let bytes = text.len();
        return Err(Violations::of_file(
            0,
            format!("the file has {bytes} bytes, at most {FILE_BYTES_MAX} are allowed; split it"),
        ));
    }
    check_declared_encoding(text)?;
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

/// The text is UTF-8 by its type; a declaration that says otherwise means that it was misread.
fn check_declared_encoding(text: &str) -> Result<(), Violations> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next())
    else {
        return Ok(());
    };
    let Some((_, after)) = declaration.split_once("encoding") else { return Ok(()) };
    let value = after.trim_start().trim_start_matches('=').trim_start();
    let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
        return Ok(());
    };
    let encoding = value.trim_start_matches(quote).split(quote).next().unwrap_or_default();
    let known = ["utf-8", "utf8", "us-ascii", "ascii"];
    if known.iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Violations::of_file(
        1,
        format!("the file declares the encoding `{encoding}`; save it as UTF-8 and declare that"),
    ))
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
                "XML elements are nested more than {XML_DEPTH_MAX} deep; use call activities instead of nesting"
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

/// Whether this is the element `name` of the BPMN namespace.
pub(crate) fn is_bpmn(node: Node<'_>, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(BPMN) && node.tag_name().name() == name
}

/// Children in the BPMN namespace.
pub(crate) fn bpmn_children<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(|child| child.tag_name().namespace() == Some(BPMN))
}

/// Child elements in the Zeebe namespace.
pub(crate) fn zeebe_children<'a>(node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(|child| child.tag_name().namespace() == Some(ZEEBE))
}

/// All text directly inside an element (text and CDATA), without the spaces around it.
pub(crate) fn text_of(node: Node<'_>) -> String {
    let text: String =
        node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    text.trim().to_owned()
}

/// The name of an element as people write it, whatever prefix the file uses.
pub(crate) fn construct_of(node: Node<'_>) -> String {
    let name = node.tag_name().name();
    match node.tag_name().namespace() {
        Some(BPMN) => format!("bpmn:{name}"),
        Some(ZEEBE) => format!("zeebe:{name}"),
        _ => name.to_owned(),
    }
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
