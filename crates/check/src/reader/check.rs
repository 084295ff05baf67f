//! What must hold after every step: state says what the history says.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use skep_protocol::*;

use super::history::{History, JobLife};
use super::rows::{
    CLOSING, Counters, Dump, Rows, SubscriptionState, number, table, text_behind_number,
};

/// All checks of one partition.
pub(crate) fn check(history: &History, dump: &Dump) {
    let rows = Rows::new(dump);
    tokens_are_conserved(history, &rows);
    elements_have_their_scope(history);
    jobs_belong_to_elements(history, &rows);
    timers_belong_to_elements(history, &rows);
    incidents_belong_to_elements(history, &rows);
    variables_belong_to_elements(history, &rows);
    subscriptions_belong_to_elements(history, &rows);
    triggers_belong_to_elements(history, &rows);
    decisions_are_the_deployed_ones(history, &rows);
}

/// The counters of scopes are the children and tokens that the records tell of.
fn tokens_are_conserved(history: &History, rows: &Rows<'_>) {
    let mut elements = BTreeSet::new();
    for (key, value) in rows.of(table::ELEMENT_INSTANCES) {
        let key = number(key, 0);
        elements.insert(key);
        let Some(element) = history.elements.get(&key) else {
            panic!("state has element instance {key}, which has ended")
        };
        let counters = Counters::decode(*value).expect("a row of an element instance");
        let id = &element.record.element_id;
        let children = u32::try_from(element.children.len()).expect("few");
        assert_eq!(counters.children_active, children, "children of {id} {key}");
        assert_eq!(counters.flows_active, element.tokens, "tokens on flows of {id} {key}");
        let job = history.jobs.get(&counters.job_key);
        assert!(
            counters.job_key == NO_KEY || job.is_some_and(|job| job.element == key),
            "{id} {key} names job {}",
            counters.job_key
        );
        let called = counters.called_instance_key;
        assert!(
            called == NO_KEY || history.elements.contains_key(&called),
            "{id} {key} called {called}, which has ended"
        );
    }
    assert!(elements.iter().eq(history.elements.keys()), "state lost element instances");
    let children: BTreeSet<(Key, Key)> = history
        .elements
        .iter()
        .flat_map(|(scope, element)| element.children.iter().map(|child| (*scope, *child)))
        .collect();
    assert_eq!(rows.pairs(table::ELEMENT_CHILDREN), children, "children by scope");
    let mut waiting: BTreeMap<Key, u32> = BTreeMap::new();
    for (key, value) in rows.of(table::FLOWS_TAKEN) {
        #[derive(Clone, PartialEq, Message)]
        struct Count {
            #[prost(uint32, tag = "1")]
            count: u32,
        }
        let count = Count::decode(*value).expect("a counter").count;
        *waiting.entry(number(key, 0)).or_default() += count;
    }
    for (scope, count) in waiting {
        let tokens = history.elements.get(&scope).map_or(0, |element| element.tokens);
        assert!(count <= tokens, "{count} tokens wait at joins of {scope}, which has {tokens}");
    }
}

/// No element instance without its scope, no called instance without its caller.
fn elements_have_their_scope(history: &History) {
    for (key, element) in &history.elements {
        let record = &element.record;
        for around in [record.flow_scope_key, record.parent_element_instance_key] {
            assert!(
                around == NO_KEY || history.elements.contains_key(&around),
                "{} {key} is in {around}, which has ended",
                record.element_id
            );
        }
        assert!(
            history.elements.contains_key(&record.process_instance_key),
            "{} {key} has no process instance",
            record.element_id
        );
    }
}

fn expect_same(state: &BTreeSet<Key>, history: impl Iterator<Item = Key>, what: &str) {
    let history: BTreeSet<Key> = history.collect();
    assert!(*state == history, "{what} of the state {state:?}, of the history {history:?}");
}

fn jobs_belong_to_elements(history: &History, rows: &Rows<'_>) {
    expect_same(&rows.keys(table::JOBS), history.jobs.keys().copied(), "jobs");
    for (key, job) in &history.jobs {
        assert!(history.elements.contains_key(&job.element), "job {key} outlives its element");
    }
    let of = |life: JobLife| {
        let jobs = history.jobs.iter();
        jobs.filter(move |(_, job)| job.life == life).map(|(key, _)| *key)
    };
    let activatable = rows.last_keys(table::JOBS_ACTIVATABLE);
    expect_same(&activatable, of(JobLife::Activatable), "activatable jobs");
    expect_same(&rows.last_keys(table::JOB_DEADLINES), of(JobLife::Activated), "deadlines");
    let failed: BTreeSet<Key> = of(JobLife::Failed).collect();
    assert!(rows.last_keys(table::JOB_BACK_OFFS).is_subset(&failed), "only failed jobs wait");
}

