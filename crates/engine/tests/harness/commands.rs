//! The commands of scripts.
//!
//! | command | what it does |
//! |---|---|
//! | `deploy ID [as=NAME] [tag=T]`, `deploy-everywhere ...` | deploys the model in the indented lines below it (`model.rs`, or `dmn.rs` for `deploy ID.dmn`); `resource ID` begins another file |
//! | `evaluate DECISION {JSON} [version=] [partition=]` | evaluates a decision |
//! | `create ID {JSON} [version=] [await] [fetch=a,b] [ref=] [business=] [partition=]` | creates an instance |
//! | `activate TYPE [worker=] [max=] [timeout=] [fetch=] [bytes=] [partition=]` | hands jobs to a worker |
//! | `complete JOB {JSON}`, `fail JOB retries= [message=] [backoff=] {JSON}`, `throw-error JOB code= {JSON}` | what workers answer |
//! | `update JOB [retries=] [timeout=]`, `yield JOB` | changes a job, gives it back |
//! | `publish NAME [key=] [ttl=] [id=] {JSON}`, `correlate NAME [key=] {JSON}` | messages |
//! | `set-variables SCOPE [local] {JSON}`, `resolve INCIDENT`, `cancel INSTANCE`, `delete DEFINITION v1`, `broadcast NAME` | |
//! | `checkpoint ID [partition=]` | a partition's part of the cut for a backup |
//! | `scale N`, `scale-status` | more partitions, which are started first |
//! | `advance PT1H` (stops wherever something is due), `jump PT1H` (as after a downtime), `restart` | time and restarts |
//! | `hold-due`, `run-due` | timers, deadlines and queued slices wait, and go on |
//! | `partitions N`, `drop KIND INTENT`, `duplicate KIND INTENT`, `hold KIND INTENT`, `release`, `cut-off N`, `reconnect N` | the network |
//! | `unreachable N`, `reachable N` | what brokers tell their engines |
//! | `state`, `distributions`, `variables SCOPE`, `notifications`, `repeat N COMMAND` | looking at things |
//! | `once` | the script is long: it runs plainly only |
//!
//! `given COMMAND` does it without showing anything; it must not be refused. Things are named after their
//! element, job type or process: `pay`, the second one `pay#2`.

use skep_feel::Value;
use skep_protocol::*;

use super::print::Kind;
use super::text::{Word, words};
use super::world::{Fate, World};
use super::{dmn, model};

/// A command with the indented lines below it.
pub(crate) struct Request {
    line: String,
    lines: Vec<String>,
}

/// Takes the commands of a block; `#` begins a comment.
pub(crate) fn parse(input: &[String]) -> Vec<Request> {
    let mut commands: Vec<Request> = Vec::new();
    for line in input.iter().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with(' ') {
            commands.last_mut().expect("indented lines follow a command").lines.push(line.clone());
        } else {
            commands.push(Request { line: line.clone(), lines: Vec::new() });
        }
    }
    commands
}

/// The parts of a command.
struct Arguments<'a> {
    words: Vec<Word>,
    lines: &'a [String],
    line: &'a str,
}

impl Arguments<'_> {
    /// The first plain word behind the command.
    fn subject(&self) -> &str {
        self.words
            .get(1)
            .map(|word| word.text.trim_matches('"'))
            .unwrap_or_else(|| panic!("`{}`: what?", self.line))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.words
            .iter()
            .skip(1)
            .find(|word| word.name == name)
            .and_then(|word| word.value.as_deref())
    }

    /// A text; `ab*3` is `ababab`.
    fn text(&self, name: &str) -> String {
        let text = self.get(name).unwrap_or_default();
        let repeated = text
            .rsplit_once('*')
            .and_then(|(part, count)| Some(part.repeat(count.parse::<usize>().ok()?)));
        repeated.unwrap_or_else(|| text.to_owned())
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> T {
        self.get(name).map_or(default, |text| {
            text.parse().unwrap_or_else(|_| panic!("`{}`: {name} is no number", self.line))
        })
    }

    fn duration(&self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |text| duration(text, 0))
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.get(name).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.words.iter().skip(1).any(|word| word.text == name)
    }

    fn variables(&self) -> bytes::Bytes {
        let json = self.words.iter().find(|word| word.text.starts_with(['{', '[']));
        json.map(|word| document(&word.text)).unwrap_or_default()
    }
}

