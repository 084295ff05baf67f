//! Records and answers as short, stable lines: keys have names, times are relative to now.

use std::collections::BTreeMap;

use skep_engine::Response;
use skep_feel::Value;
use skep_protocol::*;

use super::trace::{definitions, evaluation};

/// Keys and their names: `pay` is the first with that name, `pay#2` the second.
#[derive(Default)]
pub(crate) struct Names {
    by_key: BTreeMap<Key, String>,
    by_name: BTreeMap<(Kind, String), Key>,
    counts: BTreeMap<(Kind, String), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Element instances and process instances.
    Element,
    Job,
    Incident,
    Message,
    /// Process definitions: `order v1`.
    Definition,
    Other,
}

impl Names {
    fn add(&mut self, kind: Kind, key: Key, base: &str) {
        if key == NO_KEY || self.by_key.contains_key(&key) {
            return;
        }
        let count = self.counts.entry((kind, base.to_owned())).or_default();
        *count += 1;
        let name = if *count == 1 { base.to_owned() } else { format!("{base}#{count}") };
        self.by_key.insert(key, name.clone());
        self.by_name.insert((kind, name), key);
    }

    /// The key with this name; a number is the key itself.
    pub(crate) fn key(&self, kind: Kind, name: &str) -> Key {
        let plain = name.strip_suffix("#1").unwrap_or(name);
        let found = self.by_name.get(&(kind, plain.to_owned())).copied();
        found
            .or_else(|| name.parse().ok())
            .unwrap_or_else(|| panic!("there is no {kind:?} `{name}`"))
    }

    pub(crate) fn name(&self, key: Key) -> &str {
        match key {
            NO_KEY => "none",
            key => self.by_key.get(&key).map_or("?", String::as_str),
        }
    }

    /// Notes the names that a record introduces.
    pub(crate) fn note(&mut self, record: &Record) {
        let key = record.key;
        if record.record_type != RecordType::Event {
            return;
        }
        match &record.payload {
            Payload::ProcessInstance(ProcessInstanceIntent::ElementActivating, value) => {
                self.add(Kind::Element, key, &value.element_id);
            }
            Payload::ProcessInstanceCreation(_, value) => {
                self.add(Kind::Element, key, &value.bpmn_process_id)
            }
            Payload::MessageStartEventSubscription(_, value) => {
                self.add(Kind::Element, value.process_instance_key, &value.bpmn_process_id);
                self.add(Kind::Other, key, "subscription");
            }
            Payload::Job(_, value) => {
                let is_user_task = value.job_type.starts_with("io.camunda");
                let base = if is_user_task { &value.element_id } else { &value.job_type };
                self.add(Kind::Job, key, base);
            }
            Payload::Incident(..) => self.add(Kind::Incident, key, "incident"),
            Payload::Message(_, value) => self.add(Kind::Message, key, &value.name),
            Payload::Process(_, value) => {
                let name = format!("{} v{}", value.bpmn_process_id, value.version);
                self.add(Kind::Definition, key, &name);
            }
            Payload::Decision(_, value) => {
                self.add(
                    Kind::Definition,
                    key,
                    &format!("{} v{}", value.decision_id, value.version),
                );
            }
            Payload::DecisionRequirements(_, value) => {
                let name = format!("{} v{}", value.decision_requirements_id, value.version);
                self.add(Kind::Definition, key, &name);
            }
            Payload::DecisionEvaluation(..) => self.add(Kind::Other, key, "evaluation"),
            Payload::Deployment(..) => self.add(Kind::Other, key, "deployment"),
            Payload::Timer(..) => self.add(Kind::Other, key, "timer"),
            Payload::ResourceDeletion(..) => self.add(Kind::Other, key, "deletion"),
            _ => self.add(Kind::Other, key, "key"),
        }
    }

    /// A text with names instead of keys.
    pub(crate) fn replace(&self, text: &str) -> String {
        let mut out = String::new();
        let mut digits = String::new();
        for character in text.chars().chain(['\0']) {
            if character.is_ascii_digit() {
                digits.push(character);
                continue;
            }
            match digits.parse::<Key>() {
                Ok(key) if digits.len() >= 16 => out += self.name(key),
                _ => out += &digits,
            }
            digits.clear();
            if character != '\0' {
                out.push(character);
            }
        }
        match out.chars().count() {
            length @ 1_001.. => {
                format!("{}... ({length} characters)", out.chars().take(20).collect::<String>())
            }
            _ => out.replace('\n', "\\n"),
        }
    }
}

