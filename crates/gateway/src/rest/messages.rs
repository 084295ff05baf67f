//! Messages and signals.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use skep_protocol::{DEFAULT_TENANT, MessageCorrelationRecord, MessageRecord, SignalRecord};

use super::body::{Body, document};
use super::json::Json;
use super::problem::Problem;
use crate::check;
use crate::gateway::Gateway;
use crate::metrics::{Method, Protocol};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Publication {
    name: String,
    correlation_key: Option<String>,
    time_to_live: Option<i64>,
    message_id: Option<String>,
    variables: Option<Box<RawValue>>,
    tenant_id: Option<String>,
    business_id: Option<String>,
}

pub(super) async fn publish(
    State(gateway): State<Gateway>,
    Body(request): Body<Publication>,
) -> Result<Response, Problem> {
    let answer = async {
        check::tenant(request.tenant_id.as_deref().unwrap_or_default())?;
        check::unsupported(request.business_id.is_some(), "a business id on a message")?;
        let record = MessageRecord {
            name: request.name,
            correlation_key: request.correlation_key.unwrap_or_default(),
            time_to_live_ms: request.time_to_live.unwrap_or(0),
            message_id: request.message_id.unwrap_or_default(),
            variables: document("variables", request.variables.as_deref())?,
            ..MessageRecord::default()
        };
        let key = gateway.publish_message(record).await?;
        let mut json = Json::object();
        json.string("tenantId", DEFAULT_TENANT);
        json.key("messageKey", key);
        Ok(json.answer())
    };
    Ok(gateway.measured(Protocol::Rest, Method::PublishMessage, answer).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Correlation {
    name: String,
    correlation_key: Option<String>,
    variables: Option<Box<RawValue>>,
    tenant_id: Option<String>,
    business_id: Option<String>,
}

pub(super) async fn correlate(
    State(gateway): State<Gateway>,
    Body(request): Body<Correlation>,
) -> Result<Response, Problem> {
    let answer = async {
        check::tenant(request.tenant_id.as_deref().unwrap_or_default())?;
        check::unsupported(request.business_id.is_some(), "a business id on a message")?;
        let record = MessageCorrelationRecord {
            name: request.name,
            correlation_key: request.correlation_key.unwrap_or_default(),
            variables: document("variables", request.variables.as_deref())?,
            ..MessageCorrelationRecord::default()
        };
        let correlated = gateway.correlate_message(record).await?;
        let mut json = Json::object();
        json.string("tenantId", DEFAULT_TENANT);
        json.key("messageKey", correlated.message_key);
        json.key("processInstanceKey", correlated.process_instance_key);
        Ok(json.answer())
    };
    Ok(gateway.measured(Protocol::Rest, Method::CorrelateMessage, answer).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Broadcast {
    signal_name: String,
    variables: Option<Box<RawValue>>,
    tenant_id: Option<String>,
}

pub(super) async fn broadcast(
    State(gateway): State<Gateway>,
    Body(request): Body<Broadcast>,
) -> Result<Response, Problem> {
    let answer = async {
        check::tenant(request.tenant_id.as_deref().unwrap_or_default())?;
        let record = SignalRecord {
            signal_name: request.signal_name,
            variables: document("variables", request.variables.as_deref())?,
            ..SignalRecord::default()
        };
        let key = gateway.broadcast_signal(record).await?;
        let mut json = Json::object();
        json.string("tenantId", DEFAULT_TENANT);
        json.key("signalKey", key);
        Ok(json.answer())
    };
    Ok(gateway.measured(Protocol::Rest, Method::BroadcastSignal, answer).await?)
}
