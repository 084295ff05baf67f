// The Zeebe Go client against the server at SKEP_GRPC_ADDRESS.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/camunda/zeebe/clients/go/v8/pkg/entities"
	"github.com/camunda/zeebe/clients/go/v8/pkg/pb"
	"github.com/camunda/zeebe/clients/go/v8/pkg/worker"
	"github.com/camunda/zeebe/clients/go/v8/pkg/zbc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Far above every key that a fresh server hands out, in partition 1.
const unknownKey = int64(1)<<51 + 999_999_999

// A server's incident key comes soon after the key of its job.
const incidentKeyDistanceMax = 2_000

type variables = map[string]any

type suite struct {
	client  zbc.Client
	models  string
	taskKey int64
}

func main() {
	client, problem := zbc.NewClient(&zbc.ClientConfig{
		GatewayAddress:         os.Getenv("SKEP_GRPC_ADDRESS"),
		UsePlaintextConnection: true,
	})
	if problem != nil {
		fmt.Println(problem)
		os.Exit(1)
	}
	s := &suite{client: client, models: os.Getenv("SKEP_COMPAT_MODELS")}
	c := &checks{}
	c.check("topology names a leader", s.topology)
	c.check("deploys several files at once", s.deploy)
	c.check("deploying the same again makes no new version", s.deployAgain)
	c.check("creates the latest version and by key", s.create)
	c.check("a worker that polls gets variables and headers", func() error { return s.work(false) })
	c.check("a worker that streams gets variables and headers", func() error { return s.work(true) })
	c.check("activation fetches only the variables asked for", s.fetchVariables)
	c.check("a failed job comes back after its backoff", s.fail)
	c.check("a BPMN error is caught at the boundary", s.throwError)
	c.check("a message correlates", s.message)
	c.check("a message id is unique while the message lives", s.messageID)
	c.check("a timer fires", s.timer)
	c.check("a cancelled instance and its job are gone", s.cancel)
	c.check("variables can be set", s.setVariables)
	c.check("an incident can be resolved", s.incident)
	c.check("a job's timeout can be moved", s.timeout)
	c.check("a result has the variables asked for", s.fetchedResult)
	c.check("a signal can be broadcast", s.signal)
	c.check("deploys decisions beside a process", s.deployDecisions)
	c.check("evaluates a decision by id and by key", s.evaluate)
	c.check("a failed evaluation is an answer", s.failedEvaluation)
	c.check("a business rule task evaluates a decision", s.businessRuleTask)
	c.check("unknown keys and ids are NOT_FOUND", s.notFound)
	c.check("an invalid model is INVALID_ARGUMENT", s.invalid)
	fmt.Printf("%d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		os.Exit(1)
	}
}

func unique() string {
	return rand.Text()
}

func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func (s *suite) topology() error {
	ctx, cancel := soon()
	defer cancel()
	topology, problem := s.client.NewTopologyCommand().Send(ctx)
	if problem != nil {
		return problem
	}
	leaders := int32(0)
	for _, broker := range topology.Brokers {
		for _, partition := range broker.Partitions {
			if partition.Role == pb.Partition_LEADER {
				leaders++
			}
		}
	}
	return first(equal(topology.PartitionsCount, leaders), equal(true, topology.GatewayVersion != ""))
}

func (s *suite) deployAll() ([]*pb.Deployment, error) {
	ctx, cancel := soon()
	defer cancel()
	command := s.client.NewDeployResourceCommand()
	for _, name := range []string{"task", "error", "message", "timer"} {
		command = command.AddResourceFile(s.models + "/" + name + ".bpmn")
	}
	response, problem := command.Send(ctx)
	if problem != nil {
		return nil, problem
	}
	return response.Deployments, nil
}

func (s *suite) deploy() error {
	deployments, problem := s.deployAll()
	if problem != nil {
		return problem
	}
	task := deployments[0].GetProcess()
	s.taskKey = task.ProcessDefinitionKey
	return first(equal(4, len(deployments)), equal("compat-task", task.BpmnProcessId))
}

