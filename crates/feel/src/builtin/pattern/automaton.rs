//! Patterns for the `regex` crate, which matches in linear time.

use regex::{Regex, RegexBuilder};

use super::xpath::{Flags, Node, Pattern};
use crate::limits::REGEX_MEMORY_BYTES_MAX;

/// The compiled pattern; none if it needs too much memory or what only backtracking can do.
pub(super) fn compile(pattern: &Pattern) -> Option<Regex> {
    let mut text = String::new();
    write(&pattern.root, pattern.flags, &mut text)?;
    build(&text, pattern.flags)
}

/// A compiled text in the syntax of the crate.
pub(super) fn build(text: &str, flags: Flags) -> Option<Regex> {
    RegexBuilder::new(text)
        .case_insensitive(flags.caseless)
        .size_limit(REGEX_MEMORY_BYTES_MAX)
        .build()
        .ok()
}

/// Recurses no deeper than patterns nest.
fn write(node: &Node, flags: Flags, out: &mut String) -> Option<()> {
    match node {
        Node::Class(class) => out.push_str(class),
        Node::Start => out.push_str(if flags.lines { "(?m:^)" } else { r"\A" }),
        Node::End => out.push_str(if flags.lines { "(?m:$)" } else { r"\z" }),
        Node::Group(_, inner) => {
            out.push('(');
            write(inner, flags, out)?;
            out.push(')');
        }
        Node::Sequence(nodes) => {
            out.push_str("(?:");
            for node in nodes {
                write(node, flags, out)?;
            }
            out.push(')');
        }
        Node::Alternatives(nodes) => {
            out.push_str("(?:");
            for (position, node) in nodes.iter().enumerate() {
                out.push_str(if position > 0 { "|" } else { "" });
                write(node, flags, out)?;
            }
            out.push(')');
        }
        Node::Repeat { node, least, most, greedy } => {
            out.push_str("(?:");
            write(node, flags, out)?;
            match most {
                Some(most) => out.push_str(&format!("){{{least},{most}}}")),
                None => out.push_str(&format!("){{{least},}}")),
            }
            out.push_str(if *greedy { "" } else { "?" });
        }
        Node::Again(_) => return None,
    }
    Some(())
}