fn timers_belong_to_elements(history: &History, rows: &Rows<'_>) {
    expect_same(&rows.last_keys(table::TIMERS), history.timers.keys().copied(), "timers");
    expect_same(
        &rows.last_keys(table::TIMER_DUE_DATES),
        history.timers.keys().copied(),
        "due dates",
    );
    for (key, element) in &history.timers {
        assert!(
            *element == NO_KEY || history.elements.contains_key(element),
            "timer {key} outlives its element instance {element}"
        );
    }
}

fn incidents_belong_to_elements(history: &History, rows: &Rows<'_>) {
    expect_same(&rows.keys(table::INCIDENTS), history.incidents.keys().copied(), "incidents");
    for (key, incident) in &history.incidents {
        let element = incident.element_instance_key;
        assert!(
            history.elements.contains_key(&element),
            "incident {key} outlives its element instance {element}"
        );
        assert!(
            incident.job_key == NO_KEY || history.jobs.contains_key(&incident.job_key),
            "incident {key} outlives its job {}",
            incident.job_key
        );
    }
    let by = rows.of(table::INCIDENTS_BY_ELEMENT).len() + rows.of(table::INCIDENTS_BY_JOB).len();
    assert_eq!(by, history.incidents.len(), "incidents by element and by job");
}

fn variables_belong_to_elements(history: &History, rows: &Rows<'_>) {
    let rows = rows.of(table::VARIABLES).iter();
    let state: BTreeSet<(Key, String)> =
        rows.map(|(key, _)| (number(key, 0), text_behind_number(key))).collect();
    assert!(state.iter().eq(history.variables.keys()), "variables of state and history differ");
    for (scope, name) in &state {
        assert!(history.elements.contains_key(scope), "variable {name} outlives scope {scope}");
    }
}

fn subscriptions_belong_to_elements(history: &History, rows: &Rows<'_>) {
    let mut state = BTreeSet::new();
    for (key, value) in rows.of(table::PROCESS_MESSAGE_SUBSCRIPTIONS) {
        let (element, name) = (number(key, 0), text_behind_number(key));
        let row = SubscriptionState::decode(*value).expect("a row of a subscription");
        assert!(
            row.state == CLOSING || history.elements.contains_key(&element),
            "the subscription for {name} outlives its element instance {element}"
        );
        state.insert((element, name));
    }
    assert!(
        state.iter().eq(history.subscriptions.keys()),
        "subscriptions of state and history differ"
    );
}

fn triggers_belong_to_elements(history: &History, rows: &Rows<'_>) {
    let state = rows.pairs(table::EVENT_TRIGGERS);
    assert_eq!(state, history.triggers, "triggers of state and history");
    for (scope, key) in state {
        assert!(history.elements.contains_key(&scope), "trigger {key} outlives {scope}");
    }
    expect_same(&rows.keys(table::BATCHES), history.batches.iter().copied(), "batches");
}

fn decisions_are_the_deployed_ones(history: &History, rows: &Rows<'_>) {
    expect_same(&rows.keys(table::DECISIONS), history.decisions.keys().copied(), "decisions");
}

/// Nothing is left but what a client may still come back to.
pub(crate) fn nothing_is_left(history: &History, dump: &Dump) {
    let stays = [
        table::META,
        table::PROCESSES,
        table::PROCESS_VERSIONS,
        table::PROCESS_VERSIONS_HIGHEST,
        table::MESSAGE_START_SUBSCRIPTIONS,
        table::DISTRIBUTIONS_RECEIVED,
        table::DISTRIBUTIONS_LAST,
        table::MESSAGE_SUBSCRIPTIONS_CLOSED,
        table::CREATIONS,
        table::CREATION_EXPIRIES,
        table::DECISIONS,
    ];
    let rows = Rows::new(dump);
    for left in rows.tables() {
        let start_timers = left == table::TIMERS || left == table::TIMER_DUE_DATES;
        if start_timers && history.timers.values().all(|element| *element == NO_KEY) {
            continue;
        }
        let stays = stays.contains(&left) || table::DECISION_INDEXES.contains(&left);
        assert!(stays, "table {left} keeps rows: {:?}", rows.of(left).first());
    }
}

/// What is deployed is everywhere, in the same state. Partitions that came later have not seen the
/// versions that were deleted before.
pub(crate) fn partitions_have_the_same(dumps: impl Iterator<Item = Dump>) {
    let deployed = |dump: Dump| -> Dump {
        let tables = [
            table::PROCESSES,
            table::PROCESS_VERSIONS,
            table::MESSAGE_START_SUBSCRIPTIONS,
            table::DECISIONS,
        ];
        let is_deployed = |row: &u8| tables.contains(row) || table::DECISIONS_BY.contains(row);
        dump.into_iter().filter(|(row, ..)| is_deployed(row)).collect()
    };
    let mut first: Option<Dump> = None;
    for rows in dumps.map(deployed) {
        let expected = first.get_or_insert_with(|| rows.clone());
        let other = rows.iter().find(|row| !expected.contains(row));
        let missing = expected.iter().find(|row| !rows.contains(row));
        assert!(
            other.is_none() && missing.is_none(),
            "a partition has {other:?} and lacks {missing:?} of what is deployed"
        );
    }
}