func (s *suite) deployAgain() error {
	deployments, problem := s.deployAll()
	if problem != nil {
		return problem
	}
	return equal(s.taskKey, deployments[0].GetProcess().ProcessDefinitionKey)
}

func (s *suite) create() error {
	ctx, cancel := soon()
	defer cancel()
	latest, problem := s.createTask(variables{"jobType": unique()})
	if problem != nil {
		return problem
	}
	command, problem := s.client.NewCreateInstanceCommand().ProcessDefinitionKey(s.taskKey).
		VariablesFromMap(variables{"jobType": unique()})
	if problem != nil {
		return problem
	}
	byKey, problem := command.Send(ctx)
	if problem != nil {
		return problem
	}
	return first(
		equal(s.taskKey, latest.ProcessDefinitionKey),
		equal(s.taskKey, byKey.ProcessDefinitionKey),
		equal(true, latest.ProcessInstanceKey != byKey.ProcessInstanceKey),
	)
}

func (s *suite) work(stream bool) error {
	jobType := unique()
	seen := make(chan entities.Job, 1)
	handler := func(client worker.JobClient, job entities.Job) {
		ctx, cancel := soon()
		defer cancel()
		command, problem := client.NewCompleteJobCommand().JobKey(job.Key).VariablesFromMap(variables{"answer": 42})
		if problem != nil {
			panic(problem)
		}
		if _, problem = command.Send(ctx); problem == nil {
			seen <- job
		}
	}
	opened := s.client.NewJobWorker().JobType(jobType).Handler(handler).Name("compat").
		Timeout(patience).PollInterval(50 * time.Millisecond).StreamEnabled(stream).Open()
	defer opened.Close()
	result, problem := s.result("compat-task", variables{"jobType": jobType, "text": "grüße"})
	if problem != nil {
		return problem
	}
	job := <-seen
	given, problem := job.GetVariablesAsMap()
	if problem != nil {
		return problem
	}
	headers, problem := job.GetCustomHeadersAsMap()
	if problem != nil {
		return problem
	}
	return first(
		equal(42.0, result["answer"]),
		equal("grüße", given["text"]),
		equal("green", headers["color"]),
		equal("work", job.ElementId),
		equal(int32(3), job.Retries),
	)
}

func (s *suite) fetchVariables() error {
	jobType := unique()
	if _, problem := s.createTask(variables{"jobType": jobType, "wanted": 1, "unwanted": 2}); problem != nil {
		return problem
	}
	job, problem := s.activate(jobType, "wanted")
	if problem != nil {
		return problem
	}
	return first(equal(`{"wanted":1}`, job.Variables), s.complete(job))
}

func (s *suite) fail() error {
	ctx, cancel := soon()
	defer cancel()
	job, jobType, problem := s.newJob()
	if problem != nil {
		return problem
	}
	command, problem := s.client.NewFailJobCommand().JobKey(job.Key).Retries(1).
		RetryBackoff(200 * time.Millisecond).ErrorMessage("not now").VariablesFromMap(variables{"attempt": 1})
	if problem != nil {
		return problem
	}
	if _, problem = command.Send(ctx); problem != nil {
		return problem
	}
	again, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	given, problem := again.GetVariablesAsMap()
	return first(
		problem,
		equal(job.Key, again.Key),
		equal(int32(1), again.Retries),
		equal(1.0, given["attempt"]),
		s.complete(again),
	)
}

func (s *suite) throwError() error {
	ctx, cancel := soon()
	defer cancel()
	jobType := unique()
	result := s.resultLater("compat-error", variables{"jobType": jobType})
	job, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	command, problem := s.client.NewThrowErrorCommand().JobKey(job.Key).ErrorCode("DECLINED").
		ErrorMessage("no money").VariablesFromMap(variables{"reason": "no money"})
	if problem != nil {
		return problem
	}
	if _, problem = command.Send(ctx); problem != nil {
		return problem
	}
	ended := <-result
	return first(ended.problem, equal("declined: no money", ended.variables["outcome"]))
}

func (s *suite) message() error {
	order := unique()
	result := s.resultLater("compat-message", variables{"orderId": order})
	if problem := s.publish(order, "", variables{"paid": true}); problem != nil {
		return problem
	}
	ended := <-result
	return first(ended.problem, equal(true, ended.variables["paid"]))
}

