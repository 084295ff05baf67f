//! Throwing errors: the search for who catches (`spec/engine.md` 7.5, items 54 to 57).

use bytes::Bytes;
use skep_bpmn::model::{BoundaryTrigger, ElementKind};
use skep_protocol::{ErrorType, Key, NO_KEY};

use crate::context::Context;
use crate::element::Current;
use crate::limits::{CALL_DEPTH_MAX, SCOPE_DEPTH_MAX};
use crate::problem::{Outcome, Problem};
use crate::state::Lifecycle;

/// Who catches an error: the activity, and its boundary event.
pub(crate) struct Catch {
    current: Current,
    boundary_id: String,
}

impl Context<'_> {
    /// Throws an error from an element: interrupts the activity whose boundary catches it, or says
    /// what would have been caught.
    pub(crate) fn throw_error(&mut self, key: Key, code: &str, variables: Bytes) -> Outcome {
        match self.find_catch(key, code)? {
            Ok(catch) => {
                self.trigger_interrupting(&catch.current, &catch.boundary_id, variables);
                Ok(())
            }
            Err(known) => Err(unhandled(code, &known)),
        }
    }

    /// Searches from the throwing element outward, through call activities. The inner error lists
    /// the codes that would be caught.
    pub(crate) fn find_catch(
        &mut self,
        key: Key,
        code: &str,
    ) -> Outcome<Result<Catch, Vec<String>>> {
        let mut known = Vec::new();
        let mut at = key;
        for _ in 0..SCOPE_DEPTH_MAX * CALL_DEPTH_MAX as usize {
            let Ok(current) = self.current(at) else { break };
            if !current.instance.is(Lifecycle::Terminating)
                && let Some(boundary_id) = catching_boundary(&current, code, &mut known)
            {
                return Ok(Ok(Catch { current, boundary_id }));
            }
            at = match current.flow_scope_key() {
                NO_KEY => current.instance.record.parent_element_instance_key,
                scope => scope,
            };
            if at == NO_KEY {
                break;
            }
        }
        Ok(Err(known))
    }
}

/// The boundary event of an activity that catches the code: a specific one before a catch-all.
fn catching_boundary(current: &Current, code: &str, known: &mut Vec<String>) -> Option<String> {
    let process = &current.definition.process;
    let mut catch_all = None;
    for index in &current.element().boundary_events {
        let element = process.element(*index);
        let ElementKind::BoundaryEvent(boundary) = &element.kind else { continue };
        let BoundaryTrigger::Error { code: caught } = &boundary.trigger else { continue };
        match caught {
            Some(caught) if **caught == *code => return Some(element.id.to_string()),
            Some(caught) => known.push(caught.to_string()),
            None => catch_all = Some(element.id.to_string()),
        }
    }
    catch_all
}

/// The problem of an error that nobody catches.
pub(crate) fn unhandled(code: &str, known: &[String]) -> Problem {
    let available = if known.is_empty() {
        "No error events are available in the scope.".to_owned()
    } else {
        format!("Available error events are [{}]", known.join(", "))
    };
    Problem::new(
        ErrorType::UnhandledErrorEvent,
        format!(
            "Expected to throw an error event with the code '{code}', but it was not caught. {available}"
        ),
    )
}
