// The Node SDK against the server at SKEP_GRPC_ADDRESS and SKEP_REST_ADDRESS, once per client that it offers;
// with an argument (grpc, rest, cluster) only that one.
import { randomUUID } from 'node:crypto'
import { cluster, grpc, rest } from './adapters.mjs'
import { PATIENCE_MS, check, counts, equal, isTrue, refusal } from './checks.mjs'

const models = process.env.SKEP_COMPAT_MODELS

/** Far above every key that a fresh server hands out, in partition 1. */
const UNKNOWN_KEY = String((1n << 51n) + 999_999_999n)

/** A server's incident key comes soon after the key of its job. */
const INCIDENT_KEY_DISTANCE_MAX = 2_000n

const keyOfTask = (processes) => processes.find((process) => process.id === 'compat-task').key

// The SDK's workers may lose a rejection; a check that depends on it fails by itself.
process.on('unhandledRejection', (error) => console.log(`     a worker complains: ${error?.message}`))

async function run(client) {
  const checked = (name, body) => check(`${client.name}: ${name}`, body)
  const files = ['task', 'error', 'message', 'timer'].map((name) => `${models}/${name}.bpmn`)
  const activate = async (type, fetchVariable) => {
    const jobs = await client.activate(type, fetchVariable)
    equal(1, jobs.length)
    return jobs[0]
  }
  const refused = async (kind, promise) => {
    const error = await refusal(promise)
    isTrue(client.isRefusal(error, kind), `expected ${kind}, got ${error?.name} ${error?.message}`)
  }
  let taskKey

  await checked('topology names a leader', async () => {
    const topology = await client.topology()
    isTrue(topology.gatewayVersion.length > 0, 'no version')
    const leaders = topology.partitions.filter((partition) => partition.role.toLowerCase() === 'leader')
    equal(topology.partitionsCount, leaders.length)
  })
  await checked('deploys several files at once', async () => {
    const processes = await client.deploy(files)
    // The SDK reads the files side by side and sends them in the order in which that ends.
    equal(['compat-error', 'compat-message', 'compat-task', 'compat-timer'], processes.map((process) => process.id).sort())
    isTrue(processes.every((process) => process.version >= 1), 'versions start at 1')
    taskKey = keyOfTask(processes)
  })
  await checked('deploying the same again makes no new version', async () => {
    equal(taskKey, keyOfTask(await client.deploy(files)))
  })
  await checked('a job carries variables and headers', async () => {
    const type = randomUUID()
    const instance = await client.create('compat-task', { jobType: type, text: 'grüße', list: [1, 2] })
    const job = await activate(type)
    equal(instance, job.processInstanceKey)
    equal('grüße', job.variables.text)
    equal([1, 2], job.variables.list)
    equal('green', job.customHeaders.color)
    equal('work', job.elementId)
    equal(3, job.retries)
    await client.complete(job.jobKey)
  })
  await checked('a worker that polls completes jobs', async () => {
    const type = randomUUID()
    const stop = client.worker(type, { answer: 42 })
    const variables = await client.createWithResult('compat-task', { jobType: type })
    await stop()
    equal(42, variables.answer)
  })
  if (client.stream) {
    await checked('a worker that streams completes jobs', async () => {
      const type = randomUUID()
      const stop = await client.stream(type, { answer: 43 })
      // A stream gets what comes after it is known to the server: offer until one arrives.
      let variables
      for (let attempt = 0; !variables && attempt < 20; attempt++) {
        const result = client.createWithResult('compat-task', { jobType: type }).catch(() => undefined)
        variables = await Promise.race([result, new Promise((later) => setTimeout(later, 1_000))])
      }
      await stop()
      equal(43, variables?.answer)
    })
  }
  await checked('activation fetches only the variables asked for', async () => {
    const type = randomUUID()
    await client.create('compat-task', { jobType: type, wanted: 1, unwanted: 2 })
    const job = await activate(type, ['wanted'])
    equal({ wanted: 1 }, job.variables)
    await client.complete(job.jobKey)
  })
  await checked('a failed job comes back after its backoff', async () => {
    const type = randomUUID()
    await client.create('compat-task', { jobType: type })
    const job = await activate(type)
    await client.fail(job.jobKey, 1, 200, { attempt: 1 })
    const again = await activate(type)
    equal([job.jobKey, 1, 1], [again.jobKey, again.retries, again.variables.attempt])
    await client.complete(again.jobKey)
  })
  await checked('a BPMN error is caught at the boundary', async () => {
    const type = randomUUID()
    const result = client.createWithResult('compat-error', { jobType: type })
    const job = await activate(type)
    await client.throwError(job.jobKey, 'DECLINED', { reason: 'no money' })
    equal('declined: no money', (await result).outcome)
  })
  await checked('a message correlates', async () => {
    const orderId = randomUUID()
    const result = client.createWithResult('compat-message', { orderId })
    await client.publish('compat-message', orderId, '', { paid: true })
    equal(true, (await result).paid)
  })
  await checked('a message id is unique while the message lives', async () => {
    const orderId = randomUUID()
    await client.publish('compat-message', orderId, 'once', {})
    await refused('ALREADY_EXISTS', client.publish('compat-message', orderId, 'once', {}))
  })
  if (client.correlate) {
    await checked('a message can be correlated at once', async () => {
      const orderId = randomUUID()
      const result = client.createWithResult('compat-message', { orderId })
      // The instance may not wait for its message yet: nothing is buffered here.
      for (const deadline = Date.now() + PATIENCE_MS; ; ) {
        try {
          const correlated = await client.correlate('compat-message', orderId, { paid: 'at once' })
          isTrue(correlated.messageKey, 'no message key')
          break
        } catch (notYet) {
          isTrue(client.isRefusal(notYet, 'NOT_FOUND') && Date.now() < deadline, notYet.message)
        }
      }
      equal('at once', (await result).paid)
    })
  }
  await checked('a timer fires', async () => {
    await client.createWithResult('compat-timer', {})
  })
  await checked('a cancelled instance and its job are gone', async () => {
    const type = randomUUID()
    const instance = await client.create('compat-task', { jobType: type })
    const job = await activate(type)
    await client.cancel(instance)
    await refused('NOT_FOUND', client.complete(job.jobKey))
    await refused('NOT_FOUND', client.cancel(instance))
  })
  await checked('variables can be set', async () => {
    const type = randomUUID()
    const instance = await client.create('compat-task', { jobType: type, a: 1 })
    await client.setVariables(instance, { a: 2, b: 'new' })
    const job = await activate(type)
    equal([2, 'new'], [job.variables.a, job.variables.b])
    await client.complete(job.jobKey)
  })
  await checked('an incident can be resolved', async () => {
    const type = randomUUID()
    await client.create('compat-task', { jobType: type })
    const job = await activate(type)
    await client.fail(job.jobKey, 0, 0)
    await client.updateRetries(job.jobKey, 2)
    // There is no search here: the incident is the first one after its job.
    for (let key = BigInt(job.jobKey) + 1n; ; key++) {
      isTrue(key < BigInt(job.jobKey) + INCIDENT_KEY_DISTANCE_MAX, 'no incident found')
      try {
        await client.resolveIncident(String(key))
        break
      } catch (notThisOne) {
        isTrue(client.isRefusal(notThisOne, 'NOT_FOUND'), notThisOne.message)
      }
    }
    const again = await activate(type)
    equal(2, again.retries)
    await client.complete(again.jobKey)
  })
  await checked("a job's timeout can be moved", async () => {
    const type = randomUUID()
    await client.create('compat-task', { jobType: type })
    const job = await activate(type)
    await client.updateTimeout(job.jobKey, 1)
    const again = await activate(type)
    equal([job.jobKey, 3], [again.jobKey, again.retries])
    await client.complete(again.jobKey)
  })
  await checked('a result has the variables asked for', async () => {
    const type = randomUUID()
    const result = client.createWithResult('compat-task', { jobType: type, number: 1.5 }, ['number'])
    await client.complete((await activate(type)).jobKey)
    equal({ number: 1.5 }, await result)
  })
  await checked('a signal can be broadcast', async () => {
    isTrue(await client.signal(randomUUID()), 'no key')
  })
  if (client.license) {
    await checked('the licence can be asked for', () => client.license())
  }
  const decisionFiles = [`${models}/decision.bpmn`, `${models}/decision.dmn`]
  const keyOfFee = (deployed) => deployed.decisions.find((decision) => decision.id === 'compat-fee').key
  await checked('deploys decisions beside a process', async () => {
    const deployed = await client.deployDecisions(decisionFiles)
    equal(['compat-risk', 'compat-fee'], deployed.decisions.map((decision) => decision.id))
    equal(['compat-decisions'], deployed.graphs)
    equal(keyOfFee(deployed), keyOfFee(await client.deployDecisions(decisionFiles)))
  })
  await checked('evaluates a decision by id and by key', async () => {
    const key = keyOfFee(await client.deployDecisions(decisionFiles))
    for (const decision of [{ id: 'compat-fee' }, { key }]) {
      const answer = await client.evaluate(decision, { age: 30, total: 50 })
      equal(['5', ['compat-risk', 'compat-fee'], [1]], [String(answer.output), answer.decisions, answer.rules])
    }
  })
  await checked('a failed evaluation is an answer', async () => {
    const answer = await client.evaluate({ id: 'compat-fee' }, {})
    equal('compat-risk', answer.failed)
    isTrue(answer.message.startsWith("Expected to evaluate decision 'compat-fee', but "), answer.message)
  })
  await checked('a business rule task evaluates a decision', async () => {
    equal(25, (await client.createWithResult('compat-decision', { age: 10, total: 50 }, ['fee'])).fee)
  })
  await checked('unknown keys and ids are NOT_FOUND', async () => {
    await refused('NOT_FOUND', client.evaluate({ id: 'nope' }, {}))
    await refused('NOT_FOUND', client.complete(UNKNOWN_KEY))
    await refused('NOT_FOUND', client.fail(UNKNOWN_KEY, 1, 0))
    await refused('NOT_FOUND', client.throwError(UNKNOWN_KEY, 'X', {}))
    await refused('NOT_FOUND', client.updateRetries(UNKNOWN_KEY, 1))
    await refused('NOT_FOUND', client.cancel(UNKNOWN_KEY))
    await refused('NOT_FOUND', client.resolveIncident(UNKNOWN_KEY))
    await refused('NOT_FOUND', client.setVariables(UNKNOWN_KEY, { a: 1 }))
    await refused('NOT_FOUND', client.create('nope', {}))
  })
  await checked('an invalid model is INVALID_ARGUMENT', async () => {
    await refused('INVALID_ARGUMENT', client.deploy([`${models}/invalid.bpmn`]))
  })
  await client.close()
}

const only = process.argv[2]
for (const open of [grpc, rest, cluster].filter((client) => !only || client.name === only)) {
  await run(open())
}
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed === 0 ? 0 : 1)
