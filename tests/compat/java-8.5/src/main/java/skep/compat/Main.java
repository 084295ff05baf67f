package skep.compat;

import static skep.compat.Checks.PATIENCE;
import static skep.compat.Checks.equal;
import static skep.compat.Checks.isTrue;
import static skep.compat.Checks.refused;

import io.camunda.zeebe.client.ZeebeClient;
import io.camunda.zeebe.client.api.command.ClientStatusException;
import io.camunda.zeebe.client.api.response.ActivatedJob;
import io.camunda.zeebe.client.api.response.DeploymentEvent;
import io.camunda.zeebe.client.api.response.ProcessInstanceEvent;
import io.camunda.zeebe.client.api.worker.JobWorker;
import io.grpc.Status;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The Zeebe Java client of the 8.5 line against the server at SKEP_GRPC_ADDRESS. */
public final class Main {
  /** Far above every key that a fresh server hands out, in partition 1. */
  private static final long UNKNOWN_KEY = (1L << 51) + 999_999_999L;

  /** A server's incident key comes soon after the key of its job. */
  private static final int INCIDENT_KEY_DISTANCE_MAX = 2_000;

  private final ZeebeClient client;
  private final Checks checks = new Checks("");
  private final String models = System.getenv("SKEP_COMPAT_MODELS");
  private long taskDefinitionKey;

  private Main(ZeebeClient client) {
    this.client = client;
  }

  public static void main(String[] arguments) {
    var address = URI.create("http://" + System.getenv("SKEP_GRPC_ADDRESS"));
    Main main;
    try (var client =
        ZeebeClient.newClientBuilder()
            .grpcAddress(address)
            .usePlaintext()
            .defaultRequestTimeout(PATIENCE)
            .build()) {
      main = new Main(client);
      main.run();
    }
    System.out.println(main.checks.passed() + " passed, " + main.checks.failed() + " failed");
    System.exit(main.checks.failed() == 0 ? 0 : 1);
  }

  private void run() {
    checks.check("topology names a leader", this::topology);
    checks.check("deploys several files at once", this::deploy);
    checks.check("deploying the same again makes no new version", this::deployAgain);
    checks.check("creates the latest version and by key", this::create);
    checks.check("a worker that polls gets variables and headers", () -> work(false));
    checks.check("a worker that streams gets variables and headers", () -> work(true));
    checks.check("activation fetches only the variables asked for", this::fetchVariables);
    checks.check("a failed job comes back after its backoff", this::fail);
    checks.check("a BPMN error is caught at the boundary", this::error);
    checks.check("a message correlates", this::message);
    checks.check("a message id is unique while the message lives", this::messageId);
    checks.check("a timer fires", this::timer);
    checks.check("a cancelled instance and its job are gone", this::cancel);
    checks.check("variables can be set", this::setVariables);
    checks.check("an incident can be resolved", this::incident);
    checks.check("a job's timeout can be moved", this::timeout);
    checks.check("a result has the variables asked for", this::result);
    checks.check("a signal can be broadcast", this::signal);
    new Decisions(client).run(checks);
    checks.check("unknown keys and ids are NOT_FOUND", this::notFound);
    checks.check("bad arguments are INVALID_ARGUMENT", this::invalid);
  }

  private void topology() {
    var topology = client.newTopologyRequest().send().join();
    isTrue(topology.getClusterSize() >= 1, "no broker");
    isTrue(topology.getPartitionsCount() >= 1, "no partition");
    isTrue(!topology.getGatewayVersion().isEmpty(), "no version");
    var leaders =
        topology.getBrokers().stream()
            .flatMap(broker -> broker.getPartitions().stream())
            .filter(partition -> partition.isLeader())
            .count();
    equal((long) topology.getPartitionsCount(), leaders);
  }

  private DeploymentEvent deployAll() {
    return client
        .newDeployResourceCommand()
        .addResourceFile(models + "/task.bpmn")
        .addResourceFile(models + "/error.bpmn")
        .addResourceFile(models + "/message.bpmn")
        .addResourceFile(models + "/timer.bpmn")
        .send()
        .join();
  }

  private void deploy() {
    var deployment = deployAll();
    equal(4, deployment.getProcesses().size());
    var task = deployment.getProcesses().get(0);
    equal("compat-task", task.getBpmnProcessId());
    isTrue(task.getVersion() >= 1, "versions start at 1");
    isTrue(task.getResourceName().endsWith("task.bpmn"), task.getResourceName());
    taskDefinitionKey = task.getProcessDefinitionKey();
  }

  private void deployAgain() {
    equal(taskDefinitionKey, deployAll().getProcesses().get(0).getProcessDefinitionKey());
  }

  private void create() {
    var latest = createTask(Map.of("jobType", unique()));
    equal("compat-task", latest.getBpmnProcessId());
    equal(taskDefinitionKey, latest.getProcessDefinitionKey());
    var byKey =
        client
            .newCreateInstanceCommand()
            .processDefinitionKey(taskDefinitionKey)
            .variables(Map.of("jobType", unique()))
            .send()
            .join();
    equal(taskDefinitionKey, byKey.getProcessDefinitionKey());
    isTrue(byKey.getProcessInstanceKey() != latest.getProcessInstanceKey(), "keys repeat");
  }

