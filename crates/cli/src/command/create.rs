//! `skep create instance`: starts a process instance.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use skep_client::proto::CreateProcessInstanceRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::{duration, variables};

#[derive(Debug, Subcommand)]
pub(crate) enum CreateCommand {
    /// Start an instance of a process
    Instance(InstanceArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep create instance order --variables '{\"items\": 3}'
  skep create instance order --version 2 --variables @order.json --business-id A-17
  skep create instance 2251799813685251 --with-result --fetch total")]
pub(crate) struct InstanceArgs {
    /// BPMN process id, or process definition key (all digits)
    #[arg(value_name = "ID|KEY")]
    process: String,

    /// Version to start instead of the latest; goes with a process id
    #[arg(long, value_name = "N")]
    version: Option<i32>,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// Wait until the instance has completed and print its variables
    #[arg(long)]
    with_result: bool,

    /// With --with-result: fetch only these variables
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "with_result")]
    fetch: Vec<String>,

    /// With --with-result: how long to wait
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    wait: Duration,

    /// Number (at least 1) that the records of this operation carry
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    operation_reference: Option<u64>,

    /// Your own id for the instance
    #[arg(long, value_name = "ID")]
    business_id: Option<String>,

    /// Tenant of the process
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

impl CreateCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Instance(args) = self;
        let request = args.request()?;
        let client = connection.connect().await?;
        if !args.with_result {
            let answer = client.create_process_instance(request).await?;
            return format.record(&json!({
                "processInstanceKey": answer.process_instance_key.to_string(),
                "processDefinitionId": answer.bpmn_process_id,
                "processDefinitionVersion": answer.version,
                "processDefinitionKey": answer.process_definition_key.to_string(),
                "tenantId": answer.tenant_id,
            }));
        }
        let request = request.awaiting_result(args.wait, args.fetch);
        let answer = client.create_process_instance_with_result(request).await?;
        let variables: Value = serde_json::from_str(&answer.variables).unwrap_or(Value::Null);
        format.record(&json!({
            "processInstanceKey": answer.process_instance_key.to_string(),
            "processDefinitionId": answer.bpmn_process_id,
            "processDefinitionVersion": answer.version,
            "processDefinitionKey": answer.process_definition_key.to_string(),
            "tenantId": answer.tenant_id,
            "variables": variables,
        }))
    }
}

impl InstanceArgs {
    fn request(&self) -> Result<CreateProcessInstanceRequest, Failure> {
        // No BPMN id is all digits: XML names begin with a letter or an underscore.
        let by_key = self.process.bytes().all(|byte| byte.is_ascii_digit());
        let request = if by_key {
            if self.version.is_some() {
                let message = "a key names one version already: leave --version out";
                return Err(Failure::Usage(message.into()));
            }
            let key = self
                .process
                .parse()
                .map_err(|_| Failure::Usage(format!("{:?} is too long for a key", self.process)))?;
            CreateProcessInstanceRequest::by_key(key)
        } else {
            CreateProcessInstanceRequest::latest(&self.process)
        };
        Ok(CreateProcessInstanceRequest {
            version: self.version.unwrap_or(request.version),
            variables: variables::read(self.variables.as_deref())?,
            tenant_id: self.tenant.clone().unwrap_or_default(),
            operation_reference: self.operation_reference,
            business_id: self.business_id.clone(),
            ..request
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Harness {
        #[command(flatten)]
        args: InstanceArgs,
    }

    fn request(arguments: &[&str]) -> Result<CreateProcessInstanceRequest, Failure> {
        let arguments = ["create"].iter().chain(arguments);
        Harness::try_parse_from(arguments).expect("parses").args.request()
    }

    #[test]
    fn digits_are_a_key_and_everything_else_an_id() {
        assert_eq!(request(&["123"]).expect("a key").process_definition_key, 123);
        let by_id = request(&["order", "--version", "2"]).expect("an id");
        assert_eq!((by_id.bpmn_process_id.as_str(), by_id.version), ("order", 2));
        assert_eq!(request(&["order"]).expect("an id").version, -1);
    }

    #[test]
    fn a_key_with_a_version_or_too_many_digits_is_refused() {
        assert!(matches!(request(&["123", "--version", "2"]), Err(Failure::Usage(_))));
        assert!(matches!(request(&["99999999999999999999"]), Err(Failure::Usage(_))));
    }

    #[test]
    fn fetching_needs_a_result() {
        assert!(Harness::try_parse_from(["create", "p", "--fetch", "a"]).is_err());
        let parsed = Harness::try_parse_from(["create", "p", "--with-result", "--fetch", "a,b"]);
        assert_eq!(parsed.expect("parses").args.fetch, ["a", "b"]);
    }
}
