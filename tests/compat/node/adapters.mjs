// The three clients of the SDK behind one set of calls, so that the same checks run over each of them.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Camunda8 } from '@camunda8/sdk'
import { PATIENCE_MS } from './checks.mjs'

const configuration = {
  CAMUNDA_AUTH_STRATEGY: 'NONE',
  CAMUNDA_OAUTH_DISABLED: true,
  CAMUNDA_LOG_LEVEL: 'none',
  ZEEBE_GRPC_ADDRESS: `grpc://${process.env.SKEP_GRPC_ADDRESS}`,
  ZEEBE_REST_ADDRESS: `http://${process.env.SKEP_REST_ADDRESS}`,
  // A refusal is what some checks want to see, and at once.
  zeebeGrpcSettings: { ZEEBE_CLIENT_LOG_LEVEL: 'NONE', ZEEBE_GRPC_CLIENT_RETRY: false },
}

/** What a refusal is called over gRPC, and its HTTP code. */
export const HTTP_CODES = { NOT_FOUND: 404, INVALID_ARGUMENT: 400, ALREADY_EXISTS: 409 }
const GRPC_CODES = { NOT_FOUND: 5, INVALID_ARGUMENT: 3, ALREADY_EXISTS: 6 }

export function grpc() {
  const client = new Camunda8(configuration).getZeebeGrpcApiClient()
  return {
    name: 'grpc',
    streams: true,
    isRefusal: (error, kind) => error.code === GRPC_CODES[kind],
    topology: async () => {
      const { partitionsCount, brokers, gatewayVersion } = await client.topology()
      return { partitionsCount, partitions: brokers.flatMap((broker) => broker.partitions), gatewayVersion }
    },
    deploy: async (paths) => {
      const resources = paths.map((processFilename) => ({ processFilename }))
      const { deployments } = await client.deployResources(resources)
      return deployments.map(({ process }) => ({ id: process.bpmnProcessId, version: process.version, key: process.processDefinitionKey }))
    },
    deployDecisions: async (paths) => {
      const resource = (path) => (path.endsWith('.dmn') ? { decisionFilename: path } : { processFilename: path })
      const { deployments } = await client.deployResources(paths.map(resource))
      return {
        decisions: deployments.flatMap(({ decision }) => (decision ? [{ id: decision.dmnDecisionId, key: decision.decisionKey }] : [])),
        graphs: deployments.flatMap((one) => (one.decisionRequirements ? [one.decisionRequirements.dmnDecisionRequirementsId] : [])),
      }
    },
    evaluate: async (decision, variables) => {
      const { id, key } = decision
      const answer = await client.evaluateDecision({ ...(id ? { decisionId: id } : { decisionKey: key }), variables })
      return {
        output: answer.decisionOutput,
        failed: answer.failedDecisionId,
        message: answer.failureMessage,
        decisions: answer.evaluatedDecisions.map((one) => one.decisionId),
        rules: answer.evaluatedDecisions.flatMap((one) => one.matchedRules.map((rule) => rule.ruleIndex)),
      }
    },
    create: async (id, variables) => (await client.createProcessInstance({ bpmnProcessId: id, variables })).processInstanceKey,
    createWithResult: async (id, variables, fetchVariables = []) =>
      (await client.createProcessInstanceWithResult({ bpmnProcessId: id, variables, fetchVariables, requestTimeout: PATIENCE_MS })).variables,
    activate: async (type, fetchVariable) =>
      (await client.activateJobs({ type, worker: 'compat', timeout: PATIENCE_MS, maxJobsToActivate: 1, requestTimeout: PATIENCE_MS, fetchVariable }))
        .map((job) => ({ ...job, jobKey: job.key })),
    complete: (jobKey, variables = {}) => client.completeJob({ jobKey, variables }),
    fail: (jobKey, retries, retryBackOff, variables = {}) => client.failJob({ jobKey, retries, errorMessage: 'not now', retryBackOff, variables }),
    throwError: (jobKey, errorCode, variables) => client.throwError({ jobKey, errorCode, errorMessage: 'declined', variables }),
    updateRetries: (jobKey, retries) => client.updateJobRetries({ jobKey, retries }),
    updateTimeout: (jobKey, timeout) => client.updateJobTimeout({ jobKey, timeout }),
    publish: (name, correlationKey, messageId, variables) => client.publishMessage({ name, correlationKey, messageId, variables, timeToLive: PATIENCE_MS }),
    cancel: (key) => client.cancelProcessInstance(key),
    setVariables: (elementInstanceKey, variables) => client.setVariables({ elementInstanceKey, variables, local: false }),
    resolveIncident: (incidentKey) => client.resolveIncident({ incidentKey }),
    signal: async (signalName) => (await client.broadcastSignal({ signalName, variables: {} })).key,
    worker: (taskType, variables) => {
      const worker = client.createWorker({ taskType, taskHandler: (job) => job.complete(variables), timeout: PATIENCE_MS, pollInterval: 100 })
      return () => worker.close()
    },
    stream: async (type, variables) => {
      const stream = await client.streamJobs({ type, worker: 'compat', timeout: PATIENCE_MS, tenantIds: ['<default>'], taskHandler: (job) => job.complete(variables) })
      return () => stream.close()
    },
    close: () => client.close(),
  }
}

