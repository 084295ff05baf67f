//! Timers: when they are due, and their records (`spec/engine.md` 7.4).

use jiff::tz::TimeZone;
use skep_bpmn::model::{BoundaryTrigger, CatchEvent, Element, ElementKind, TimerEvent, TimerKind};
use skep_bpmn::timer::{self, Cycle, TimerError};
use skep_protocol::{ErrorType, Key, Payload, TimerIntent, TimerRecord};

use crate::context::Context;
use crate::problem::{Outcome, Problem};
use crate::step::Step;

/// First firing of a timer and how often it fires (-1 for ever).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Firing {
    pub(crate) due_date_ms: i64,
    pub(crate) repetitions: i32,
}

fn problem(error: &TimerError, scope_key: Key) -> Problem {
    Problem::new(ErrorType::ExtractValueError, error.to_string()).at_scope(scope_key)
}

fn timer_event(element: &Element) -> Option<&TimerEvent> {
    match &element.kind {
        ElementKind::StartEvent(CatchEvent::Timer(timer))
        | ElementKind::IntermediateCatchEvent(CatchEvent::Timer(timer)) => Some(timer),
        ElementKind::BoundaryEvent(boundary) => match &boundary.trigger {
            BoundaryTrigger::Timer(timer) => Some(timer),
            _ => None,
        },
        _ => None,
    }
}

impl Context<'_> {
    /// When a timer that starts now fires first. `None`: never (a cron slot that no date has).
    pub(crate) fn first_firing(
        &self,
        event: &TimerEvent,
        scope_key: Key,
    ) -> Outcome<Option<Firing>> {
        let text = self.evaluate_temporal_text(&event.value, scope_key)?;
        let zone = TimeZone::UTC;
        let once = |due_date_ms| Some(Firing { due_date_ms, repetitions: 1 });
        match event.kind {
            TimerKind::Date => timer::parse_date(&text).map(once),
            TimerKind::Duration => timer::parse_duration_due(&text, self.now_ms, &zone).map(once),
            TimerKind::Cycle => Cycle::parse(&text).map(|cycle| {
                let repetitions = cycle.repetitions_or_endless();
                cycle
                    .first_due(self.now_ms, &zone)
                    .map(|due_date_ms| Firing { due_date_ms, repetitions })
            }),
        }
        .map_err(|error| problem(&error, scope_key))
    }

    /// When a cycle fires again after `fired`; the expression is evaluated anew.
    pub(crate) fn next_firing(
        &self,
        event: &TimerEvent,
        scope_key: Key,
        fired: &TimerRecord,
    ) -> Outcome<Option<Firing>> {
        if event.kind != TimerKind::Cycle || !(fired.repetitions == -1 || fired.repetitions > 1) {
            return Ok(None);
        }
        let text = self.evaluate_temporal_text(&event.value, scope_key)?;
        let cycle = Cycle::parse(&text).map_err(|error| problem(&error, scope_key))?;
        let repetitions = if fired.repetitions == -1 { -1 } else { fired.repetitions - 1 };
        let due = cycle.next_due(fired.due_date_ms, self.now_ms, &TimeZone::UTC);
        Ok(due.map(|due_date_ms| Firing { due_date_ms, repetitions }))
    }

    /// A cycle goes on with a new timer. What fails can be tried again.
    pub(crate) fn schedule_next(&mut self, fired: &TimerRecord) -> Outcome {
        let Some(definition) = self.definition(fired.process_definition_key) else { return Ok(()) };
        let Some((_, element)) = definition.process.find(&fired.target_element_id) else {
            return Ok(());
        };
        let Some(event) = timer_event(element) else { return Ok(()) };
        let firing =
            self.next_firing(event, fired.element_instance_key, fired).map_err(|problem| {
                problem.retry_with(Step::RepeatTimer {
                    key: fired.element_instance_key,
                    element_id: fired.target_element_id.clone(),
                    due_date_ms: fired.due_date_ms,
                    repetitions: fired.repetitions,
                })
            })?;
        if let Some(firing) = firing {
            self.create_timer(TimerRecord {
                due_date_ms: firing.due_date_ms,
                repetitions: firing.repetitions,
                ..fired.clone()
            });
        }
        Ok(())
    }

    /// The timer that comes after one that fired, when an incident held it up.
    pub(crate) fn repeat_timer(
        &mut self,
        key: Key,
        target_element_id: String,
        due_date_ms: i64,
        repetitions: i32,
    ) -> Outcome {
        let Ok(current) = self.current(key) else { return Ok(()) };
        if !self.takes_triggers(&current) {
            return Ok(());
        }
        self.schedule_next(&TimerRecord {
            element_instance_key: key,
            process_instance_key: current.instance.record.process_instance_key,
            process_definition_key: current.definition.key,
            target_element_id,
            due_date_ms,
            repetitions,
            tenant_id: current.instance.record.tenant_id,
        })
    }

    /// Writes TIMER CREATED.
    pub(crate) fn create_timer(&mut self, record: TimerRecord) {
        let key = self.next_key();
        self.event(key, Payload::Timer(TimerIntent::Created, record));
    }
}
