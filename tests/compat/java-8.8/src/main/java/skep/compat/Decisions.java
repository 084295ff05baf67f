package skep.compat;

import static skep.compat.Checks.PATIENCE;
import static skep.compat.Checks.equal;
import static skep.compat.Checks.isTrue;
import static skep.compat.Checks.refused;

import io.camunda.client.CamundaClient;
import io.camunda.client.api.response.DeploymentEvent;
import io.camunda.client.api.response.EvaluateDecisionResponse;
import java.util.Map;

/** Checks of decisions: deployed, evaluated, and asked by a business rule task. */
final class Decisions {
  private final CamundaClient client;
  private final String models = System.getenv("SKEP_COMPAT_MODELS");

  Decisions(CamundaClient client) {
    this.client = client;
  }

  void run(Checks checks) {
    checks.check("deploys decisions beside a process", this::deploy);
    checks.check("evaluates a decision by id and by key", this::evaluate);
    checks.check("a failed evaluation is an answer", this::fail);
    checks.check("a business rule task evaluates a decision", this::businessRuleTask);
    checks.check("unknown decisions are refused", this::unknown);
  }

  private DeploymentEvent deployAll() {
    return client
        .newDeployResourceCommand()
        .addResourceFile(models + "/decision.bpmn")
        .addResourceFile(models + "/decision.dmn")
        .send()
        .join();
  }

  private void deploy() {
    var deployment = deployAll();
    equal(1, deployment.getProcesses().size());
    equal(2, deployment.getDecisions().size());
    equal(1, deployment.getDecisionRequirements().size());
    var graph = deployment.getDecisionRequirements().get(0);
    equal("compat-decisions", graph.getDmnDecisionRequirementsId());
    equal("Compat decisions", graph.getDmnDecisionRequirementsName());
    isTrue(graph.getResourceName().endsWith("decision.dmn"), graph.getResourceName());
    var fee = deployment.getDecisions().get(1);
    equal("compat-fee", fee.getDmnDecisionId());
    equal("Fee", fee.getDmnDecisionName());
    equal(graph.getDecisionRequirementsKey(), fee.getDecisionRequirementsKey());
    isTrue(fee.getVersion() >= 1, "versions start at 1");
    equal(fee.getDecisionKey(), deployAll().getDecisions().get(1).getDecisionKey());
  }

  private void evaluate() {
    var key = deployAll().getDecisions().get(1).getDecisionKey();
    var variables = Map.<String, Object>of("age", 30, "total", 50);
    var byId = client.newEvaluateDecisionCommand().decisionId("compat-fee");
    var byKey = client.newEvaluateDecisionCommand().decisionKey(key);
    check(byId.variables(variables).send().join(), key);
    check(byKey.variables(variables).send().join(), key);
  }

  private void check(EvaluateDecisionResponse answer, long key) {
    equal(key, answer.getDecisionKey());
    equal("compat-fee", answer.getDecisionId());
    equal("compat-decisions", answer.getDecisionRequirementsId());
    equal("5", answer.getDecisionOutput());
    equal(2, answer.getEvaluatedDecisions().size());
    equal("\"low\"", answer.getEvaluatedDecisions().get(0).getDecisionOutput());
    var fee = answer.getEvaluatedDecisions().get(1);
    equal("DECISION_TABLE", fee.getDecisionType());
    equal("\"low\"", fee.getEvaluatedInputs().get(0).getInputValue());
    equal(1, fee.getMatchedRules().get(0).getRuleIndex());
    var output = fee.getMatchedRules().get(0).getEvaluatedOutputs().get(0);
    equal("5", output.getOutputValue());
  }

  private void fail() {
    var answer = client.newEvaluateDecisionCommand().decisionId("compat-fee").send().join();
    equal("compat-risk", answer.getFailedDecisionId());
    isTrue(
        answer.getFailureMessage().startsWith("Expected to evaluate decision 'compat-fee', but "),
        answer.getFailureMessage());
  }

  private void businessRuleTask() {
    var result =
        client
            .newCreateInstanceCommand()
            .bpmnProcessId("compat-decision")
            .latestVersion()
            .variables(Map.of("age", 10, "total", 50))
            .withResult()
            .requestTimeout(PATIENCE)
            .send()
            .join();
    equal(25, ((Number) result.getVariablesAsMap().get("fee")).intValue());
  }

  private void unknown() {
    refused(() -> client.newEvaluateDecisionCommand().decisionId("nope").send().join());
    refused(() -> client.newEvaluateDecisionCommand().decisionKey(1L << 51).send().join());
  }
}
