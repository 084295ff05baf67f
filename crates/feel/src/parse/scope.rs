//! Which slot a name means. Names bound in the expression get slots of a frame; in a filter a name
//! may also be an entry of the element; a function captures what it uses from outside; everything
//! else is a variable.

use std::sync::Arc;

use super::names::BoundPhrases;
use crate::node::{Kind, Node, Scoped, Span};

/// The names of one function (or of the expression itself).
#[derive(Debug, Default)]
struct Frame {
    bindings: Vec<Binding>,
    slots_used: u32,
    slots_max: u32,
    captures: Vec<(Arc<str>, Node)>,
    /// How many phrases were bound outside.
    phrases_before: usize,
}

#[derive(Debug)]
enum Binding {
    Name {
        name: Arc<str>,
        slot: u32,
        used: bool,
    },
    /// The element of a filter, whose entries are names.
    Item {
        slot: u32,
    },
}

/// A place to return to when the bindings of a construct end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    bindings: usize,
    slots_used: u32,
    phrases: usize,
}

#[derive(Debug)]
pub(super) struct Scope {
    frames: Vec<Frame>,
    variables: Vec<Arc<str>>,
    /// Bound names that are no single words.
    phrases: BoundPhrases,
}

impl Scope {
    pub(super) fn new() -> Scope {
        Scope {
            frames: vec![Frame::default()],
            variables: Vec::new(),
            phrases: BoundPhrases::default(),
        }
    }

    fn frame(&mut self) -> &mut Frame {
        // There is always the frame of the expression itself.
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        #[allow(clippy::indexing_slicing, reason = "not empty by the lines above")]
        &mut self.frames[last]
    }

    pub(super) fn mark(&mut self) -> Mark {
        let phrases = self.phrases.len();
        let frame = self.frame();
        Mark { bindings: frame.bindings.len(), slots_used: frame.slots_used, phrases }
    }

    /// Forgets everything bound since the mark.
    pub(super) fn release(&mut self, mark: Mark) {
        let frame = self.frame();
        frame.bindings.truncate(mark.bindings);
        frame.slots_used = mark.slots_used;
        self.phrases.truncate(mark.phrases);
    }

    /// A new slot of the frame, kept until the mark before it is released.
    pub(super) fn slot(&mut self) -> u32 {
        let frame = self.frame();
        let slot = frame.slots_used;
        frame.slots_used += 1;
        frame.slots_max = frame.slots_max.max(frame.slots_used);
        slot
    }

    pub(super) fn bind(&mut self, name: Arc<str>, slot: u32) {
        self.phrases.bind(&name);
        self.frame().bindings.push(Binding::Name { name, slot, used: false });
    }

    /// Binds the element of a filter: first its name `item`, then its entries, which go before.
    pub(super) fn bind_item(&mut self, slot: u32) {
        self.bind("item".into(), slot);
        self.frame().bindings.push(Binding::Item { slot });
    }

    /// Whether the innermost binding of this name was read.
    pub(super) fn is_used(&mut self, wanted: &str) -> bool {
        self.frame().bindings.iter().rev().any(
            |binding| matches!(binding, Binding::Name { name, used: true, .. } if &**name == wanted),
        )
    }

    pub(super) fn enter_function(&mut self) {
        let phrases_before = self.phrases.len();
        self.frames.push(Frame { phrases_before, ..Frame::default() });
    }

    /// Ends the function; gives the slots of its frame and what it captures.
    pub(super) fn leave_function(&mut self) -> (u32, Vec<Node>) {
        let frame = self.frames.pop().unwrap_or_default();
        self.phrases.truncate(frame.phrases_before);
        (frame.slots_max, frame.captures.into_iter().map(|(_, node)| node).collect())
    }

    /// Ends the expression; gives the slots of its frame and its variables in the order of slots.
    pub(super) fn finish(mut self) -> (u32, Vec<Arc<str>>) {
        (self.frame().slots_max, self.variables)
    }

    /// What reads this name here.
    pub(super) fn resolve(&mut self, name: &str, span: Span) -> Node {
        let depth = self.frames.len();
        self.resolve_in(depth, name, span)
    }

    /// What reads the input of unary tests; never an entry of a filtered element.
    pub(super) fn resolve_input(&mut self, span: Span) -> Node {
        match self.resolve("?", span) {
            Node { kind: Kind::Scoped(scoped), .. } => scoped.outside,
            node => node,
        }
    }

    /// The bound name that consists of exactly these words.
    pub(super) fn phrase(&self, phrase: &str) -> Option<&Arc<str>> {
        self.phrases.get(phrase)
    }

    /// Whether a bound name begins with these words.
    pub(super) fn has_phrase_prefix(&self, phrase: &str) -> bool {
        self.phrases.has_prefix(phrase)
    }

    /// Whether the name is bound in the expression, so that it hides a built-in function.
    pub(super) fn is_bound(&self, wanted: &str) -> bool {
        self.frames.iter().any(|frame| {
            frame
                .bindings
                .iter()
                .any(|binding| matches!(binding, Binding::Name { name, .. } if &**name == wanted))
        })
    }

    /// Resolves in the outermost `depth` frames.
    fn resolve_in(&mut self, depth: usize, name: &str, span: Span) -> Node {
        let mut items = Vec::new();
        let mut found = None;
        if let Some(frame) = depth.checked_sub(1).and_then(|index| self.frames.get_mut(index)) {
            for binding in frame.bindings.iter_mut().rev() {
                match binding {
                    Binding::Item { slot } => items.push(*slot),
                    Binding::Name { name: bound, slot, used } if &**bound == name => {
                        *used = true;
                        found = Some(Kind::Local(*slot));
                        break;
                    }
                    Binding::Name { .. } => {}
                }
            }
        }
        let kind = match found {
            Some(kind) => kind,
            None if depth > 1 => self.capture(depth, name, span),
            None => Kind::Global(self.variable(name)),
        };
        let outside = Node { kind, span };
        if items.is_empty() {
            return outside;
        }
        let scoped = Scoped { name: name.into(), items: items.into(), outside };
        Node { kind: Kind::Scoped(Box::new(scoped)), span }
    }

    fn capture(&mut self, depth: usize, name: &str, span: Span) -> Kind {
        let existing = self
            .frames
            .get(depth - 1)
            .and_then(|frame| frame.captures.iter().position(|(captured, _)| &**captured == name));
        if let Some(index) = existing {
            return Kind::Captured(index as u32);
        }
        let node = self.resolve_in(depth - 1, name, span);
        match self.frames.get_mut(depth - 1) {
            Some(frame) => {
                frame.captures.push((name.into(), node));
                Kind::Captured(frame.captures.len() as u32 - 1)
            }
            None => node.kind,
        }
    }

    fn variable(&mut self, name: &str) -> u32 {
        match self.variables.iter().position(|variable| &**variable == name) {
            Some(slot) => slot as u32,
            None => {
                self.variables.push(name.into());
                self.variables.len() as u32 - 1
            }
        }
    }
}
