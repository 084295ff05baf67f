//! What every part of the reader needs: the report, the names in scope, FEEL texts, types.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::{Dialect, Expression, Names, ParseError, Syntax, Type};

use super::report::Report;
use crate::limits::{ENTRIES_MAX, SHOWN_CHARACTERS_MAX};
use crate::types::{TypeRef, Types};
use crate::xml::{self, Node, children, children_named, nearest_id, tag};

/// The state of reading one file.
pub(crate) struct Reader {
    pub(crate) report: Report,
    pub(crate) dialect: Dialect,
    /// The item definitions; empty in Camunda's dialect, which has no types.
    pub(crate) types: Types,
    /// The types of this and of imported models by the names that they have here.
    pub(crate) declared: BTreeMap<Arc<str>, Type>,
    /// The business knowledge models of the file with their parameters.
    pub(crate) functions: BTreeMap<Arc<str>, Invocable>,
    /// The names that are no plain identifiers, of what is in scope.
    pub(crate) names: Names,
    /// The names that were declared, innermost last.
    scope: Vec<Arc<str>>,
}

/// A business knowledge model: its place in the file and its parameters.
#[derive(Clone)]
pub(crate) struct Invocable {
    pub(crate) index: usize,
    pub(crate) parameters: Arc<[Arc<str>]>,
}

/// Children that every element may have.
const COMMON: [&str; 2] = ["description", "extensionElements"];

impl Reader {
    pub(crate) fn new(text: &str, dialect: Dialect) -> Reader {
        let (report, types, names) = (Report::new(text), Types::default(), Names::none());
        let (declared, functions) = (BTreeMap::new(), BTreeMap::new());
        Reader { report, dialect, types, declared, functions, names, scope: Vec::new() }
    }

    pub(crate) fn is_dmn(&self) -> bool {
        self.dialect.is_dmn()
    }

    /// Refuses the file because of this node.
    pub(crate) fn refuse(&mut self, node: Node<'_>, reason: impl Into<String>) {
        self.report.refuse(node, reason);
    }

    /// Makes the name known to the parser of FEEL, until the scope is left. Camunda's FEEL needs no
    /// names.
    pub(crate) fn declare(&mut self, name: &str) {
        if self.is_dmn() && !is_identifier(name) && !self.names.contains(name) {
            self.names.insert(name);
            self.scope.push(name.into());
        }
    }

    /// Enters a scope of names, which is to be left by [`Reader::leave`].
    pub(crate) fn enter(&self) -> usize {
        self.scope.len()
    }

    /// Leaves a scope: forgets the names that were declared in it.
    pub(crate) fn leave(&mut self, scope: usize) {
        while self.scope.len() > scope {
            if let Some(name) = self.scope.pop() {
                self.names.remove(&name);
            }
        }
    }

    /// Makes the name known as that of an entry.
    pub(crate) fn declare_key(&mut self, name: &str) {
        if self.is_dmn() && !is_identifier(name) {
            self.names.insert_key(name);
        }
    }

    /// Refuses DMN elements in the node that are not of these names.
    pub(crate) fn check_children(&mut self, node: Node<'_>, allowed: &[&str]) {
        for child in children(node) {
            let name = tag(child);
            if allowed.contains(&name) || COMMON.contains(&name) {
                continue;
            }
            let parent = tag(node);
            let allowed = allowed.join("`, `");
            let reason = format!(
                "`{name}` has no meaning in `{parent}`; what it may contain is `{allowed}`"
            );
            self.refuse(child, reason);
        }
    }

    /// Refuses more than [`ENTRIES_MAX`] children of this name; whether there are as few.
    pub(crate) fn check_entries(&mut self, node: Node<'_>, name: &'static str) -> bool {
        let count = children_named(node, name).count();
        if count > ENTRIES_MAX {
            let reason = format!(
                "there are {count} elements `{name}`, at most {ENTRIES_MAX} are allowed; split it"
            );
            self.refuse(node, reason);
        }
        count <= ENTRIES_MAX
    }

    /// Reads a FEEL expression; `what` names it in the reason.
    pub(crate) fn expression(
        &mut self,
        node: Node<'_>,
        what: &str,
        text: &str,
    ) -> Option<Expression> {
        let parsed = Expression::parse_in(text, &self.syntax());
        self.parsed(node, parsed, || format!("{what} is not valid FEEL"))
    }

    /// Reads FEEL unary tests; `what` names them in the reason.
    pub(crate) fn unary_tests(
        &mut self,
        node: Node<'_>,
        what: &str,
        text: &str,
    ) -> Option<Expression> {
        let parsed = Expression::parse_unary_tests_in(text, &self.syntax());
        self.parsed(node, parsed, || format!("{what} are no valid FEEL unary tests"))
    }

