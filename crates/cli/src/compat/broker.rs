//! Deploys probes at a broker and asks them.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use skep_client::proto::deployment::Metadata;
use skep_client::proto::{
    CreateProcessInstanceRequest, DeleteResourceRequest, DeployResourceRequest,
    EvaluateDecisionRequest,
};
use skep_client::{Client, Error, ErrorKind};

use super::model::{id_of, resource};
use super::probe::{PATIENCE_VARIABLE, Probe, Question, TEXT_VARIABLE, VALUE_VARIABLE};
use super::verdict::Answer;
use crate::limits::{
    COMPAT_ANSWER_WAIT, COMPAT_IN_FLIGHT, COMPAT_PATIENCE_SECONDS, COMPAT_PATIENCE_SECONDS_ALONE,
    COMPAT_PROBES_PER_DEPLOYMENT,
};

/// A broker that is asked.
pub(crate) struct Broker {
    client: Client,
    /// What was deployed, by key, to be deleted at the end.
    deployed: Vec<i64>,
}

/// How the probes of one kind were taken.
pub(crate) struct Deployed {
    /// The probes that can be asked.
    pub(crate) accepted: Vec<Probe>,
    /// The probes that the broker refuses.
    pub(crate) refused: Vec<Probe>,
}

impl Broker {
    /// Asks this broker.
    pub(crate) fn new(client: Client) -> Self {
        Self { client, deployed: Vec::new() }
    }

    /// Deploys the probes, many at a time. A refused deployment is halved until each refusal is
    /// of one probe alone. `seen` is told how many more are settled.
    pub(crate) async fn deploy(
        &mut self,
        probes: &[Probe],
        mut seen: impl FnMut(usize),
    ) -> Result<Deployed, Error> {
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let mut open: Vec<&[Probe]> = probes.chunks(COMPAT_PROBES_PER_DEPLOYMENT).rev().collect();
        while let Some(part) = open.pop() {
            let (name, text) = resource(part);
            match self.client.deploy_resource(DeployResourceRequest::new(name, text)).await {
                Ok(answer) => {
                    self.deployed.extend(
                        answer.deployments.into_iter().filter_map(|it| key_of(it.metadata?)),
                    );
                    accepted.extend(part.iter().cloned());
                    seen(part.len());
                }
                Err(error) if error.kind() == ErrorKind::Invalid => match part {
                    [one] => {
                        refused.push(one.clone());
                        seen(1);
                    }
                    many => {
                        let (left, right) = many.split_at(many.len() / 2);
                        open.extend([right, left]);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(Deployed { accepted, refused })
    }

    /// Asks all probes, some side by side. `seen` is told of each answer.
    pub(crate) async fn ask_all(
        &self,
        probes: Vec<Probe>,
        mut seen: impl FnMut(),
    ) -> Result<Vec<(Probe, Answer)>, Error> {
        let mut answers = futures::stream::iter(probes)
            .map(|probe| async move {
                let answer = self.ask(&probe, COMPAT_PATIENCE_SECONDS).await;
                (probe, answer)
            })
            .buffer_unordered(COMPAT_IN_FLIGHT);
        let mut all = Vec::new();
        while let Some((probe, answer)) = answers.next().await {
            all.push((probe, answer?));
            seen();
        }
        Ok(all)
    }

    /// Asks one probe alone, with more patience.
    pub(crate) async fn ask_again(&self, probe: &Probe) -> Result<Answer, Error> {
        self.ask(probe, COMPAT_PATIENCE_SECONDS_ALONE).await
    }

    async fn ask(&self, probe: &Probe, patience_seconds: u64) -> Result<Answer, Error> {
        let mut variables = probe.variables.clone();
        match &probe.question {
            Question::Expression { .. } => {
                let patience = format!("PT{patience_seconds}S");
                variables.insert(PATIENCE_VARIABLE.to_owned(), patience.into());
                let wait = COMPAT_ANSWER_WAIT + Duration::from_secs(patience_seconds);
                let names = vec![TEXT_VARIABLE.to_owned(), VALUE_VARIABLE.to_owned()];
                let request = CreateProcessInstanceRequest::latest(id_of(probe))
                    .with_variables(Value::Object(variables))
                    .awaiting_result(wait, names);
                let answer = self.client.create_process_instance_with_result(request).await?;
                match serde_json::from_str(&answer.variables) {
                    Ok(Value::Object(variables)) => Ok(Answer::Variables(variables)),
                    _ => Ok(Answer::Failed),
                }
            }
            Question::UnaryTests { .. } => {
                let request = EvaluateDecisionRequest::latest(id_of(probe))
                    .with_variables(Value::Object(variables));
                let answer = self.client.evaluate_decision(request).await?;
                Ok(match answer.decision_output.as_str() {
                    "true" => Answer::Hit(true),
                    "false" => Answer::Hit(false),
                    _ => Answer::Failed,
                })
            }
        }
    }

    /// Deletes what was deployed. What cannot be deleted stays; it does no harm.
    pub(crate) async fn tidy(&self) {
        for key in &self.deployed {
            let request = DeleteResourceRequest { resource_key: *key, ..Default::default() };
            if self.client.delete_resource(request).await.is_err() {
                break;
            }
        }
    }
}

/// The key by which a resource is deleted: decisions go with their graph.
fn key_of(metadata: Metadata) -> Option<i64> {
    match metadata {
        Metadata::Process(process) => Some(process.process_definition_key),
        Metadata::DecisionRequirements(graph) => Some(graph.decision_requirements_key),
        Metadata::Decision(_) | Metadata::Form(_) => None,
    }
}