export function rest() {
  const client = new Camunda8(configuration).getCamundaRestClient()
  return {
    name: 'rest',
    isRefusal: isHttpRefusal,
    topology: async () => {
      const { partitionsCount, brokers, gatewayVersion } = await client.getTopology()
      return { partitionsCount, partitions: brokers.flatMap((broker) => broker.partitions), gatewayVersion }
    },
    deploy: async (paths) =>
      (await client.deployResourcesFromFiles(paths)).processes.map((process) => ({
        id: process.processDefinitionId, version: process.processDefinitionVersion, key: process.processDefinitionKey,
      })),
    deployDecisions: async (paths) => decisionsOf(await client.deployResourcesFromFiles(paths)),
    evaluate: async (decision, variables) => {
      const { id, key } = decision
      const answer = await client.evaluateDecision({ ...(id ? { decisionDefinitionId: id } : { decisionDefinitionKey: key }), variables })
      return {
        output: answer.output,
        failed: answer.failedDecisionDefinitionId,
        message: answer.failureMessage,
        decisions: answer.evaluatedDecisions.map((one) => one.decisionDefinitionId),
        rules: answer.evaluatedDecisions.flatMap((one) => one.matchedRules.map((rule) => rule.ruleIndex)),
      }
    },
    create: async (id, variables) => (await client.createProcessInstance({ processDefinitionId: id, variables })).processInstanceKey,
    createWithResult: async (id, variables, fetchVariables) =>
      (await client.createProcessInstanceWithResult({ processDefinitionId: id, variables, fetchVariables, requestTimeout: PATIENCE_MS })).variables,
    activate: (type, fetchVariable) =>
      client.activateJobs({ type, worker: 'compat', timeout: PATIENCE_MS, maxJobsToActivate: 1, requestTimeout: PATIENCE_MS, fetchVariable }),
    complete: (jobKey, variables = {}) => client.completeJob({ jobKey, variables }),
    fail: (jobKey, retries, retryBackOff, variables = {}) => client.failJob({ jobKey, retries, errorMessage: 'not now', retryBackOff, variables }),
    throwError: (jobKey, errorCode, variables) => client.errorJob({ jobKey, errorCode, errorMessage: 'declined', variables }),
    updateRetries: (jobKey, retries) => client.updateJob({ jobKey, retries }),
    updateTimeout: (jobKey, timeout) => client.updateJob({ jobKey, timeout }),
    publish: (name, correlationKey, messageId, variables) => client.publishMessage({ name, correlationKey, messageId, variables, timeToLive: PATIENCE_MS }),
    correlate: (name, correlationKey, variables) => client.correlateMessage({ name, correlationKey, variables }),
    cancel: (processInstanceKey) => client.cancelProcessInstance({ processInstanceKey }),
    setVariables: (elementInstanceKey, variables) => client.updateElementInstanceVariables({ elementInstanceKey, variables, local: false }),
    resolveIncident: (incidentKey) => client.resolveIncident(incidentKey),
    signal: async (signalName) => (await client.broadcastSignal({ signalName, variables: {} })).signalKey,
    worker: (type, variables) => {
      const worker = client.createJobWorker({
        type, worker: 'compat', timeout: PATIENCE_MS, maxJobsToActivate: 1, pollIntervalMs: 100, jobHandler: (job) => job.complete(variables),
      })
      return () => worker.stop()
    },
    close: () => client.stopWorkers(),
  }
}

