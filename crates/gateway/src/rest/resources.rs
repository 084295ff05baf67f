//! Deployments and the deletion of what they made.

use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use skep_protocol::{
    DEFAULT_TENANT, DecisionMetadata, DecisionRequirementsMetadata, DeploymentRecord, Key, NO_KEY,
    ProcessMetadata, ResourceRecord,
};

use super::body::{OperationReference, OptionalBody, PathKey, too_large};
use super::json::Json;
use super::problem::Problem;
use crate::check;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::limits::DEPLOYMENT_RESOURCES_MAX;
use crate::metrics::{Method, Protocol};
use crate::wait::{WAIT_FOR, WaitFor};

pub(super) async fn deploy(
    State(gateway): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let wait_for = request.headers().get(WAIT_FOR).map(|value| value.as_bytes());
    let wait_for = WaitFor::read(wait_for)?;
    let multipart = Multipart::from_request(request, &()).await.map_err(not_multipart)?;
    let resources = read_parts(multipart).await?;
    let answer = async {
        let deployed = gateway.deploy(resources, wait_for).await?;
        Ok(deployment_answer(&deployed))
    };
    Ok(gateway.measured(Protocol::Rest, Method::Deploy, answer).await?)
}

fn not_multipart(_: MultipartRejection) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Unsupported Media Type",
        "Expected Content-Type multipart/form-data with parts named 'resources'",
    )
}

fn unreadable(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Problem::bad_request(format!("The multipart body cannot be read: {}", error.body_text()))
}

async fn read_parts(mut multipart: Multipart) -> Result<Vec<ResourceRecord>, Problem> {
    let mut resources = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|error| unreadable(&error))? {
        match field.name() {
            Some("resources") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content = field.bytes().await.map_err(|error| unreadable(&error))?;
                resources.push(ResourceRecord { name, content });
                if resources.len() > DEPLOYMENT_RESOURCES_MAX {
                    break;
                }
            }
            Some("tenantId") => {
                let tenant_id = field.text().await.map_err(|error| unreadable(&error))?;
                check::tenant(&tenant_id)?;
            }
            other => {
                let name = other.unwrap_or_default();
                return Err(Problem::bad_request(format!(
                    "Expected parts named 'resources' or 'tenantId', but found '{name}'"
                )));
            }
        }
    }
    Ok(resources)
}

pub(super) fn tenant(tenant_id: &str) -> &str {
    if tenant_id.is_empty() { DEFAULT_TENANT } else { tenant_id }
}

fn deployment_answer(deployed: &DeploymentRecord) -> Response {
    let mut json = Json::object();
    json.key("deploymentKey", deployed.deployment_key);
    json.string("tenantId", tenant(&deployed.tenant_id));
    let tenant_id = tenant(&deployed.tenant_id);
    let processes = deployed
        .processes
        .iter()
        .map(|process| entry("processDefinition", &process_json(process, tenant_id)));
    let decisions = deployed
        .decisions
        .iter()
        .map(|decision| entry("decisionDefinition", &decision_json(decision, tenant_id)));
    let graphs = deployed
        .decision_requirements
        .iter()
        .map(|graph| entry("decisionRequirements", &requirements_json(graph, tenant_id)));
    json.list("deployments", processes.chain(decisions).chain(graphs));
    json.answer()
}

/// What an entry of a deployment may be about; the others are null.
const ENTRIES: [&str; 5] =
    ["processDefinition", "decisionDefinition", "decisionRequirements", "form", "resource"];

fn entry(name: &str, definition: &str) -> String {
    let mut entry = Json::object();
    for other in ENTRIES {
        if other == name { entry.raw(name, definition) } else { entry.null(other) }
    }
    entry.end()
}

fn decision_json(decision: &DecisionMetadata, tenant_id: &str) -> String {
    let mut json = Json::object();
    json.string("decisionDefinitionId", &decision.decision_id);
    json.integer("version", i64::from(decision.version));
    json.string("name", &decision.decision_name);
    json.string("tenantId", tenant_id);
    json.string("decisionRequirementsId", &decision.decision_requirements_id);
    json.key("decisionDefinitionKey", decision.decision_key);
    json.key("decisionRequirementsKey", decision.decision_requirements_key);
    json.end()
}

fn requirements_json(graph: &DecisionRequirementsMetadata, tenant_id: &str) -> String {
    let mut json = Json::object();
    json.string("decisionRequirementsId", &graph.decision_requirements_id);
    json.string("decisionRequirementsName", &graph.decision_requirements_name);
    json.integer("version", i64::from(graph.version));
    json.string("resourceName", &graph.resource_name);
    json.string("tenantId", tenant_id);
    json.key("decisionRequirementsKey", graph.decision_requirements_key);
    json.end()
}

fn process_json(process: &ProcessMetadata, tenant_id: &str) -> String {
    let mut json = Json::object();
    json.string("processDefinitionId", &process.bpmn_process_id);
    json.integer("processDefinitionVersion", i64::from(process.version));
    json.string("resourceName", &process.resource_name);
    json.string("tenantId", tenant_id);
    json.key("processDefinitionKey", process.process_definition_key);
    json.end()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Deletion {
    #[serde(default)]
    operation_reference: OperationReference,
    delete_history: Option<bool>,
}

pub(super) async fn delete(
    State(gateway): State<Gateway>,
    PathKey(resource_key): PathKey,
    OptionalBody(request): OptionalBody<Deletion>,
) -> Result<Response, Problem> {
    let answer = async {
        check::unsupported(request.delete_history.unwrap_or(false), "deleteHistory")?;
        gateway.delete_resource(resource_key, request.operation_reference.0).await?;
        let mut json = Json::object();
        json.key("resourceKey", Key::try_from(resource_key).unwrap_or(NO_KEY));
        json.null("batchOperation");
        Ok::<_, GatewayError>(json.answer())
    };
    Ok(gateway.measured(Protocol::Rest, Method::DeleteResource, answer).await?)
}