/// Runs a command and what follows from it now.
pub(crate) fn run(world: &mut World, request: &Request) {
    let mut line = request.line.as_str();
    if let Some(rest) = line.strip_prefix("given ") {
        world.hush();
        run(world, &Request { line: rest.to_owned(), lines: request.lines.clone() });
        return world.loud();
    }
    if let Some(rest) = line.strip_prefix("repeat ") {
        let (count, rest) = rest.split_once(' ').expect("repeat N COMMAND");
        for _ in 0..count.parse::<usize>().expect("repeat N COMMAND") {
            run(world, &Request { line: rest.to_owned(), lines: request.lines.clone() });
        }
        return;
    }
    line = line.trim();
    let arguments = Arguments { words: words(line), lines: &request.lines, line };
    if !run_control(world, &arguments) && !run_job(world, &arguments) {
        run_request(world, &arguments);
    }
}

/// Commands about the world around the engines.
fn run_control(world: &mut World, arguments: &Arguments<'_>) -> bool {
    let kind =
        || arguments.words[1..].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    match arguments.words[0].text.as_str() {
        "advance" => world.advance_to(duration(arguments.subject(), world.now_ms)),
        "jump" => world.jump_to(duration(arguments.subject(), world.now_ms)),
        "restart" => world.restart(),
        "hold-due" => world.due_waits = true,
        "run-due" => {
            world.due_waits = false;
            world.settle();
        }
        "partitions" => world.set_partitions(arguments.subject().parse().expect("a number")),
        "drop" => world.set_fate(Fate::Drop, &kind()),
        "duplicate" => world.set_fate(Fate::Duplicate, &kind()),
        "hold" => world.set_fate(Fate::Hold, &kind()),
        "release" => world.release(),
        "cut-off" => drop(world.cut_off.insert(arguments.subject().parse().expect("a number"))),
        "reconnect" => drop(world.cut_off.remove(&arguments.subject().parse().expect("a number"))),
        "reachable" => world.set_reachable(arguments.subject().parse().expect("a number"), true),
        "unreachable" => world.set_reachable(arguments.subject().parse().expect("a number"), false),
        "distributions" => world.show_distributions(),
        "notifications" => world.notifications = true,
        // For the whole script, before it runs (`script.rs`).
        "once" => {}
        "state" => show_state(world),
        "variables" => {
            let key = world.names.key(Kind::Element, arguments.subject());
            for (name, value) in world.variables(key) {
                world.print(format!("{name} = {value}"));
            }
        }
        _ => return false,
    }
    true
}

/// Tables of the state, by number, that are worth a word.
const TABLES: &[(u8, &str)] = &[
    (1, "element instances"),
    (3, "variables"),
    (4, "jobs"),
    (8, "timers"),
    (10, "definitions"),
    (41, "decisions"),
    (47, "decision requirements"),
    (13, "message start subscriptions"),
    (14, "messages"),
    (19, "message locks"),
    (21, "message subscriptions"),
    (25, "process message subscriptions"),
    (27, "remembered correlations"),
    (28, "incidents"),
    (33, "distributions"),
    (52, "bootstraps"),
    (36, "batches"),
];

fn show_state(world: &mut World) {
    let rows = world.rows();
    let counts: Vec<String> = TABLES
        .iter()
        .filter_map(|(table, name)| rows.get(table).map(|count| format!("{name}={count}")))
        .collect();
    // Definitions, their versions and what was received from other partitions stay.
    let others = rows
        .keys()
        .any(|table| ![0, 10, 11, 12, 35, 50, 51].contains(table) && !(41..=49).contains(table));
    let text =
        if others { counts.join(", ") } else { "nothing but definitions is left".to_owned() };
    world.print(format!("state: {text}"));
}

fn run_job(world: &mut World, arguments: &Arguments<'_>) -> bool {
    let mut value = JobRecord { variables: arguments.variables(), ..JobRecord::default() };
    let intent = match arguments.words[0].text.as_str() {
        "complete" => JobIntent::Complete,
        "fail" => {
            value.retries = arguments.number("retries", 0);
            value.error_message = arguments.text("message");
            value.retry_back_off_ms = arguments.duration("backoff", 0);
            JobIntent::Fail
        }
        "throw-error" => {
            value.error_code = arguments.text("code");
            value.error_message = arguments.text("message");
            JobIntent::ThrowError
        }
        "update" => {
            value.retries = arguments.number("retries", 0);
            value.timeout_ms = arguments.duration("timeout", 0);
            (value.changes_retries, value.changes_timeout) =
                (arguments.get("retries").is_some(), arguments.get("timeout").is_some());
            match (value.changes_retries, value.changes_timeout) {
                (true, false) => JobIntent::UpdateRetries,
                (false, true) => JobIntent::UpdateTimeout,
                _ => JobIntent::Update,
            }
        }
        "yield" => JobIntent::Yield,
        _ => return false,
    };
    let key = world.names.key(Kind::Job, arguments.subject());
    send(world, arguments, Command::new(key, Payload::Job(intent, value)));
    true
}