    fn syntax(&self) -> Syntax<'_> {
        Syntax { dialect: self.dialect, names: &self.names }
    }

    /// The expression, or the node is refused for what is wrong with it.
    fn parsed(
        &mut self,
        node: Node<'_>,
        parsed: Result<Expression, ParseError>,
        complaint: impl FnOnce() -> String,
    ) -> Option<Expression> {
        match parsed {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.refuse(node, format!("{}: {error}", complaint()));
                None
            }
        }
    }

    /// The text of the child `text`; refuses the node if there is none.
    pub(crate) fn text(&mut self, node: Node<'_>) -> Option<String> {
        self.check_language(node);
        match xml::child(node, "text") {
            Some(text) => Some(xml::text_of(text)),
            None => {
                let reason = "the `text` is missing; write FEEL into a child element `text`";
                self.refuse(node, reason);
                None
            }
        }
    }

    /// Refuses expressions in other languages than FEEL.
    pub(crate) fn check_language(&mut self, node: Node<'_>) {
        let Some(language) = node.attribute("expressionLanguage") else { return };
        if !is_feel(language) {
            let reason = format!(
                "the expression language `{}` is not supported; write FEEL and remove the attribute expressionLanguage",
                shorten(language)
            );
            self.refuse(node, reason);
        }
    }

    /// The type that the attribute names; any if there is none, and always in Camunda's dialect.
    pub(crate) fn type_of(&mut self, node: Node<'_>, attribute: &str) -> TypeRef {
        match node.attribute(attribute) {
            Some(name) => self.named_type(node, name),
            None => TypeRef::any(),
        }
    }

    /// The type of a variable or parameter: Camunda looks at those of FEEL, and at no others.
    pub(crate) fn variable_type(&mut self, node: Node<'_>) -> TypeRef {
        if self.is_dmn() {
            return self.type_of(node, "typeRef");
        }
        let name = node.attribute("typeRef").unwrap_or_default();
        let declared = match name {
            "list" | "context" | "range" | "function" | "null" | "Null" => None,
            name => Type::builtin(name),
        };
        declared.map_or_else(TypeRef::any, |declared| TypeRef { name: name.into(), declared })
    }

    /// The type of this name, perhaps with the prefix of a namespace.
    pub(crate) fn named_type(&mut self, node: Node<'_>, name: &str) -> TypeRef {
        if !self.is_dmn() {
            return TypeRef::any();
        }
        let name = normalized(name);
        let found = self.find_type(&name).or_else(|| {
            // A qualified name of XML, such as `feel:string` in DMN 1.1.
            let (prefix, local) = name.split_once(':')?;
            node.lookup_namespace_uri(Some(prefix))?;
            self.find_type(local)
        });
        match found {
            Some(declared) => TypeRef { name, declared },
            None => {
                let reason = format!(
                    "there is no type `{}`; declare an itemDefinition of this name or use a type of FEEL",
                    shorten(&name)
                );
                self.refuse(node, reason);
                TypeRef::any()
            }
        }
    }

    fn find_type(&self, name: &str) -> Option<Type> {
        self.declared.get(name).cloned().or_else(|| Type::builtin(name))
    }

    /// The type of the results, if the type is one of functions; else any.
    pub(crate) fn output_of(&self, function: &TypeRef) -> TypeRef {
        let item = self.types.item(&function.name);
        item.and_then(|item| item.output.clone()).unwrap_or_else(TypeRef::any)
    }

    /// The attribute, refusing the node if it is missing or empty.
    pub(crate) fn required<'a>(&mut self, node: Node<'a>, attribute: &str) -> Option<&'a str> {
        match node.attribute(attribute).map(str::trim) {
            Some(value) if !value.is_empty() => Some(value),
            _ => {
                let reason = format!("the attribute `{attribute}` is missing or empty; set it");
                self.refuse(node, reason);
                None
            }
        }
    }
}

/// The id of the node or of the nearest one around it.
pub(crate) fn id_of(node: Node<'_>) -> Arc<str> {
    nearest_id(node).into()
}

/// Whether the URI or name means FEEL, of whichever version of DMN.
pub(crate) fn is_feel(language: &str) -> bool {
    let language = language.trim();
    language.is_empty()
        || language.eq_ignore_ascii_case("feel")
        || (language.contains("://www.omg.org/spec/")
            && language.trim_end_matches('/').to_ascii_uppercase().contains("FEEL"))
}

/// Whether FEEL reads the name as one without knowing it.
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|other| other.is_alphanumeric() || other == '_')
}

/// The name with single spaces between its words, as FEEL compares names.
pub(crate) fn normalized(name: &str) -> Arc<str> {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").into()
}

/// The beginning of a text, short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