/// A document as JSON; nothing when it is empty.
pub(crate) fn json(bytes: &[u8]) -> String {
    if bytes.is_empty() { "{}".to_owned() } else { value(bytes) }
}

pub(crate) fn value(bytes: &[u8]) -> String {
    let text = Value::from_msgpack(bytes).map_or("damaged".to_owned(), |value| value.to_json());
    if text.len() <= 200 { text } else { format!("({} bytes)", text.len()) }
}

pub(crate) fn variables(bytes: &[u8]) -> String {
    match json(bytes).as_str() {
        "{}" => String::new(),
        text => format!(" {text}"),
    }
}

/// How far from now: `PT1H30M`, `-PT5S`.
pub(crate) fn relative(at_ms: i64, now_ms: i64) -> String {
    let delta = at_ms - now_ms;
    let (sign, mut rest) = (if delta < 0 { "-" } else { "" }, delta.abs());
    let (mut date, mut time) = (String::new(), String::new());
    for (unit, size) in [("D", 86_400_000), ("H", 3_600_000), ("M", 60_000)] {
        let part = if unit == "D" { &mut date } else { &mut time };
        if rest / size > 0 {
            *part += &format!("{}{unit}", rest / size);
        }
        rest %= size;
    }
    if rest % 1000 != 0 {
        time += &format!("{}.{:03}S", rest / 1000, rest % 1000);
    } else if rest > 0 || date.is_empty() && time.is_empty() {
        time += &format!("{}S", rest / 1000);
    }
    let t = if time.is_empty() { "" } else { "T" };
    format!("{sign}P{date}{t}{time}")
}

/// A record: what it is about, its intent, and details. Records that only differ in their intent stand
/// on one line.
#[derive(PartialEq)]
pub(crate) struct Line {
    pub(crate) head: String,
    pub(crate) intent: String,
    pub(crate) tail: String,
    pub(crate) key: Key,
}

fn optional(name: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {name}={text}") }
}

/// The line of a record; none for commands, which the script shows.
pub(crate) fn line(names: &Names, record: &Record, answered: bool) -> Option<Line> {
    let (value_type, intent) = (record.payload.value_type().name(), record.payload.intent_name());
    let reference = record.operation_reference;
    let make = |head: String, intent: &str, mut tail: String| {
        if reference != 0 {
            tail += &format!(" ref={reference}");
        }
        Some(Line { head, intent: intent.to_owned(), tail, key: record.key })
    };
    match record.record_type {
        RecordType::Command => return None,
        RecordType::Rejection => {
            let rejection = record.rejection.as_ref().expect("a rejection has a reason");
            let reason = if answered {
                String::new()
            } else {
                format!(" \"{}\"", names.replace(&rejection.reason))
            };
            let head = format!("{value_type} {intent} REJECTED");
            return make(head, rejection.kind.name(), reason);
        }
        RecordType::Event => {}
    }
    let short = intent.strip_prefix("ELEMENT_").unwrap_or(intent);
    let (subject, tail) = describe(names, record);
    let head = match &record.payload {
        Payload::ProcessInstance(ProcessInstanceIntent::SequenceFlowTaken, value) => {
            return make(format!("SEQUENCE_FLOW {}", value.element_id), "TAKEN", String::new());
        }
        Payload::ProcessInstance(_, value) => {
            let kind = ElementType::try_from(value.element_type).map_or("?", ElementType::name);
            format!("{kind} {}", names.name(record.key))
        }
        Payload::Process(..) => format!("PROCESS_DEFINITION {subject}"),
        _ if subject.is_empty() => value_type.to_owned(),
        _ => format!("{value_type} {subject}"),
    };
    make(head, short, tail)
}

