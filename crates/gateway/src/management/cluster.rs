//! The cluster API: what the cluster is, how it shall be, and how far it is on the way.
//!
//! Paths and shapes are those of the cluster API of port 9600 that existing tools use. Every node
//! answers; who decides is the coordinator, which the broker finds.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use skep_broker::metadata::{
    ExportingState, ManageRequest, Refusal, RefusalKind, Wanted, WantedBrokers,
};

use super::Management;
use crate::rest::{Body, OptionalBody, Problem, Query};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match refusal.kind {
            RefusalKind::Invalid => (StatusCode::BAD_REQUEST, "Bad Request"),
            RefusalKind::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            RefusalKind::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
            RefusalKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            RefusalKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "Not Implemented"),
        };
        Self::new(status, title, refusal.reason)
    }
}

type Answer = Result<Response, Problem>;

async fn ask(management: &Management, status: StatusCode, request: ManageRequest) -> Answer {
    let answer = management.gateway().backend().manage(request).await?;
    let text = answer.to_string();
    Ok((status, [(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// How a change is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Flags {
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Do it without those that are lost.
    #[serde(default)]
    force: bool,
    /// The replicas of each partition afterwards.
    replication_factor: Option<u32>,
}

async fn change(management: &Management, wanted: Wanted, flags: &Flags) -> Answer {
    let Flags { dry_run, force, .. } = *flags;
    let request = ManageRequest::Change { wanted, dry_run, force };
    ask(management, StatusCode::ACCEPTED, request).await
}

fn refuse_factor(flags: &Flags) -> Result<(), Problem> {
    match flags.replication_factor {
        None => Ok(()),
        Some(_) => Err(Problem::bad_request(
            "replicationFactor goes with a change of the brokers: PATCH /actuator/cluster or POST \
             /actuator/cluster/brokers",
        )),
    }
}

async fn cluster(State(management): State<Management>) -> Answer {
    ask(&management, StatusCode::OK, ManageRequest::Cluster).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokersChange {
    count: Option<u32>,
    add: Option<BTreeSet<u32>>,
    remove: Option<BTreeSet<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PartitionsChange {
    count: Option<u32>,
    replication_factor: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterChange {
    brokers: Option<BrokersChange>,
    partitions: Option<PartitionsChange>,
}

impl BrokersChange {
    fn wanted(self) -> Result<Option<WantedBrokers>, Problem> {
        match (self.count, self.add, self.remove) {
            (None, None, None) => Ok(None),
            (Some(count), None, None) => Ok(Some(WantedBrokers::Count(count))),
            (None, add, remove) => Ok(Some(WantedBrokers::Other {
                add: add.unwrap_or_default(),
                remove: remove.unwrap_or_default(),
            })),
            (Some(_), _, _) => Err(Problem::bad_request(
                "Expected either a count of brokers or brokers to add and remove, but found both",
            )),
        }
    }
}

async fn patch(
    State(management): State<Management>,
    Query(flags): Query<Flags>,
    Body(asked): Body<ClusterChange>,
) -> Answer {
    let partitions = asked.partitions.unwrap_or_default();
    let wanted = Wanted::Shape {
        brokers: asked.brokers.map_or(Ok(None), BrokersChange::wanted)?,
        partition_count: partitions.count,
        replication_factor: partitions.replication_factor.or(flags.replication_factor),
    };
    change(&management, wanted, &flags).await
}

async fn set_brokers(
    State(management): State<Management>,
    Query(flags): Query<Flags>,
    Body(brokers): Body<BTreeSet<u32>>,
) -> Answer {
    let wanted = Wanted::Shape {
        brokers: Some(WantedBrokers::Exactly(brokers)),
        partition_count: None,
        replication_factor: flags.replication_factor,
    };
    change(&management, wanted, &flags).await
}

async fn add_broker(
    State(management): State<Management>,
    Path(broker): Path<String>,
    Query(flags): Query<Flags>,
) -> Answer {
    refuse_factor(&flags)?;
    change(&management, Wanted::AddBroker(number("a broker", &broker)?), &flags).await
}

async fn remove_broker(
    State(management): State<Management>,
    Path(broker): Path<String>,
    Query(flags): Query<Flags>,
) -> Answer {
    let broker = number("a broker", &broker)?;
    let wanted = match flags.replication_factor {
        None => Wanted::RemoveBroker(broker),
        factor => Wanted::Shape {
            brokers: Some(WantedBrokers::Other {
                add: BTreeSet::new(),
                remove: BTreeSet::from([broker]),
            }),
            partition_count: None,
            replication_factor: factor,
        },
    };
    change(&management, wanted, &flags).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    priority: Option<u32>,
}

async fn join(
    State(management): State<Management>,
    Path((broker, partition)): Path<(String, String)>,
    Query(flags): Query<Flags>,
    OptionalBody(asked): OptionalBody<Join>,
) -> Answer {
    refuse_factor(&flags)?;
    let wanted = Wanted::Join {
        broker: number("a broker", &broker)?,
        partition: number("a partition", &partition)?,
        priority: asked.priority.unwrap_or(1),
    };
    change(&management, wanted, &flags).await
}

async fn leave(
    State(management): State<Management>,
    Path((broker, partition)): Path<(String, String)>,
    Query(flags): Query<Flags>,
) -> Answer {
    refuse_factor(&flags)?;
    let wanted = Wanted::Leave {
        broker: number("a broker", &broker)?,
        partition: number("a partition", &partition)?,
    };
    change(&management, wanted, &flags).await
}

fn number<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, Problem> {
    let wrong = |_| {
        Problem::bad_request(format!("Expected the number of {what} in the path, found '{text}'"))
    };
    text.parse().map_err(wrong)
}

async fn show_change(State(management): State<Management>, Path(id): Path<String>) -> Answer {
    let id = number("a change", &id)?;
    ask(&management, StatusCode::OK, ManageRequest::ShowChange { id }).await
}

async fn cancel_change(State(management): State<Management>, Path(id): Path<String>) -> Answer {
    let id = number("a change", &id)?;
    ask(&management, StatusCode::OK, ManageRequest::CancelChange { id }).await
}

async fn purge(State(management): State<Management>) -> Answer {
    ask(&management, StatusCode::ACCEPTED, ManageRequest::Purge).await
}

async fn rebalance(State(management): State<Management>) -> Answer {
    ask(&management, StatusCode::OK, ManageRequest::Rebalance).await
}

async fn exporting(State(management): State<Management>) -> Answer {
    ask(&management, StatusCode::OK, ManageRequest::Exporting { state: None }).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    #[serde(default)]
    soft: bool,
}

async fn pause_exporting(
    State(management): State<Management>,
    Query(pause): Query<Pause>,
) -> Answer {
    let state = Some(if pause.soft { ExportingState::SoftPaused } else { ExportingState::Paused });
    ask(&management, StatusCode::OK, ManageRequest::Exporting { state }).await
}

async fn resume_exporting(State(management): State<Management>) -> Answer {
    let state = Some(ExportingState::Exporting);
    ask(&management, StatusCode::OK, ManageRequest::Exporting { state }).await
}

/// What other systems of this API ban and Skep does not: here nothing makes an instance untouchable.
async fn ban() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "Not Implemented",
        "Skep has no banned instances: what goes wrong inside an instance becomes an incident on it, \
         with its evidence, and the partition goes on. Cancel the instance to stop it",
    )
}

/// The routes.
pub(super) fn routes() -> Router<Management> {
    Router::new()
        .route("/actuator/cluster", get(cluster).patch(patch))
        .route("/actuator/cluster/brokers", post(set_brokers))
        .route("/actuator/cluster/brokers/{broker}", post(add_broker).delete(remove_broker))
        .route(
            "/actuator/cluster/brokers/{broker}/partitions/{partition}",
            post(join).delete(leave),
        )
        .route("/actuator/cluster/changes/{id}", get(show_change).delete(cancel_change))
        .route("/actuator/cluster/purge", post(purge))
        .route("/actuator/rebalance", post(rebalance))
        .route("/actuator/exporting", get(exporting))
        .route("/actuator/exporting/pause", post(pause_exporting))
        .route("/actuator/exporting/resume", post(resume_exporting))
        .route("/actuator/banning/{key}", post(ban))
}

#[cfg(test)]
mod tests;
