//! Finds loops that never wait (rule 22).
//!
//! Such a loop is not refused: an exclusive gateway may well leave it, and the engine has a budget
//! of steps. It is worth a warning, as it is nearly always a mistake.

use crate::model::ElementIndex;
use crate::read::draft::ProcessDraft;
use crate::read::report::Report;

/// What the search knows about an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    /// On the way from the start of the search to the current element.
    OnPath,
    Done,
}

/// Warns once for each loop of elements that all pass tokens on at once.
pub(crate) fn warn(report: &mut Report, draft: &ProcessDraft<'_>) {
    let mut marks = vec![Mark::New; draft.elements.len()];
    for start in draft.indexes() {
        search(report, draft, &mut marks, start);
    }
}

/// Depth-first search on a stack of its own: a process may be a chain of any length.
fn search(report: &mut Report, draft: &ProcessDraft<'_>, marks: &mut [Mark], start: ElementIndex) {
    if !enter(draft, marks, start) {
        return;
    }
    let mut path = vec![(start, next_of(draft, start))];
    while let Some((current, next)) = path.last_mut() {
        let Some(target) = next.pop() else {
            if let Some(mark) = marks.get_mut(current.0 as usize) {
                *mark = Mark::Done;
            }
            path.pop();
            continue;
        };
        if marks.get(target.0 as usize) == Some(&Mark::OnPath) {
            let loop_start = path.iter().position(|(index, _)| *index == target).unwrap_or(0);
            let members = path.iter().skip(loop_start).map(|(index, _)| *index);
            warn_of(report, draft, target, members);
        } else if enter(draft, marks, target) {
            path.push((target, next_of(draft, target)));
        }
    }
}

/// Marks an element as being on the path, if the search has to look at it.
fn enter(draft: &ProcessDraft<'_>, marks: &mut [Mark], index: ElementIndex) -> bool {
    let passes = draft.element(index).is_some_and(|element| element.tag.is_pass_through());
    match marks.get_mut(index.0 as usize) {
        Some(mark) if *mark == Mark::New && passes => {
            *mark = Mark::OnPath;
            true
        }
        _ => false,
    }
}

/// Elements behind an element, the first last, so that they are popped in order.
fn next_of(draft: &ProcessDraft<'_>, index: ElementIndex) -> Vec<ElementIndex> {
    let mut targets =
        draft.element(index).map(|element| draft.targets_of(element)).unwrap_or_default();
    targets.reverse();
    targets
}

fn warn_of(
    report: &mut Report,
    draft: &ProcessDraft<'_>,
    at: ElementIndex,
    members: impl Iterator<Item = ElementIndex>,
) {
    const SHOWN_MEMBERS_MAX: usize = 20;
    let ids: Vec<&str> = members
        .take(SHOWN_MEMBERS_MAX)
        .filter_map(|index| draft.element(index).map(|element| element.id))
        .collect();
    if let Some(element) = draft.element(at) {
        let text = format!(
            "nothing on the loop {} waits; if its way out is never taken, it runs until the step limit of the engine",
            ids.join(" -> ")
        );
        report.warn(element.node, text);
    }
}