/// What a record is about, and its details.
fn describe(names: &Names, record: &Record) -> (String, String) {
    let (key, now_ms) = (record.key, record.timestamp_ms);
    let due = |name: &str, at_ms: i64| format!(" {name}={}", relative(at_ms, now_ms));
    let named = || names.name(key).to_owned();
    match &record.payload {
        Payload::ProcessInstance(ProcessInstanceIntent::ElementActivating, value)
            if value.parent_element_instance_key != NO_KEY =>
        {
            (String::new(), format!(" called by {}", names.name(value.parent_element_instance_key)))
        }
        Payload::ProcessInstance(..) | Payload::MessageBatch(..) => (String::new(), String::new()),
        Payload::Job(intent, value) => (named(), job(names, *intent, value, now_ms)),
        Payload::JobBatch(_, value) => {
            let jobs: Vec<&str> = value.job_keys.iter().map(|key| names.name(*key)).collect();
            let truncated = if value.truncated { " truncated" } else { "" };
            (value.job_type.clone(), format!(" [{}]{truncated}", jobs.join(", ")))
        }
        Payload::Deployment(_, value) => (String::new(), definitions(value)),
        Payload::Process(..) | Payload::Decision(..) | Payload::DecisionRequirements(..) => {
            (named(), String::new())
        }
        Payload::DecisionEvaluation(_, value) => {
            (format!("{} v{}", value.decision_id, value.decision_version), evaluation(names, value))
        }
        Payload::ResourceDeletion(_, value) => {
            (names.name(value.resource_key).to_owned(), String::new())
        }
        Payload::CommandDistribution(_, value) => {
            let to = if value.partition_id == 0 {
                String::new()
            } else {
                format!(" partition={}", value.partition_id)
            };
            (named(), to)
        }
        Payload::Incident(IncidentIntent::Created, value) => {
            let kind = ErrorType::try_from(value.error_type).map_or("?", ErrorType::name);
            let mut at = names.name(value.element_instance_key).to_owned();
            if value.variable_scope_key != value.element_instance_key {
                at += &format!(" (variables of {})", names.name(value.variable_scope_key));
            }
            (named(), format!(" {kind} at {at} \"{}\"", names.replace(&value.error_message)))
        }
        Payload::Incident(..) => (named(), String::new()),
        Payload::Timer(TimerIntent::Created, value) => {
            let repetitions = if value.repetitions == 1 {
                String::new()
            } else {
                format!(" repetitions={}", value.repetitions)
            };
            (value.target_element_id.clone(), due("due", value.due_date_ms) + &repetitions)
        }
        Payload::Timer(_, value) => (value.target_element_id.clone(), String::new()),
        Payload::Variable(_, value) => {
            let tail = format!(" {} in {}", self::value(&value.value), names.name(value.scope_key));
            (value.name.clone(), tail)
        }
        Payload::VariableDocument(_, value) => {
            (names.name(value.scope_key).to_owned(), String::new())
        }
        Payload::ProcessInstanceCreation(_, value) => {
            (format!("{} v{}", value.bpmn_process_id, value.version), String::new())
        }
        Payload::ProcessInstanceResult(_, value) => {
            (named(), format!(" {}", json(&value.variables)))
        }
        Payload::ProcessInstanceBatch(_, value) => {
            (String::new(), format!(" steps={}", value.steps.len()))
        }
        Payload::ProcessEvent(_, value) => {
            let tail =
                format!(" for {}{}", names.name(value.scope_key), variables(&value.variables));
            (value.target_element_id.clone(), tail)
        }
        Payload::Scale(intent, value) => scale(*intent, value),
        Payload::Checkpoint(_, value) => (value.checkpoint_id.to_string(), String::new()),
        Payload::Signal(_, value) => (value.signal_name.clone(), String::new()),
        Payload::Error(_, value) => (String::new(), format!(" \"{}\"", value.exception_message)),
        _ => message(names, record),
    }
}

fn scale(intent: ScaleIntent, value: &ScaleRecord) -> (String, String) {
    let tail = match intent {
        ScaleIntent::Bootstrapping if value.complete => {
            format!(" partition={} complete", value.partition_id)
        }
        ScaleIntent::Bootstrapping | ScaleIntent::PartitionBootstrapped => {
            format!(" partition={}", value.partition_id)
        }
        _ => format!(" to {}", value.desired_partition_count),
    };
    (String::new(), tail)
}

fn job(names: &Names, intent: JobIntent, value: &JobRecord, now_ms: i64) -> String {
    match intent {
        JobIntent::Created => {
            let headers: Vec<String> = value
                .headers
                .iter()
                .map(|header| format!("{}={}", header.key, header.value))
                .collect();
            let at = names.name(value.element_instance_key);
            format!(" at {at} retries={}{}", value.retries, optional("headers", &headers.join(",")))
        }
        JobIntent::Failed => {
            let back_off = if value.recurring_time_ms == 0 {
                String::new()
            } else {
                relative(value.recurring_time_ms, now_ms)
            };
            format!(" retries={}{}", value.retries, optional("back-off", &back_off))
        }
        JobIntent::RetriesUpdated => format!(" retries={}", value.retries),
        JobIntent::TimeoutUpdated | JobIntent::Updated => {
            format!(" retries={} deadline={}", value.retries, relative(value.deadline_ms, now_ms))
        }
        JobIntent::ErrorThrown => format!(" code={}", value.error_code),
        _ => String::new(),
    }
}