func (s *suite) messageID() error {
	order := unique()
	return first(
		s.publish(order, "once", variables{}),
		refused(codes.AlreadyExists, s.publish(order, "once", variables{})),
	)
}

func (s *suite) timer() error {
	_, problem := s.result("compat-timer", variables{})
	return problem
}

func (s *suite) cancel() error {
	ctx, cancel := soon()
	defer cancel()
	job, _, problem := s.newJob()
	if problem != nil {
		return problem
	}
	instance := job.ProcessInstanceKey
	if _, problem = s.client.NewCancelInstanceCommand().ProcessInstanceKey(instance).Send(ctx); problem != nil {
		return problem
	}
	_, again := s.client.NewCancelInstanceCommand().ProcessInstanceKey(instance).Send(ctx)
	return first(refused(codes.NotFound, s.complete(job)), refused(codes.NotFound, again))
}

func (s *suite) setVariables() error {
	ctx, cancel := soon()
	defer cancel()
	jobType := unique()
	instance, problem := s.createTask(variables{"jobType": jobType, "a": 1})
	if problem != nil {
		return problem
	}
	command, problem := s.client.NewSetVariablesCommand().ElementInstanceKey(instance.ProcessInstanceKey).
		VariablesFromMap(variables{"a": 2, "b": "new"})
	if problem != nil {
		return problem
	}
	if _, problem = command.Send(ctx); problem != nil {
		return problem
	}
	job, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	given, problem := job.GetVariablesAsMap()
	return first(problem, equal(2.0, given["a"]), equal("new", given["b"]), s.complete(job))
}

func (s *suite) incident() error {
	ctx, cancel := soon()
	defer cancel()
	job, jobType, problem := s.newJob()
	if problem != nil {
		return problem
	}
	if _, problem = s.client.NewFailJobCommand().JobKey(job.Key).Retries(0).ErrorMessage("broken").Send(ctx); problem != nil {
		return problem
	}
	if _, problem = s.client.NewUpdateJobRetriesCommand().JobKey(job.Key).Retries(2).Send(ctx); problem != nil {
		return problem
	}
	// This protocol offers no search: the incident is the first one after its job.
	for key := job.Key + 1; ; key++ {
		if key == job.Key+incidentKeyDistanceMax {
			return errors.New("no incident found")
		}
		_, problem = s.client.NewResolveIncidentCommand().IncidentKey(key).Send(ctx)
		if problem == nil {
			break
		}
		if status.Code(problem) != codes.NotFound {
			return problem
		}
	}
	again, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	return first(equal(int32(2), again.Retries), s.complete(again))
}

func (s *suite) timeout() error {
	ctx, cancel := soon()
	defer cancel()
	job, jobType, problem := s.newJob()
	if problem != nil {
		return problem
	}
	if _, problem = s.client.NewUpdateJobTimeoutCommand().JobKey(job.Key).Timeout(1).Send(ctx); problem != nil {
		return problem
	}
	again, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	return first(equal(job.Key, again.Key), equal(int32(3), again.Retries), s.complete(again))
}

func (s *suite) fetchedResult() error {
	jobType := unique()
	result := s.resultLater("compat-task", variables{"jobType": jobType, "number": 1.5}, "number")
	job, problem := s.activate(jobType)
	if problem != nil {
		return problem
	}
	if problem = s.complete(job); problem != nil {
		return problem
	}
	ended := <-result
	return first(ended.problem, equal(1, len(ended.variables)), equal(1.5, ended.variables["number"]))
}

func (s *suite) signal() error {
	ctx, cancel := soon()
	defer cancel()
	_, problem := s.client.NewBroadcastSignalCommand().SignalName(unique()).Send(ctx)
	return problem
}