/// Sends a command to the partition of its key.
fn send(world: &mut World, arguments: &Arguments<'_>, command: Command) {
    let partition = match key::partition_of(command.key) {
        partition if (1..=world.partitions()).contains(&partition) => partition,
        _ => 1,
    };
    world.request(partition, command, &arguments.words[0].text);
}

fn run_request(world: &mut World, arguments: &Arguments<'_>) {
    let label = arguments.words[0].text.clone();
    let (key, payload) = match label.as_str() {
        "deploy" => (NO_KEY, deployment(arguments, false)),
        "deploy-everywhere" => (NO_KEY, deployment(arguments, true)),
        "delete" => {
            let name = arguments.words[1..]
                .iter()
                .map(|word| word.text.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            let resource_key = world.names.key(Kind::Definition, &name);
            (
                NO_KEY,
                Payload::ResourceDeletion(
                    ResourceDeletionIntent::Delete,
                    ResourceDeletionRecord { resource_key },
                ),
            )
        }
        "set-variables" => {
            let semantics = if arguments.has("local") {
                UpdateSemantics::Local
            } else {
                UpdateSemantics::Propagate
            };
            let scope_key = world.names.key(Kind::Element, arguments.subject());
            let record = VariableDocumentRecord {
                scope_key,
                update_semantics: semantics as i32,
                variables: arguments.variables(),
            };
            let command = Command::new(
                NO_KEY,
                Payload::VariableDocument(VariableDocumentIntent::Update, record),
            );
            let partition = key::partition_of(scope_key).clamp(1, world.partitions());
            return world.request(partition, command, &label);
        }
        "resolve" => {
            let key = world.names.key(Kind::Incident, arguments.subject());
            (key, Payload::Incident(IncidentIntent::Resolve, IncidentRecord::default()))
        }
        "cancel" => {
            let key = world.names.key(Kind::Element, arguments.subject());
            (
                key,
                Payload::ProcessInstance(
                    ProcessInstanceIntent::Cancel,
                    ProcessInstanceRecord::default(),
                ),
            )
        }
        _ => return run_on_a_partition(world, arguments, &label),
    };
    send(world, arguments, Command::new(key, payload));
}

/// Commands whose partition is not that of a key.
fn run_on_a_partition(world: &mut World, arguments: &Arguments<'_>, label: &str) {
    let by_key = key::partition_of_correlation_key(&arguments.text("key"), world.first_partitions);
    let (partition, payload) = match label {
        "create" => (arguments.number("partition", 1), creation(world, arguments)),
        "activate" => (arguments.number("partition", 1), activation(arguments)),
        "evaluate" => (arguments.number("partition", 1), evaluation(world, arguments)),
        "publish" => {
            let record = MessageRecord {
                name: arguments.subject().to_owned(),
                correlation_key: arguments.text("key"),
                message_id: arguments.text("id"),
                time_to_live_ms: arguments.duration("ttl", 0),
                variables: arguments.variables(),
                ..MessageRecord::default()
            };
            (by_key, Payload::Message(MessageIntent::Publish, record))
        }
        "correlate" => {
            let record = MessageCorrelationRecord {
                name: arguments.subject().to_owned(),
                correlation_key: arguments.text("key"),
                variables: arguments.variables(),
                ..MessageCorrelationRecord::default()
            };
            (by_key, Payload::MessageCorrelation(MessageCorrelationIntent::Correlate, record))
        }
        "scale" => {
            let desired_partition_count: u32 = arguments.subject().parse().expect("a number");
            world.add_partitions(desired_partition_count.min(8));
            let record = ScaleRecord { desired_partition_count, ..ScaleRecord::default() };
            (1, Payload::Scale(ScaleIntent::ScaleUp, record))
        }
        "scale-status" => (1, Payload::Scale(ScaleIntent::Status, ScaleRecord::default())),
        "checkpoint" => {
            let checkpoint_id = arguments.subject().parse().expect("a number");
            let record = CheckpointRecord { checkpoint_id, ..CheckpointRecord::default() };
            let payload = Payload::Checkpoint(CheckpointIntent::Create, record);
            (arguments.number("partition", 1), payload)
        }
        "broadcast" => {
            let record = SignalRecord {
                signal_name: arguments.subject().to_owned(),
                ..SignalRecord::default()
            };
            (1, Payload::Signal(SignalIntent::Broadcast, record))
        }
        other => panic!("`{other}` is no command"),
    };
    let mut command = Command::new(NO_KEY, payload);
    command.operation_reference = arguments.number("ref", 0);
    world.request(partition, command, label);
}

fn creation(world: &World, arguments: &Arguments<'_>) -> Payload {
    let by_key = arguments.get("definition").map(|name| world.names.key(Kind::Definition, name));
    let record = ProcessInstanceCreationRecord {
        bpmn_process_id: if by_key.is_some() {
            String::new()
        } else {
            arguments.subject().to_owned()
        },
        version: arguments.number("version", -1),
        process_definition_key: by_key.unwrap_or_default(),
        variables: arguments.variables(),
        fetch_variables: arguments.list("fetch"),
        start_element_ids: arguments.list("at"),
        business_id: arguments.text("business"),
        ..ProcessInstanceCreationRecord::default()
    };
    let intent = if arguments.has("await") {
        ProcessInstanceCreationIntent::CreateWithAwaitingResult
    } else {
        ProcessInstanceCreationIntent::Create
    };
    Payload::ProcessInstanceCreation(intent, record)
}

fn evaluation(world: &World, arguments: &Arguments<'_>) -> Payload {
    let decision_id = arguments.subject().to_owned();
    let mut record = DecisionEvaluationRecord {
        variables: arguments.variables(),
        ..DecisionEvaluationRecord::default()
    };
    match arguments.get("version") {
        Some(version) => {
            let name = format!("{decision_id} v{version}");
            record.decision_key = world.names.key(Kind::Definition, &name);
        }
        None => record.decision_id = decision_id,
    }
    Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluate, record)
}