fn message(names: &Names, record: &Record) -> (String, String) {
    let by = |key: Key| {
        if key == NO_KEY { String::new() } else { format!(" message={}", names.name(key)) }
    };
    match &record.payload {
        Payload::Message(MessageIntent::Published, value) => {
            let mut tail =
                optional("key", &value.correlation_key) + &optional("id", &value.message_id);
            tail += &format!(" ttl={}", relative(value.time_to_live_ms, 0));
            (names.name(record.key).to_owned(), tail)
        }
        Payload::Message(..) => (names.name(record.key).to_owned(), String::new()),
        Payload::MessageSubscription(_, value) => {
            let at = names.name(value.element_instance_key);
            let key = optional("key", &value.correlation_key);
            (value.message_name.clone(), format!(" at {at}{key}{}", by(value.message_key)))
        }
        Payload::ProcessMessageSubscription(_, value) => {
            let at = names.name(value.element_instance_key);
            let key = optional("key", &value.correlation_key);
            (value.message_name.clone(), format!(" at {at}{key}{}", by(value.message_key)))
        }
        Payload::MessageStartEventSubscription(_, value) => {
            let definition = names.name(value.process_definition_key);
            let started = if value.process_instance_key == NO_KEY {
                String::new()
            } else {
                format!(
                    "{} starts {}",
                    by(value.message_key),
                    names.name(value.process_instance_key)
                )
            };
            (
                value.message_name.clone(),
                format!(" at {} of {definition}{started}", value.start_event_id),
            )
        }
        Payload::MessageCorrelation(_, value) => {
            let at = match value.process_instance_key {
                NO_KEY => String::new(),
                key => format!(" with {}", names.name(key)),
            };
            (value.name.clone(), at)
        }
        _ => (String::new(), String::new()),
    }
}

/// The lines of an answer.
pub(crate) fn answer(names: &Names, response: &Response, now_ms: i64) -> Vec<String> {
    match response {
        Response::Rejected { rejection, .. } => {
            vec![format!(
                "rejected {} \"{}\"",
                rejection.kind.name(),
                names.replace(&rejection.reason)
            )]
        }
        Response::Jobs { jobs, truncated } => {
            let mut lines: Vec<String> = jobs
                .iter()
                .map(|job| {
                    let record = &job.job;
                    format!(
                        "job {} worker={} deadline={} retries={} {}",
                        names.name(job.key),
                        record.worker,
                        relative(record.deadline_ms, now_ms),
                        record.retries,
                        json(&job.variables)
                    )
                })
                .collect();
            if jobs.is_empty() {
                lines.push("no jobs".to_owned());
            }
            if *truncated {
                lines.push("and more, which did not fit".to_owned());
            }
            lines
        }
        Response::Accepted { key, payload, .. } => vec![accepted(names, *key, payload)],
    }
}

fn accepted(names: &Names, key: Key, payload: &Payload) -> String {
    let name = names.name(key);
    match payload {
        Payload::Scale(ScaleIntent::StatusResponse, value) => format!(
            "{} partitions, ready are {:?}",
            value.desired_partition_count, value.redistributed_partitions
        ),
        Payload::Deployment(_, value) => format!("deployed{}", definitions(value)),
        Payload::ProcessInstanceCreation(_, value) => {
            format!("created {name} of {} v{}", value.bpmn_process_id, value.version)
        }
        Payload::DecisionEvaluation(_, value) if !value.failed_decision_id.is_empty() => {
            let message = names.replace(&value.evaluation_failure_message);
            format!("{} failed: \"{message}\"", value.failed_decision_id)
        }
        Payload::DecisionEvaluation(_, value) => {
            format!("{} = {}", value.decision_id, self::value(&value.decision_output))
        }
        Payload::ProcessInstanceResult(_, value) => {
            format!("{name} completed with {}", json(&value.variables))
        }
        Payload::MessageCorrelation(_, value) => {
            format!(
                "{} correlated with {}",
                names.name(value.message_key),
                names.name(value.process_instance_key)
            )
        }
        other => format!("ok {} {}", other.value_type().name(), other.intent_name()),
    }
}
