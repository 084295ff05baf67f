//! TIMER.

use skep_protocol::{Key, TimerIntent, TimerRecord};

use crate::state::State;

pub(crate) fn apply(state: &mut State, key: Key, intent: TimerIntent, value: &TimerRecord) {
    match intent {
        TimerIntent::Created => {
            state.timers.insert_new((value.element_instance_key, key), value.clone());
            #[cfg(feature = "mutation")]
            if crate::mutation::is_in_replay("timer is lost with its leader") {
                return;
            }
            state.timer_due_dates.insert((value.due_date_ms, key), value.element_instance_key);
        }
        TimerIntent::Triggered | TimerIntent::Canceled => {
            state.timers.remove(&(value.element_instance_key, key));
            state.timer_due_dates.remove(&(value.due_date_ms, key));
        }
        TimerIntent::Trigger | TimerIntent::Cancel => {}
    }
}
