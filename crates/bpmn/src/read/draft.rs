//! A process while it is read: elements and flows with their XML nodes, not yet known to be valid.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::Expression;

use crate::model::{ElementIndex, ElementKind, FlowIndex, Mapping};
use crate::read::tag::Tag;
use crate::xml::Node;

/// A process while it is read. Indexes are those of the finished [`crate::Process`].
#[derive(Debug)]
pub(crate) struct ProcessDraft<'a> {
    pub(crate) elements: Vec<ElementDraft<'a>>,
    pub(crate) flows: Vec<FlowDraft<'a>>,
    pub(crate) elements_by_id: BTreeMap<&'a str, ElementIndex>,
    pub(crate) flows_by_id: BTreeMap<&'a str, FlowIndex>,
    pub(crate) version_tag: Option<Arc<str>>,
}

/// An element while it is read.
#[derive(Debug)]
pub(crate) struct ElementDraft<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) tag: Tag,
    /// Empty when the element has none, which is a violation.
    pub(crate) id: &'a str,
    pub(crate) scope: Option<ElementIndex>,
    pub(crate) incoming: Vec<FlowIndex>,
    pub(crate) outgoing: Vec<FlowIndex>,
    pub(crate) children: Vec<ElementIndex>,
    pub(crate) boundary_events: Vec<ElementIndex>,
    pub(crate) inputs: Vec<Mapping>,
    pub(crate) outputs: Vec<Mapping>,
    /// `None` until it is read, and when it is refused.
    pub(crate) kind: Option<ElementKind>,
}

/// A sequence flow while it is read.
#[derive(Debug)]
pub(crate) struct FlowDraft<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) id: &'a str,
    /// The scope that the flow is written in.
    pub(crate) scope: ElementIndex,
    /// `None` when the reference is broken, which is a violation.
    pub(crate) source: Option<ElementIndex>,
    /// `None` when the reference is broken, which is a violation.
    pub(crate) target: Option<ElementIndex>,
    pub(crate) condition: Option<Expression>,
    pub(crate) has_condition: bool,
}

impl<'a> ElementDraft<'a> {
    pub(crate) fn new(node: Node<'a>, tag: Tag, scope: Option<ElementIndex>) -> ElementDraft<'a> {
        ElementDraft {
            node,
            tag,
            id: node.attribute("id").unwrap_or_default(),
            scope,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            children: Vec::new(),
            boundary_events: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            kind: None,
        }
    }
}

impl<'a> ProcessDraft<'a> {
    pub(crate) fn element(&self, index: ElementIndex) -> Option<&ElementDraft<'a>> {
        self.elements.get(index.0 as usize)
    }

    pub(crate) fn element_mut(&mut self, index: ElementIndex) -> Option<&mut ElementDraft<'a>> {
        self.elements.get_mut(index.0 as usize)
    }

    pub(crate) fn flow(&self, index: FlowIndex) -> Option<&FlowDraft<'a>> {
        self.flows.get(index.0 as usize)
    }

    /// All element indexes, the process first.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = ElementIndex> + use<> {
        (0..count(self.elements.len())).map(ElementIndex)
    }

    /// Indexes and drafts of the elements in `indexes`.
    pub(crate) fn select<'d>(
        &'d self,
        indexes: &'d [ElementIndex],
    ) -> impl Iterator<Item = (ElementIndex, &'d ElementDraft<'a>)> {
        indexes.iter().filter_map(|index| Some((*index, self.element(*index)?)))
    }

    /// Elements behind the outgoing flows, in the order of the flows.
    pub(crate) fn targets_of(&self, element: &ElementDraft<'a>) -> Vec<ElementIndex> {
        let flows = element.outgoing.iter().filter_map(|flow| self.flow(*flow));
        flows.filter_map(|flow| flow.target).collect()
    }
}

/// A length as an index; a file is too small for more than `u32::MAX` of anything.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