  private void work(boolean stream) throws Exception {
    var type = unique();
    BlockingQueue<ActivatedJob> jobs = new LinkedBlockingQueue<>();
    try (JobWorker worker =
        client
            .newWorker()
            .jobType(type)
            .handler((jobClient, job) -> {
              jobClient.newCompleteCommand(job).variables(Map.of("answer", 42)).send().join();
              jobs.add(job);
            })
            .name("compat")
            .timeout(PATIENCE)
            .pollInterval(Duration.ofMillis(50))
            .streamEnabled(stream)
            .open()) {
      var result =
          client
              .newCreateInstanceCommand()
              .bpmnProcessId("compat-task")
              .latestVersion()
              .variables(Map.of("jobType", type, "text", "grüße", "list", new int[] {1, 2}))
              .withResult()
              .requestTimeout(PATIENCE)
              .send()
              .join();
      equal(42, result.getVariablesAsMap().get("answer"));
      var job = jobs.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      isTrue(job != null, "no job arrived");
      equal("grüße", job.getVariablesAsMap().get("text"));
      equal("green", job.getCustomHeaders().get("color"));
      equal("work", job.getElementId());
      equal("compat-task", job.getBpmnProcessId());
      equal(3, job.getRetries());
      equal(result.getProcessInstanceKey(), job.getProcessInstanceKey());
    }
  }

  private void fetchVariables() {
    var type = unique();
    createTask(Map.of("jobType", type, "wanted", 1, "unwanted", 2));
    var jobs =
        client
            .newActivateJobsCommand()
            .jobType(type)
            .maxJobsToActivate(1)
            .timeout(PATIENCE)
            .fetchVariables("wanted")
            .requestTimeout(PATIENCE)
            .send()
            .join()
            .getJobs();
    equal(Map.of("wanted", 1), jobs.get(0).getVariablesAsMap());
    complete(jobs.get(0));
  }

  private void fail() {
    var type = unique();
    createTask(Map.of("jobType", type));
    var job = activate(type);
    client
        .newFailCommand(job)
        .retries(1)
        .retryBackoff(Duration.ofMillis(200))
        .errorMessage("not now")
        .variables(Map.of("attempt", 1))
        .send()
        .join();
    var again = activate(type);
    equal(job.getKey(), again.getKey());
    equal(1, again.getRetries());
    equal(1, again.getVariablesAsMap().get("attempt"));
    complete(again);
  }

  private void error() throws Exception {
    var type = unique();
    var result =
        client
            .newCreateInstanceCommand()
            .bpmnProcessId("compat-error")
            .latestVersion()
            .variables(Map.of("jobType", type))
            .withResult()
            .requestTimeout(PATIENCE)
            .send();
    client
        .newThrowErrorCommand(activate(type))
        .errorCode("DECLINED")
        .errorMessage("no money")
        .variables(Map.of("reason", "no money"))
        .send()
        .join();
    equal("declined: no money", result.join().getVariablesAsMap().get("outcome"));
  }

  private void message() {
    var order = unique();
    var result =
        client
            .newCreateInstanceCommand()
            .bpmnProcessId("compat-message")
            .latestVersion()
            .variables(Map.of("orderId", order))
            .withResult()
            .requestTimeout(PATIENCE)
            .send();
    publish(order, "", Map.of("paid", true));
    equal(true, result.join().getVariablesAsMap().get("paid"));
  }

  private void messageId() {
    var order = unique();
    publish(order, "once", Map.of());
    status(Status.Code.ALREADY_EXISTS, () -> publish(order, "once", Map.of()));
  }

  private void timer() {
    client
        .newCreateInstanceCommand()
        .bpmnProcessId("compat-timer")
        .latestVersion()
        .withResult()
        .requestTimeout(PATIENCE)
        .send()
        .join();
  }

  private void cancel() {
    var type = unique();
    var instance = createTask(Map.of("jobType", type)).getProcessInstanceKey();
    var job = activate(type);
    client.newCancelInstanceCommand(instance).send().join();
    status(Status.Code.NOT_FOUND, () -> complete(job));
    status(Status.Code.NOT_FOUND, () -> client.newCancelInstanceCommand(instance).send().join());
  }

  private void setVariables() {
    var type = unique();
    var instance = createTask(Map.of("jobType", type, "a", 1)).getProcessInstanceKey();
    var response =
        client.newSetVariablesCommand(instance).variables(Map.of("a", 2, "b", "new")).send().join();
    isTrue(response.getKey() > 0, "no key");
    var job = activate(type);
    equal(2, job.getVariablesAsMap().get("a"));
    equal("new", job.getVariablesAsMap().get("b"));
    complete(job);
  }

