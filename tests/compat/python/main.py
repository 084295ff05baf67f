"""pyzeebe against the server at SKEP_GRPC_ADDRESS.

pyzeebe offers no way to create by key, set variables, move retries or resolve incidents, so none of that is here.
"""

import asyncio
import os
import sys
import uuid
from contextlib import asynccontextmanager

from pyzeebe import Job, JobController, ZeebeClient, ZeebeWorker, create_insecure_channel
from pyzeebe.errors import (
    MessageAlreadyExistsError,
    ProcessDefinitionNotFoundError,
    ProcessInstanceNotFoundError,
    ProcessInvalidError,
)

MODELS = os.environ["SKEP_COMPAT_MODELS"]

# How long anything may take: generous, because the machine may be busy.
PATIENCE_S = 20

# Far above every key that a fresh server hands out, in partition 1.
UNKNOWN_KEY = (1 << 51) + 999_999_999


class Checks:
    """Runs checks one after the other, prints a line for each and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    async def check(self, name, body):
        try:
            await asyncio.wait_for(body, 2 * PATIENCE_S)
        except Exception as problem:
            self.failed += 1
            print(f"FAIL {name}: {problem!r}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)


def equal(expected, actual):
    assert expected == actual, f"expected {expected!r}, got {actual!r}"


async def refused(kind, call):
    try:
        await call
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}, but the call succeeded")


def unique():
    return str(uuid.uuid4())


class Suite:
    def __init__(self, channel):
        self.channel = channel
        self.client = ZeebeClient(channel)
        self.task_key = None

    def deploy_all(self):
        names = ("task", "error", "message", "timer")
        return self.client.deploy_resource(*(f"{MODELS}/{name}.bpmn" for name in names))

    @asynccontextmanager
    async def worker(self, job_type, handler, stream=False, on_exception=None):
        """A worker for one job type, running as long as the block."""
        worker = ZeebeWorker(
            self.channel, name="compat", request_timeout=1_000, poll_retry_delay=1, stream_enabled=stream
        )
        worker.task(
            task_type=job_type, timeout_ms=PATIENCE_S * 1_000, exception_handler=on_exception
        )(handler)
        running = asyncio.create_task(worker.work())
        try:
            yield
        finally:
            await worker.stop()
            await running

    def result(self, process, variables, fetch=None):
        return self.client.run_process_with_result(
            process, variables, timeout=PATIENCE_S * 1_000, variables_to_fetch=fetch
        )

    async def topology(self):
        topology = await self.client.topology()
        assert topology.partitions_count >= 1 and topology.gateway_version
        leaders = [p for broker in topology.brokers for p in broker.partitions if p.role == 0]
        equal(topology.partitions_count, len(leaders))

    async def deploy(self):
        deployments = (await self.deploy_all()).deployments
        ids = [process.bpmn_process_id for process in deployments]
        equal(["compat-task", "compat-error", "compat-message", "compat-timer"], ids)
        self.task_key = deployments[0].process_definition_key

    async def deploy_again(self):
        equal(self.task_key, (await self.deploy_all()).deployments[0].process_definition_key)

    async def work(self, stream):
        seen = []

        async def handler(job: Job):
            seen.append(job)
            return {"answer": 42}

        job_type = unique()
        async with self.worker(job_type, handler, stream):
            result = await self.result("compat-task", {"jobType": job_type, "text": "grüße", "list": [1, 2]})
        equal(42, result.variables["answer"])
        (job,) = seen
        equal("grüße", job.variables["text"])
        equal([1, 2], job.variables["list"])
        equal("green", job.custom_headers["color"])
        equal("work", job.element_id)
        equal(3, job.retries)
        equal(result.process_instance_key, job.process_instance_key)

    async def fail(self):
        retries = []

        async def handler(job: Job):
            retries.append(job.retries)
            if len(retries) == 1:
                raise RuntimeError("not now")
            return {"attempts": job.variables["attempt"] + 1}

        async def on_exception(problem: Exception, job: Job, controller: JobController):
            await controller.set_failure_status(str(problem), retry_back_off_ms=200, variables={"attempt": 1})

        job_type = unique()
        async with self.worker(job_type, handler, on_exception=on_exception):
            result = await self.result("compat-task", {"jobType": job_type})
        equal([3, 2], retries)
        equal(2, result.variables["attempts"])

    async def error(self):
        async def handler():
            raise RuntimeError("no money")

        async def on_exception(problem: Exception, job: Job, controller: JobController):
            await controller.set_error_status(
                str(problem), error_code="DECLINED", variables={"reason": str(problem)}
            )

        job_type = unique()
        async with self.worker(job_type, handler, on_exception=on_exception):
            result = await self.result("compat-error", {"jobType": job_type})
        equal("declined: no money", result.variables["outcome"])

    async def message(self):
        order = unique()
        result = asyncio.create_task(self.result("compat-message", {"orderId": order}))
        await self.publish(order, {"paid": True})
        equal(True, (await result).variables["paid"])

    async def message_id(self):
        order = unique()
        await self.publish(order, {}, "once")
        await refused(MessageAlreadyExistsError, self.publish(order, {}, "once"))

    def publish(self, order, variables, message_id=None):
        return self.client.publish_message(
            "compat-message",
            order,
            variables,
            time_to_live_in_milliseconds=PATIENCE_S * 1_000,
            message_id=message_id,
        )

    async def timer(self):
        await self.result("compat-timer", {})

    async def cancel(self):
        instance = await self.client.run_process("compat-task", {"jobType": unique()})
        await self.client.cancel_process_instance(instance.process_instance_key)
        await refused(
            ProcessInstanceNotFoundError, self.client.cancel_process_instance(instance.process_instance_key)
        )

    async def fetched_result(self):
        job_type = unique()

        async def handler():
            return {"answer": "yes"}

        async with self.worker(job_type, handler):
            result = await self.result("compat-task", {"jobType": job_type, "number": 1.5}, ["number", "answer"])
        equal({"number": 1.5, "answer": "yes"}, result.variables)

    async def signal(self):
        await self.client.broadcast_signal(unique())

    async def health(self):
        equal(1, (await self.client.healthcheck()).status)

    async def decisions(self):
        files = (f"{MODELS}/decision.bpmn", f"{MODELS}/decision.dmn")
        process, risk, fee, graph = (await self.client.deploy_resource(*files)).deployments
        equal("compat-decision", process.bpmn_process_id)
        equal(["compat-risk", "compat-fee"], [risk.dmn_decision_id, fee.dmn_decision_id])
        equal("compat-decisions", graph.dmn_decision_requirements_id)
        equal(graph.decision_requirements_key, fee.decision_requirements_key)
        variables = {"age": 30, "total": 50}
        for key, decision_id in ((None, "compat-fee"), (fee.decision_key, None)):
            answer = await self.client.evaluate_decision(key, decision_id, variables)
            equal(5, answer.decision_output)
            equal(["compat-risk", "compat-fee"], [one.decision_id for one in answer.evaluated_decisions])
            (rule,) = answer.evaluated_decisions[1].matched_rules
            equal(1, rule.rule_index)

    async def failed_evaluation(self):
        answer = await self.client.evaluate_decision(None, "compat-fee", {})
        equal("compat-risk", answer.failed_decision_id)
        assert answer.failure_message.startswith("Expected to evaluate decision 'compat-fee', but ")

    async def business_rule_task(self):
        result = await self.result("compat-decision", {"age": 10, "total": 50})
        equal(25, result.variables["fee"])

    async def not_found(self):
        await refused(ProcessInstanceNotFoundError, self.client.cancel_process_instance(UNKNOWN_KEY))
        await refused(ProcessDefinitionNotFoundError, self.client.run_process("nope"))
        await refused(ProcessDefinitionNotFoundError, self.client.run_process("compat-task", version=99))

    async def invalid(self):
        await refused(ProcessInvalidError, self.client.deploy_resource(f"{MODELS}/invalid.bpmn"))


async def main():
    checks = Checks()
    channel = create_insecure_channel(grpc_address=os.environ["SKEP_GRPC_ADDRESS"])
    suite = Suite(channel)
    await checks.check("topology names a leader", suite.topology())
    await checks.check("the health service answers", suite.health())
    await checks.check("deploys several files at once", suite.deploy())
    await checks.check("deploying the same again makes no new version", suite.deploy_again())
    await checks.check("a worker that polls gets variables and headers", suite.work(False))
    await checks.check("a worker that streams gets variables and headers", suite.work(True))
    await checks.check("a failed job comes back after its backoff", suite.fail())
    await checks.check("a BPMN error is caught at the boundary", suite.error())
    await checks.check("a message correlates", suite.message())
    await checks.check("a message id is unique while the message lives", suite.message_id())
    await checks.check("a timer fires", suite.timer())
    await checks.check("a cancelled instance is gone", suite.cancel())
    await checks.check("a result has the variables asked for", suite.fetched_result())
    await checks.check("a signal can be broadcast", suite.signal())
    await checks.check("decisions are deployed and evaluated", suite.decisions())
    await checks.check("a failed evaluation is an answer", suite.failed_evaluation())
    await checks.check("a business rule task evaluates a decision", suite.business_rule_task())
    await checks.check("unknown keys and ids are not found", suite.not_found())
    await checks.check("an invalid model is refused", suite.invalid())
    await channel.close()
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    return checks.failed == 0


sys.exit(0 if asyncio.run(main()) else 1)
