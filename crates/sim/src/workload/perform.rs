//! Performs actions.

use bytes::Bytes;
use skep_feel::Value;
use skep_protocol::{
    DecisionEvaluationIntent, DecisionEvaluationRecord, DeploymentIntent, DeploymentRecord,
    IncidentIntent, IncidentRecord, JobIntent, JobRecord, Key, MessageCorrelationIntent,
    MessageCorrelationRecord, MessageIntent, MessageRecord, NO_KEY, Payload,
    ProcessInstanceCreationIntent, ProcessInstanceCreationRecord, ProcessInstanceIntent,
    ProcessInstanceRecord, UpdateSemantics, VariableDocumentIntent, VariableDocumentRecord, key,
};

use super::client::{Ask, Client};
use super::generate::variables;
use super::{Action, File};
use crate::generated::chance::Chance;
use crate::history::{Call, CallKind};
use crate::scenario::Models;
use skep_check::History;

/// A MessagePack map of this JSON; empty for none.
pub(super) fn document(json: &str) -> Bytes {
    if json.is_empty() {
        return Bytes::new();
    }
    Value::from_json(json).map_or_else(Bytes::new, |value| value.to_msgpack().into())
}

/// Performs one action.
pub(crate) async fn perform(client: &Client, models: Models, chance: &mut Chance, action: &Action) {
    match action {
        Action::Deploy { files } => deploy(client, models, chance, files).await,
        Action::Create { .. } => create(client, chance, action).await,
        Action::CreateOn { partition, process, version, variables } => {
            let ask = || creation(*partition, process, *version, variables, "", false);
            let invoked_ms = client.now_ms();
            let outcome = client.insist(chance, true, ask).await;
            client.note(Call {
                partition: *partition,
                reference: 0,
                kind: CallKind::Expected,
                what: format!("an instance of {process} version {version}"),
                invoked_ms,
                returned_ms: client.now_ms(),
                outcome,
            });
        }
        Action::Publish { name, key, ttl_ms, variables, with_id } => {
            let id = if *with_id { format!("id-{}", client.reference()) } else { String::new() };
            let ask = || publication(client, name, key, *ttl_ms, variables, &id);
            if *with_id {
                client.insist(chance, false, ask).await;
            } else {
                client.submit(chance, ask()).await;
            }
        }
        Action::PublishAwaited { pick } => publish_awaited(client, chance, *pick).await,
        Action::Correlate { name, key } => {
            let record = MessageCorrelationRecord {
                name: name.clone(),
                correlation_key: key.clone(),
                ..MessageCorrelationRecord::default()
            };
            let intent = MessageCorrelationIntent::Correlate;
            let partition = key::partition_of_correlation_key(key, client.partitions());
            let payload = Payload::MessageCorrelation(intent, record);
            client.submit(chance, Ask::other(partition, NO_KEY, payload)).await;
        }
        Action::SetVariables { pick, local, variables } => {
            if let Some(scope) = picked(client, *pick, elements) {
                set(client, chance, scope, *local, variables).await;
            }
        }
        Action::Resolve { pick, repair } => {
            if let Some(incident) = picked(client, *pick, incidents) {
                resolve(client, chance, incident, *repair).await;
            }
        }
        Action::Cancel { pick } => {
            if let Some(element) = picked(client, *pick, elements) {
                cancel(client, chance, element).await;
            }
        }
        Action::Evaluate { decision, variables } => {
            let record = DecisionEvaluationRecord {
                decision_id: decision.clone(),
                variables: document(variables),
                ..DecisionEvaluationRecord::default()
            };
            let partition = anywhere(client, chance);
            let payload = Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluate, record);
            client.submit(chance, Ask::other(partition, NO_KEY, payload)).await;
        }
    }
}

fn anywhere(client: &Client, chance: &mut Chance) -> u32 {
    1 + u32::try_from(chance.below(client.all_partitions().max(1) as usize)).unwrap_or(0)
}

fn elements(history: &History) -> Vec<Key> {
    history.elements.keys().copied().collect()
}

fn incidents(history: &History) -> Vec<Key> {
    history.incidents.keys().copied().collect()
}

/// One of the keys that all partitions have of something.
fn picked(client: &Client, pick: u64, keys: impl Fn(&History) -> Vec<Key>) -> Option<Key> {
    let recorded = client.recorder.0.lock();
    let all: Vec<Key> = recorded.logs.values().flat_map(|log| keys(&log.reader.history)).collect();
    let at = usize::try_from(pick).unwrap_or(0) % all.len().max(1);
    all.get(at).copied()
}

async fn deploy(client: &Client, models: Models, chance: &mut Chance, files: &[File]) {
    let resources: Vec<_> = files.iter().filter_map(|file| file.resource(models)).collect();
    if resources.is_empty() {
        return;
    }
    let ask = || Ask {
        partition: 1,
        key: NO_KEY,
        payload: Payload::Deployment(
            DeploymentIntent::Create,
            DeploymentRecord { resources: resources.clone(), ..DeploymentRecord::default() },
        ),
        kind: CallKind::Deploy,
    };
    // A repetition deploys duplicates, which change nothing.
    client.insist(chance, false, ask).await;
}