export function cluster() {
  // Checks every answer against the published schema, in its strict mode.
  const client = new Camunda8(configuration).getOrchestrationClusterApiClient({
    config: {
      CAMUNDA_REST_ADDRESS: `http://${process.env.SKEP_REST_ADDRESS}`,
      CAMUNDA_AUTH_STRATEGY: 'NONE',
      CAMUNDA_SDK_VALIDATION: 'req:strict,res:strict',
      CAMUNDA_SDK_LOG_LEVEL: 'silent',
      CAMUNDA_SDK_HTTP_RETRY_MAX_ATTEMPTS: 1,
    },
  })
  return {
    name: 'cluster',
    isRefusal: isHttpRefusal,
    topology: async () => {
      const { partitionsCount, brokers, gatewayVersion } = await client.getTopology()
      return { partitionsCount, partitions: brokers.flatMap((broker) => broker.partitions), gatewayVersion }
    },
    deploy: async (paths) => {
      const resources = paths.map((path) => new File([readFileSync(path)], basename(path), { type: 'application/xml' }))
      return (await client.createDeployment({ resources })).processes.map((process) => ({
        id: process.processDefinitionId, version: process.processDefinitionVersion, key: process.processDefinitionKey,
      }))
    },
    deployDecisions: async (paths) => {
      const resources = paths.map((path) => new File([readFileSync(path)], basename(path), { type: 'application/xml' }))
      return decisionsOf(await client.createDeployment({ resources }))
    },
    evaluate: async (decision, variables) => {
      const { id, key } = decision
      const answer = await client.evaluateDecision({ ...(id ? { decisionDefinitionId: id } : { decisionDefinitionKey: key }), variables })
      return {
        output: answer.output,
        failed: answer.failedDecisionDefinitionId,
        message: answer.failureMessage,
        decisions: answer.evaluatedDecisions.map((one) => one.decisionDefinitionId),
        rules: answer.evaluatedDecisions.flatMap((one) => one.matchedRules.map((rule) => rule.ruleIndex)),
      }
    },
    create: async (id, variables) => (await client.createProcessInstance({ processDefinitionId: id, variables })).processInstanceKey,
    createWithResult: async (id, variables, fetchVariables) =>
      (await client.createProcessInstance({ processDefinitionId: id, variables, fetchVariables, awaitCompletion: true, requestTimeout: PATIENCE_MS })).variables,
    activate: async (type, fetchVariable) =>
      (await client.activateJobs({ type, worker: 'compat', timeout: PATIENCE_MS, maxJobsToActivate: 1, requestTimeout: PATIENCE_MS, fetchVariable })).jobs,
    complete: (jobKey, variables = {}) => client.completeJob({ jobKey, variables }),
    fail: (jobKey, retries, retryBackOff, variables = {}) => client.failJob({ jobKey, retries, errorMessage: 'not now', retryBackOff, variables }),
    throwError: (jobKey, errorCode, variables) => client.throwJobError({ jobKey, errorCode, errorMessage: 'declined', variables }),
    updateRetries: (jobKey, retries) => client.updateJob({ jobKey, changeset: { retries } }),
    updateTimeout: (jobKey, timeout) => client.updateJob({ jobKey, changeset: { timeout } }),
    publish: (name, correlationKey, messageId, variables) =>
      client.publishMessage({ name, correlationKey, variables, timeToLive: PATIENCE_MS, ...(messageId ? { messageId } : {}) }),
    correlate: (name, correlationKey, variables) => client.correlateMessage({ name, correlationKey, variables }),
    cancel: (processInstanceKey) => client.cancelProcessInstance({ processInstanceKey }),
    setVariables: (elementInstanceKey, variables) => client.createElementInstanceVariables({ elementInstanceKey, variables, local: false }),
    resolveIncident: (incidentKey) => client.resolveIncident({ incidentKey }),
    signal: async (signalName) => (await client.broadcastSignal({ signalName, variables: {} })).signalKey,
    worker: (jobType, variables) => {
      const worker = client.createJobWorker({
        jobType, workerName: 'compat', jobTimeoutMs: PATIENCE_MS, maxParallelJobs: 1, pollIntervalMs: 100, jobHandler: (job) => job.complete(variables),
      })
      return () => worker.stop()
    },
    license: () => client.getLicense(),
    close: () => {},
  }
}

function decisionsOf(deployment) {
  return {
    decisions: deployment.decisions.map((one) => ({ id: one.decisionDefinitionId, key: one.decisionDefinitionKey })),
    graphs: deployment.decisionRequirements.map((one) => one.decisionRequirementsId),
  }
}

function isHttpRefusal(error, kind) {
  const code = error.statusCode ?? error.status ?? error.response?.statusCode ?? error.cause?.status
  return code === HTTP_CODES[kind]
}
