package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/camunda/zeebe/clients/go/v8/pkg/pb"
)

func (s *suite) deployAllDecisions() ([]*pb.Deployment, error) {
	ctx, cancel := soon()
	defer cancel()
	response, problem := s.client.NewDeployResourceCommand().
		AddResourceFile(s.models + "/decision.bpmn").
		AddResourceFile(s.models + "/decision.dmn").
		Send(ctx)
	if problem != nil {
		return nil, problem
	}
	if len(response.Deployments) != 4 {
		return nil, errors.New("expected a process, two decisions and a graph")
	}
	return response.Deployments, nil
}

func (s *suite) deployDecisions() error {
	deployments, problem := s.deployAllDecisions()
	if problem != nil {
		return problem
	}
	fee, graph := deployments[2].GetDecision(), deployments[3].GetDecisionRequirements()
	return first(
		equal("compat-fee", fee.GetDmnDecisionId()),
		equal("compat-decisions", graph.GetDmnDecisionRequirementsId()),
		equal(graph.GetDecisionRequirementsKey(), fee.GetDecisionRequirementsKey()),
	)
}

func (s *suite) evaluate() error {
	deployments, problem := s.deployAllDecisions()
	if problem != nil {
		return problem
	}
	key := deployments[2].GetDecision().GetDecisionKey()
	byID, problem := s.client.NewEvaluateDecisionCommand().DecisionId("compat-fee").
		VariablesFromMap(variables{"age": 30, "total": 50})
	if problem != nil {
		return problem
	}
	byKey, problem := s.client.NewEvaluateDecisionCommand().DecisionKey(key).
		VariablesFromMap(variables{"age": 30, "total": 50})
	if problem != nil {
		return problem
	}
	ctx, cancel := soon()
	defer cancel()
	answer, problem := byID.Send(ctx)
	if problem != nil {
		return problem
	}
	again, problem := byKey.Send(ctx)
	if problem != nil {
		return problem
	}
	if len(answer.EvaluatedDecisions) != 2 {
		return errors.New("expected two evaluated decisions")
	}
	fee := answer.EvaluatedDecisions[1]
	return first(
		equal("5", answer.DecisionOutput),
		equal("5", again.DecisionOutput),
		equal(key, answer.DecisionKey),
		equal("\"low\"", fee.EvaluatedInputs[0].InputValue),
		equal(int32(1), fee.MatchedRules[0].RuleIndex),
	)
}

func (s *suite) failedEvaluation() error {
	ctx, cancel := soon()
	defer cancel()
	answer, problem := s.client.NewEvaluateDecisionCommand().DecisionId("compat-fee").Send(ctx)
	if problem != nil {
		return problem
	}
	return first(
		equal("compat-risk", answer.FailedDecisionId),
		equal(true, strings.HasPrefix(answer.FailureMessage, "Expected to evaluate decision 'compat-fee', but ")),
	)
}

func (s *suite) businessRuleTask() error {
	command, problem := s.client.NewCreateInstanceCommand().BPMNProcessId("compat-decision").LatestVersion().
		VariablesFromMap(variables{"age": 10, "total": 50})
	if problem != nil {
		return problem
	}
	ctx, cancel := soon()
	defer cancel()
	result, problem := command.WithResult().Send(ctx)
	if problem != nil {
		return problem
	}
	var found struct{ Fee float64 }
	if problem := json.Unmarshal([]byte(result.Variables), &found); problem != nil {
		return problem
	}
	return equal(25.0, found.Fee)
}