async fn create(client: &Client, chance: &mut Chance, action: &Action) {
    let Action::Create { process, version, variables, business_id, awaits_result } = action else {
        return;
    };
    let partition = if business_id.is_empty() {
        anywhere(client, chance)
    } else {
        key::partition_of_correlation_key(business_id, client.partitions())
    };
    let ask = || creation(partition, process, *version, variables, business_id, *awaits_result);
    if *awaits_result {
        client.submit(chance, ask()).await;
    } else {
        client.insist(chance, true, ask).await;
    }
}

fn creation(
    partition: u32,
    process: &str,
    version: i32,
    variables: &str,
    business_id: &str,
    awaits_result: bool,
) -> Ask {
    let record = ProcessInstanceCreationRecord {
        bpmn_process_id: process.to_owned(),
        version,
        variables: document(variables),
        business_id: business_id.to_owned(),
        ..ProcessInstanceCreationRecord::default()
    };
    let intent = if awaits_result {
        ProcessInstanceCreationIntent::CreateWithAwaitingResult
    } else {
        ProcessInstanceCreationIntent::Create
    };
    let payload = Payload::ProcessInstanceCreation(intent, record);
    Ask { partition, key: NO_KEY, payload, kind: CallKind::Create }
}

fn publication(
    client: &Client,
    name: &str,
    correlation_key: &str,
    ttl_ms: i64,
    variables: &str,
    id: &str,
) -> Ask {
    let record = MessageRecord {
        name: name.to_owned(),
        correlation_key: correlation_key.to_owned(),
        time_to_live_ms: ttl_ms,
        variables: document(variables),
        message_id: id.to_owned(),
        ..MessageRecord::default()
    };
    let partition = key::partition_of_correlation_key(correlation_key, client.partitions());
    let payload = Payload::Message(MessageIntent::Publish, record);
    let kind = if id.is_empty() { CallKind::Other } else { CallKind::Publish };
    Ask { partition, key: NO_KEY, payload, kind }
}

/// Publishes a message without an id.
pub(super) async fn publish(client: &Client, chance: &mut Chance, name: &str, key: &str) {
    let ask = publication(client, name, key, 0, "", "");
    client.submit(chance, ask).await;
}

async fn publish_awaited(client: &Client, chance: &mut Chance, pick: u64) {
    let awaited: Vec<(String, String)> = {
        let recorded = client.recorder.0.lock();
        let histories = recorded.logs.values().map(|log| &log.reader.history);
        let all = histories.flat_map(|history| history.subscriptions.values());
        all.map(|waits| (waits.name.clone(), waits.correlation_key.clone())).collect()
    };
    let at = usize::try_from(pick).unwrap_or(0) % awaited.len().max(1);
    if let Some((name, key)) = awaited.get(at) {
        publish(client, chance, name, key).await;
    }
}

/// Sets variables of an element instance.
pub(super) async fn set(
    client: &Client,
    chance: &mut Chance,
    scope_key: Key,
    local: bool,
    variables: &str,
) {
    let semantics = if local { UpdateSemantics::Local } else { UpdateSemantics::Propagate };
    let record = VariableDocumentRecord {
        scope_key,
        update_semantics: semantics as i32,
        variables: document(variables),
    };
    let payload = Payload::VariableDocument(VariableDocumentIntent::Update, record);
    client.submit(chance, Ask::other(key::partition_of(scope_key), NO_KEY, payload)).await;
}

/// Resolves an incident, after what its element may lack was given.
pub(super) async fn resolve(client: &Client, chance: &mut Chance, incident: Key, repair: bool) {
    let partition = key::partition_of(incident);
    let found = {
        let recorded = client.recorder.0.lock();
        recorded.logs.get(&partition).and_then(|log| {
            let history = &log.reader.history;
            let incident = history.incidents.get(&incident)?.clone();
            let element = history.elements.get(&incident.element_instance_key)?;
            let record = &element.record;
            Some((incident, record.flow_scope_key, record.process_instance_key))
        })
    };
    if repair && let Some((incident, around, instance)) = found {
        if incident.job_key != NO_KEY {
            let job = JobRecord { retries: 1, changes_retries: true, ..JobRecord::default() };
            let payload = Payload::Job(JobIntent::UpdateRetries, job);
            client.submit(chance, Ask::other(partition, incident.job_key, payload)).await;
        }
        // What boundary events lack is not looked for in their activity.
        let scope = chance.pick(&[instance, instance, around, incident.element_instance_key]);
        let scope = if scope == NO_KEY { instance } else { scope };
        let complete = variables(chance, true);
        set(client, chance, scope, true, &complete).await;
    }
    let payload = Payload::Incident(IncidentIntent::Resolve, IncidentRecord::default());
    client.submit(chance, Ask::other(partition, incident, payload)).await;
}

/// Cancels the instance that an element instance belongs to, from its root.
pub(super) async fn cancel(client: &Client, chance: &mut Chance, element: Key) {
    let root = {
        let recorded = client.recorder.0.lock();
        let mut root = element;
        let log = recorded.logs.get(&key::partition_of(element));
        while let Some(element) = log.and_then(|log| log.reader.history.elements.get(&root)) {
            let record = &element.record;
            let above = if record.flow_scope_key == NO_KEY {
                record.parent_element_instance_key
            } else {
                record.flow_scope_key
            };
            if above == NO_KEY {
                break;
            }
            root = above;
        }
        root
    };
    let payload =
        Payload::ProcessInstance(ProcessInstanceIntent::Cancel, ProcessInstanceRecord::default());
    client.submit(chance, Ask::other(key::partition_of(root), root, payload)).await;
}
