//! Requirements that lead back to where they start.

use super::elements::Head;
use super::reader::Reader;
use super::requirements::Requirements;
use crate::model::{Place, Target};

/// Where the search is with an element.
#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Refuses elements that require themselves, directly or through others of their kind.
pub(super) fn check(reader: &mut Reader, heads: &[Head<'_>], requirements: &[Requirements]) {
    let mut states = vec![State::New; requirements.len()];
    for start in 0..requirements.len() {
        if states.get(start) != Some(&State::New) {
            continue;
        }
        // Explicit, so that a long chain of requirements does not nest.
        let mut path = vec![(start, 0)];
        while let Some((element, from)) = path.last_mut() {
            let element = *element;
            let next = requirements.get(element).and_then(|found| next(found, *from));
            let state = match next {
                Some(_) => State::Open,
                None => State::Done,
            };
            if let Some(place) = states.get_mut(element) {
                *place = state;
            }
            let Some((required, at)) = next else {
                path.pop();
                continue;
            };
            *from = at;
            match states.get(required) {
                Some(State::New) => path.push((required, 0)),
                Some(State::Open) => {
                    let cycle = path.iter().map(|(element, _)| *element);
                    let cycle: Vec<usize> = cycle.skip_while(|found| *found != required).collect();
                    refuse(reader, heads, &cycle);
                }
                _ => {}
            }
        }
    }
}

/// The next element of the file that is required, and where to go on behind it.
fn next(requirements: &Requirements, from: usize) -> Option<(usize, usize)> {
    let all = requirements.information.iter().chain(&requirements.knowledge);
    all.zip(1..).skip(from).find_map(|(target, behind)| match target {
        Target::Decision(Place { import: None, index }) if requirements.is_of_decision => {
            Some((*index as usize, behind))
        }
        Target::Knowledge(Place { import: None, index }) if !requirements.is_of_decision => {
            Some((*index as usize, behind))
        }
        _ => None,
    })
}

fn refuse(reader: &mut Reader, heads: &[Head<'_>], cycle: &[usize]) {
    let heads: Vec<&Head<'_>> = cycle.iter().filter_map(|element| heads.get(*element)).collect();
    let Some(first) = heads.first() else { return };
    let mut ids: Vec<String> = heads.iter().map(|head| format!("`{}`", head.id)).collect();
    ids.push(format!("`{}`", first.id));
    let reason = format!(
        "the element requires itself: {}; remove one of these requirements",
        ids.join(" requires ")
    );
    reader.refuse(first.node, reason);
}