fn activation(arguments: &Arguments<'_>) -> Payload {
    let record = JobBatchRecord {
        job_type: arguments.subject().to_owned(),
        worker: arguments.get("worker").unwrap_or("w").to_owned(),
        timeout_ms: arguments.duration("timeout", 60_000),
        jobs_max: arguments.number("max", 10),
        fetch_variables: arguments.list("fetch"),
        response_bytes_max: arguments.number("bytes", 0),
        ..JobBatchRecord::default()
    };
    Payload::JobBatch(JobBatchIntent::Activate, record)
}

fn deployment(arguments: &Arguments<'_>, awaits_all_partitions: bool) -> Payload {
    let mut files: Vec<(Vec<Word>, Vec<&str>)> = vec![(arguments.words[1..].to_vec(), Vec::new())];
    for line in arguments.lines {
        match line.trim().strip_prefix("resource ") {
            Some(rest) => files.push((words(rest), Vec::new())),
            None => files.last_mut().unwrap().1.push(line),
        }
    }
    let resources = files
        .iter()
        .filter(|(words, _)| !words.is_empty())
        .map(|(words, lines)| {
            let id = &words[0].text;
            let name =
                words.iter().find(|word| word.name == "as").and_then(|word| word.value.clone());
            let (default_name, content) = match id.strip_suffix(".dmn") {
                Some(graph) => (id.clone(), dmn::dmn(graph, &words[1..], lines)),
                None => (format!("{id}.bpmn"), model::bpmn(id, &words[1..], lines)),
            };
            ResourceRecord { name: name.unwrap_or(default_name), content: content.into() }
        })
        .collect();
    Payload::Deployment(
        DeploymentIntent::Create,
        DeploymentRecord { resources, awaits_all_partitions, ..DeploymentRecord::default() },
    )
}

/// JSON as the variables of a command.
fn document(json: &str) -> bytes::Bytes {
    let value = Value::from_json(json).unwrap_or_else(|| panic!("{json} is not JSON"));
    value.to_msgpack().into()
}

/// The time this long after another, in milliseconds.
fn duration(text: &str, from_ms: i64) -> i64 {
    use skep_feel::temporal::{add_duration, parse_duration};
    let duration = parse_duration(text).unwrap_or_else(|| panic!("{text} is no duration"));
    add_duration(from_ms, &duration, &jiff::tz::TimeZone::UTC)
}
