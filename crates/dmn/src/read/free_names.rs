//! Camunda's functions see the variables of whatever calls them: what those that a function calls read,
//! it has to pass on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::elements::Head;
use super::reader::Reader;
use crate::limits::FREE_NAMES_MAX;
use crate::model::{Knowledge, Place, Source, Target};

/// Adds to the free names of each function those of the functions that it requires.
pub(super) fn spread(reader: &mut Reader, heads: &[Head<'_>], knowledge: &mut [Knowledge]) {
    // With findings, cycles among them, the file is refused anyway.
    if !reader.report.is_empty() {
        return;
    }
    let mut done = vec![false; knowledge.len()];
    for start in 0..knowledge.len() {
        // Required ones first; explicit, so that a long chain does not nest.
        let mut path = vec![start];
        while let Some(index) = path.last().copied() {
            let required = required(knowledge, index);
            let open = required.iter().find(|required| done.get(**required) == Some(&false));
            if let (Some(open), Some(false)) = (open, done.get(index)) {
                path.push(*open);
                continue;
            }
            path.pop();
            if done.get(index) == Some(&false) {
                spread_to(reader, heads, knowledge, index, &required);
                if let Some(done) = done.get_mut(index) {
                    *done = true;
                }
            }
        }
    }
}

/// The functions of the file that this one requires.
fn required(knowledge: &[Knowledge], index: usize) -> Vec<usize> {
    let bindings = knowledge.get(index).map_or(&[][..], |found| &found.bindings);
    let own = bindings.iter().filter_map(|binding| match binding.source {
        Source::Element(Target::Knowledge(Place { import: None, index })) => Some(index as usize),
        _ => None,
    });
    own.collect()
}

fn spread_to(
    reader: &mut Reader,
    heads: &[Head<'_>],
    knowledge: &mut [Knowledge],
    index: usize,
    required: &[usize],
) {
    let mut free: BTreeSet<Arc<str>> = BTreeSet::new();
    for place in required.iter().copied().chain([index]) {
        let names = knowledge.get(place).map_or(&[][..], |found| &found.free);
        free.extend(names.iter().cloned());
    }
    if free.len() > FREE_NAMES_MAX
        && let Some(head) = heads.get(index)
    {
        let reason = format!(
            "the function and those that it calls read more than {FREE_NAMES_MAX} variables; pass them as parameters"
        );
        reader.refuse(head.node, reason);
        return;
    }
    if let Some(found) = knowledge.get_mut(index) {
        found.free = free.into_iter().collect();
    }
}
