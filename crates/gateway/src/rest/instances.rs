//! Process instances and their variables.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use skep_protocol::{DEFAULT_TENANT, Key, NO_KEY, ProcessInstanceCreationRecord};

use super::body::{
    Body, KeyText, OnlyReference, OperationReference, OptionalBody, PathKey, document,
};
use super::json::Json;
use super::problem::Problem;
use crate::check;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::metrics::{Method, Protocol};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Creation {
    process_definition_id: Option<String>,
    process_definition_key: Option<KeyText>,
    process_definition_version: Option<i32>,
    variables: Option<Box<RawValue>>,
    tenant_id: Option<String>,
    #[serde(default)]
    operation_reference: OperationReference,
    start_instructions: Option<Vec<StartInstruction>>,
    runtime_instructions: Option<Vec<Box<RawValue>>>,
    await_completion: Option<bool>,
    fetch_variables: Option<Vec<String>>,
    request_timeout: Option<i64>,
    tags: Option<Vec<String>>,
    business_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StartInstruction {
    element_id: String,
}

/// What an instance is created from: an id or a key, and exactly one of them.
fn definition(request: &mut Creation) -> Result<(String, Key), GatewayError> {
    match (request.process_definition_id.take(), request.process_definition_key) {
        (Some(id), None) => {
            check::name("processDefinitionId", &id)?;
            Ok((id, NO_KEY))
        }
        (None, Some(KeyText(key))) => match Key::try_from(key) {
            Ok(key) if key != NO_KEY => Ok((String::new(), key)),
            _ => Err(GatewayError::invalid(format!(
                "Expected a processDefinitionKey of at least 1, but it was {key}"
            ))),
        },
        (Some(_), Some(_)) => Err(GatewayError::invalid(
            "Only one of [processDefinitionId, processDefinitionKey] is allowed",
        )),
        (None, None) => Err(GatewayError::invalid(
            "At least one of [processDefinitionId, processDefinitionKey] is required",
        )),
    }
}

fn creation(request: &mut Creation) -> Result<ProcessInstanceCreationRecord, GatewayError> {
    let (bpmn_process_id, process_definition_key) = definition(request)?;
    check::tenant(request.tenant_id.as_deref().unwrap_or_default())?;
    check::business_id(request.business_id.as_deref())?;
    let instructions = request.runtime_instructions.take().unwrap_or_default();
    check::unsupported(!instructions.is_empty(), "runtimeInstructions")?;
    Ok(ProcessInstanceCreationRecord {
        bpmn_process_id,
        process_definition_key,
        version: request.process_definition_version.unwrap_or(-1),
        variables: document("variables", request.variables.as_deref())?,
        start_element_ids: request
            .start_instructions
            .take()
            .unwrap_or_default()
            .into_iter()
            .map(|start| start.element_id)
            .collect(),
        fetch_variables: request.fetch_variables.take().unwrap_or_default(),
        tags: request.tags.take().unwrap_or_default(),
        business_id: request.business_id.take().unwrap_or_default(),
        ..ProcessInstanceCreationRecord::default()
    })
}

/// The fields of CreateProcessInstanceResult.
struct Created<'a> {
    bpmn_process_id: &'a str,
    version: i64,
    tenant_id: &'a str,
    variables: &'a [u8],
    process_definition_key: Key,
    process_instance_key: Key,
    tags: &'a [String],
    business_id: &'a str,
}

impl Created<'_> {
    fn answer(&self) -> Result<Response, GatewayError> {
        let mut json = Json::object();
        json.string("processDefinitionId", self.bpmn_process_id);
        json.integer("processDefinitionVersion", self.version);
        let tenant_id = if self.tenant_id.is_empty() { DEFAULT_TENANT } else { self.tenant_id };
        json.string("tenantId", tenant_id);
        json.document("variables", self.variables)?;
        json.key("processDefinitionKey", self.process_definition_key);
        json.key("processInstanceKey", self.process_instance_key);
        json.strings("tags", self.tags);
        json.string_or_null("businessId", self.business_id);
        Ok(json.answer())
    }
}

pub(super) async fn create(
    State(gateway): State<Gateway>,
    Body(mut request): Body<Creation>,
) -> Result<Response, Problem> {
    let operation_reference = request.operation_reference.0;
    if request.await_completion.unwrap_or(false) {
        let answer = async {
            let timeout = Gateway::timeout(request.request_timeout.unwrap_or(0));
            let record = creation(&mut request)?;
            let result =
                gateway.create_instance_with_result(operation_reference, record, timeout).await?;
            Created {
                bpmn_process_id: &result.bpmn_process_id,
                version: i64::from(result.version),
                tenant_id: &result.tenant_id,
                variables: &result.variables,
                process_definition_key: result.process_definition_key,
                process_instance_key: result.process_instance_key,
                tags: &result.tags,
                business_id: &result.business_id,
            }
            .answer()
        };
        return Ok(gateway
            .measured(Protocol::Rest, Method::CreateInstanceWithResult, answer)
            .await?);
    }
    let answer = async {
        let record = creation(&mut request)?;
        let created = gateway.create_instance(operation_reference, record).await?;
        Created {
            bpmn_process_id: &created.bpmn_process_id,
            version: i64::from(created.version),
            tenant_id: &created.tenant_id,
            variables: &[],
            process_definition_key: created.process_definition_key,
            process_instance_key: created.process_instance_key,
            tags: &created.tags,
            business_id: &created.business_id,
        }
        .answer()
    };
    Ok(gateway.measured(Protocol::Rest, Method::CreateInstance, answer).await?)
}

pub(super) async fn cancel(
    State(gateway): State<Gateway>,
    PathKey(process_instance_key): PathKey,
    OptionalBody(request): OptionalBody<OnlyReference>,
) -> Result<StatusCode, Problem> {
    let cancel = gateway.cancel_instance(process_instance_key, request.operation_reference.0);
    gateway.measured(Protocol::Rest, Method::CancelInstance, cancel).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SetVariables {
    variables: Box<RawValue>,
    #[serde(default)]
    local: Option<bool>,
    #[serde(default)]
    operation_reference: OperationReference,
}

pub(super) async fn set_variables(
    State(gateway): State<Gateway>,
    PathKey(element_instance_key): PathKey,
    Body(request): Body<SetVariables>,
) -> Result<StatusCode, Problem> {
    let answer = async {
        let variables = document("variables", Some(&request.variables))?;
        let reference = request.operation_reference.0;
        let local = request.local.unwrap_or(false);
        gateway.set_variables(element_instance_key, reference, local, variables).await
    };
    gateway.measured(Protocol::Rest, Method::SetVariables, answer).await?;
    Ok(StatusCode::NO_CONTENT)
}
