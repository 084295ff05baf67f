//! Limits on what a DMN file may contain and on what an evaluation may do, each with its unit and
//! reason. Steps, bytes and depth of an evaluation are those of its [`skep_feel::Budget`].

/// Bytes of one file. A deployment has to fit into one record, and records end at 4 MiB.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Nested XML elements. Reading recurses into boxed expressions; each level of them is two of XML.
pub const XML_DEPTH_MAX: u32 = 128;

/// XML nodes of one file: what fits into a file of the allowed size only if it is made of tiny tags.
pub const XML_NODES_MAX: u32 = 500_000;

/// Attributes of one XML element. The XML reader compares each with all others of the element.
pub const XML_ATTRIBUTES_MAX: u32 = 256;

/// Namespace declarations of one file. The XML reader copies the inherited ones at each.
pub const XML_NAMESPACES_MAX: u32 = 10_000;

/// Characters of the id of a decision or of the definitions: ids are keys of the engine's state.
pub const ID_CHARACTERS_MAX: usize = 255;

/// Decisions, inputs, business knowledge models and decision services of one file: an evaluation
/// may have to visit all of them, and each is a row of the engine's state.
pub const ELEMENTS_MAX: usize = 10_000;

/// Entries of one boxed context, parameters of a function, outputs of a table, columns of a relation,
/// components of a type, imports, requirements of an element, values with a priority: each is looked
/// for among the others.
pub const ENTRIES_MAX: usize = 1_000;

/// Variables that a business knowledge model and those that it calls may read from around its call, in
/// Camunda's dialect: each call looks for all of them.
pub const FREE_NAMES_MAX: usize = 250;

/// Rules of one decision table: each is looked at in every evaluation.
pub const RULES_MAX: usize = 50_000;

/// Violations reported for one file; a person reads them, and they travel in one answer.
pub const VIOLATIONS_MAX: usize = 500;

/// Warnings kept for one evaluated decision; further ones are dropped.
pub const WARNINGS_MAX: usize = 32;

/// Levels of an evaluation that the call of a boxed function counts as: its stack is that of so many
/// nested expressions.
pub(crate) const CALL_LEVELS: u32 = 6;

/// Levels of an evaluation that a boxed expression inside another counts as.
pub(crate) const BOXED_LEVELS: u32 = 2;

/// Characters of the text of an input expression that stand for a missing label (as Camunda does).
pub(crate) const INPUT_NAME_CHARACTERS_MAX: usize = 30;

/// Characters of a value or a text shown in a message.
pub(crate) const SHOWN_CHARACTERS_MAX: usize = 80;