  private void incident() {
    var type = unique();
    createTask(Map.of("jobType", type));
    var job = activate(type);
    client.newFailCommand(job).retries(0).errorMessage("broken").send().join();
    client.newUpdateRetriesCommand(job).retries(2).send().join();
    // This protocol offers no search: the incident is the first one after its job.
    for (var key = job.getKey() + 1; ; key++) {
      isTrue(key < job.getKey() + INCIDENT_KEY_DISTANCE_MAX, "no incident found");
      try {
        client.newResolveIncidentCommand(key).send().join();
        break;
      } catch (ClientStatusException notThisOne) {
        equal(Status.Code.NOT_FOUND, notThisOne.getStatusCode());
      }
    }
    var again = activate(type);
    equal(2, again.getRetries());
    complete(again);
  }

  private void timeout() {
    var type = unique();
    createTask(Map.of("jobType", type));
    var job = activate(type);
    client.newUpdateTimeoutCommand(job).timeout(Duration.ofMillis(1)).send().join();
    var again = activate(type);
    equal(job.getKey(), again.getKey());
    equal(3, again.getRetries());
    complete(again);
  }

  private void result() {
    var type = unique();
    var result =
        client
            .newCreateInstanceCommand()
            .bpmnProcessId("compat-task")
            .latestVersion()
            .variables(Map.of("jobType", type, "number", 1.5))
            .withResult()
            .fetchVariables("number", "answer")
            .requestTimeout(PATIENCE)
            .send();
    client.newCompleteCommand(activate(type)).variables(Map.of("answer", "yes")).send().join();
    equal(Map.of("number", 1.5, "answer", "yes"), result.join().getVariablesAsMap());
  }

  private void signal() {
    var response = client.newBroadcastSignalCommand().signalName(unique()).send().join();
    isTrue(response.getKey() > 0, "no key");
  }

  private void notFound() {
    var code = Status.Code.NOT_FOUND;
    status(code, () -> client.newCompleteCommand(UNKNOWN_KEY).send().join());
    status(code, () -> client.newFailCommand(UNKNOWN_KEY).retries(1).send().join());
    status(code, () -> client.newThrowErrorCommand(UNKNOWN_KEY).errorCode("X").send().join());
    status(code, () -> client.newUpdateRetriesCommand(UNKNOWN_KEY).retries(1).send().join());
    status(code, () -> client.newCancelInstanceCommand(UNKNOWN_KEY).send().join());
    status(code, () -> client.newResolveIncidentCommand(UNKNOWN_KEY).send().join());
    status(
        code,
        () -> client.newSetVariablesCommand(UNKNOWN_KEY).variables(Map.of("a", 1)).send().join());
    status(
        code,
        () ->
            client.newCreateInstanceCommand().bpmnProcessId("nope").latestVersion().send().join());
    status(
        code,
        () ->
            client.newCreateInstanceCommand().bpmnProcessId("compat-task").version(99).send().join());
    status(
        code,
        () ->
            client.newCreateInstanceCommand().processDefinitionKey(UNKNOWN_KEY).send().join());
  }

  private void invalid() {
    var code = Status.Code.INVALID_ARGUMENT;
    status(
        code,
        () ->
            client
                .newDeployResourceCommand()
                .addResourceFile(models + "/invalid.bpmn")
                .send()
                .join());
    status(
        code,
        () ->
            client
                .newDeployResourceCommand()
                .addResourceStringUtf8("not xml", "broken.bpmn")
                .send()
                .join());
    status(
        code,
        () ->
            client
                .newCreateInstanceCommand()
                .bpmnProcessId("compat-task")
                .latestVersion()
                .variables("[1]")
                .send()
                .join());
    var type = unique();
    createTask(Map.of("jobType", type));
    var job = activate(type);
    status(code, () -> client.newUpdateRetriesCommand(job).retries(0).send().join());
    complete(job);
  }

  private static String unique() {
    return UUID.randomUUID().toString();
  }

  private ProcessInstanceEvent createTask(Map<String, Object> variables) {
    return client
        .newCreateInstanceCommand()
        .bpmnProcessId("compat-task")
        .latestVersion()
        .variables(variables)
        .send()
        .join();
  }

  private ActivatedJob activate(String type) {
    var jobs =
        client
            .newActivateJobsCommand()
            .jobType(type)
            .maxJobsToActivate(1)
            .timeout(PATIENCE)
            .requestTimeout(PATIENCE)
            .send()
            .join()
            .getJobs();
    equal(1, jobs.size());
    return jobs.get(0);
  }

  private Object complete(ActivatedJob job) {
    return client.newCompleteCommand(job).send().join();
  }

  private Object publish(String correlationKey, String id, Map<String, Object> variables) {
    return client
        .newPublishMessageCommand()
        .messageName("compat-message")
        .correlationKey(correlationKey)
        .messageId(id)
        .timeToLive(PATIENCE)
        .variables(variables)
        .send()
        .join();
  }

  private static void status(Status.Code expected, Callable<?> call) {
    var refusal = refused(call);
    isTrue(refusal instanceof ClientStatusException, "not a status: " + refusal);
    equal(expected, ((ClientStatusException) refusal).getStatusCode());
  }
}
