//! `skep deploy FILE...`: one deployment of all files.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use skep_client::proto::deployment::Metadata;
use skep_client::proto::{DeployResourceRequest, DeployResourceResponse};

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep deploy order.bpmn discount.dmn")]
pub(crate) struct DeployArgs {
    /// BPMN, DMN and form files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Tenant that owns the resources
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,

    /// What to wait for: the partitions that answer at once, or all of them, also those that are away
    /// now, until --request-timeout is over
    #[arg(long, value_enum, default_value_t = Wait::Reachable)]
    wait: Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    Reachable,
    AllPartitions,
}

impl DeployArgs {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let mut request = DeployResourceRequest::default();
        for path in &self.files {
            request = request.with_resource(resource_name(path)?, variables::read_file(path)?);
        }
        request.tenant_id = self.tenant.unwrap_or_default();
        let client = connection.connect().await?;
        let answer = match self.wait {
            Wait::Reachable => client.deploy_resource(request).await?,
            Wait::AllPartitions => client.deploy_resource_everywhere(request).await?,
        };
        let resources = resources_of(&answer);
        match format {
            Format::Json => format.record(&json!({
                "deploymentKey": answer.key.to_string(),
                "tenantId": answer.tenant_id,
                "resources": resources,
            })),
            Format::Table => format.list(&["kind", "id", "version", "key", "resource"], &resources),
        }
    }
}

fn resource_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| Failure::file("name", path, "it has no plain file name"))
}

fn resources_of(answer: &DeployResourceResponse) -> Vec<Value> {
    let one = |kind: &str, id: &str, version: i32, key: i64, resource: &str| {
        let key = key.to_string();
        json!({"kind": kind, "id": id, "version": version, "key": key, "resource": resource})
    };
    answer
        .deployments
        .iter()
        .filter_map(|deployment| deployment.metadata.as_ref())
        .map(|metadata| match metadata {
            Metadata::Process(it) => one(
                "process",
                &it.bpmn_process_id,
                it.version,
                it.process_definition_key,
                &it.resource_name,
            ),
            Metadata::Decision(it) => {
                one("decision", &it.dmn_decision_id, it.version, it.decision_key, "")
            }
            Metadata::DecisionRequirements(it) => one(
                "decision requirements",
                &it.dmn_decision_requirements_id,
                it.version,
                it.decision_requirements_key,
                &it.resource_name,
            ),
            Metadata::Form(it) => {
                one("form", &it.form_id, it.version, it.form_key, &it.resource_name)
            }
        })
        .collect()
}