func (s *suite) notFound() error {
	ctx, cancel := soon()
	defer cancel()
	_, complete := s.client.NewCompleteJobCommand().JobKey(unknownKey).Send(ctx)
	_, fail := s.client.NewFailJobCommand().JobKey(unknownKey).Retries(1).Send(ctx)
	_, throw := s.client.NewThrowErrorCommand().JobKey(unknownKey).ErrorCode("X").Send(ctx)
	_, retries := s.client.NewUpdateJobRetriesCommand().JobKey(unknownKey).Retries(1).Send(ctx)
	_, instance := s.client.NewCancelInstanceCommand().ProcessInstanceKey(unknownKey).Send(ctx)
	_, incident := s.client.NewResolveIncidentCommand().IncidentKey(unknownKey).Send(ctx)
	_, create := s.client.NewCreateInstanceCommand().BPMNProcessId("nope").LatestVersion().Send(ctx)
	_, version := s.client.NewCreateInstanceCommand().BPMNProcessId("compat-task").Version(99).Send(ctx)
	_, definition := s.client.NewCreateInstanceCommand().ProcessDefinitionKey(unknownKey).Send(ctx)
	problems := []error{}
	for _, problem := range []error{complete, fail, throw, retries, instance, incident, create, version, definition} {
		problems = append(problems, refused(codes.NotFound, problem))
	}
	return first(problems...)
}

func (s *suite) invalid() error {
	ctx, cancel := soon()
	defer cancel()
	_, problem := s.client.NewDeployResourceCommand().AddResourceFile(s.models + "/invalid.bpmn").Send(ctx)
	return refused(codes.InvalidArgument, problem)
}

func (s *suite) createTask(given variables) (*pb.CreateProcessInstanceResponse, error) {
	ctx, cancel := soon()
	defer cancel()
	command, problem := s.client.NewCreateInstanceCommand().BPMNProcessId("compat-task").LatestVersion().VariablesFromMap(given)
	if problem != nil {
		return nil, problem
	}
	return command.Send(ctx)
}

// newJob is an activated job of a new instance, with its type.
func (s *suite) newJob() (entities.Job, string, error) {
	jobType := unique()
	if _, problem := s.createTask(variables{"jobType": jobType}); problem != nil {
		return entities.Job{}, "", problem
	}
	job, problem := s.activate(jobType)
	return job, jobType, problem
}

func (s *suite) activate(jobType string, fetch ...string) (entities.Job, error) {
	ctx, cancel := soon()
	defer cancel()
	jobs, problem := s.client.NewActivateJobsCommand().JobType(jobType).MaxJobsToActivate(1).
		Timeout(patience).FetchVariables(fetch...).Send(ctx)
	if problem != nil {
		return entities.Job{}, problem
	}
	if len(jobs) != 1 {
		return entities.Job{}, fmt.Errorf("expected a job, got %d", len(jobs))
	}
	return jobs[0], nil
}

func (s *suite) complete(job entities.Job) error {
	ctx, cancel := soon()
	defer cancel()
	_, problem := s.client.NewCompleteJobCommand().JobKey(job.Key).Send(ctx)
	return problem
}

func (s *suite) publish(order, id string, given variables) error {
	ctx, cancel := soon()
	defer cancel()
	command, problem := s.client.NewPublishMessageCommand().MessageName("compat-message").CorrelationKey(order).
		MessageId(id).TimeToLive(patience).VariablesFromMap(given)
	if problem != nil {
		return problem
	}
	_, problem = command.Send(ctx)
	return problem
}

// ended is how a process instance ended: with variables or with a problem.
type ended struct {
	variables variables
	problem   error
}

func (s *suite) resultLater(process string, given variables, fetch ...string) <-chan ended {
	result := make(chan ended, 1)
	go func() {
		got, problem := s.result(process, given, fetch...)
		result <- ended{got, problem}
	}()
	return result
}

func (s *suite) result(process string, given variables, fetch ...string) (variables, error) {
	ctx, cancel := soon()
	defer cancel()
	command, problem := s.client.NewCreateInstanceCommand().BPMNProcessId(process).LatestVersion().VariablesFromMap(given)
	if problem != nil {
		return nil, problem
	}
	response, problem := command.WithResult().FetchVariables(fetch...).Send(ctx)
	if problem != nil {
		return nil, problem
	}
	job := entities.Job{ActivatedJob: &pb.ActivatedJob{Variables: response.Variables}}
	return job.GetVariablesAsMap()
}
