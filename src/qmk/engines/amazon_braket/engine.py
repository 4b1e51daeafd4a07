"""Quantum tasks of Amazon Braket: OpenQASM 3 sent with boto3, results read from S3.

Credentials are those that boto3 finds: a profile of ``~/.aws``, a role, or variables of the environment. A task has its
tag as an AWS tag, by which it is found, and in its client token, so that AWS itself makes it once.
Sources: the service model of Braket in botocore 1.44; braket.task_result.gate_model_task_result_v1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# boto3 has no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
import boto3
import msgspec
import numpy as np
from botocore import exceptions
from botocore.config import Config

from qmk.base.errors import QmkError
from qmk.cloud import http, plan, qasm, settings
from qmk.cloud.plan import CloudPlan
from qmk.cloud.task import State, Task
from qmk.engines.amazon_braket import DECLARATION, GATES
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan, Unsupported

lib: Any = boto3
ENGINE = DECLARATION.name
PAGES = 20
"""Most pages of 100 tasks of the device in which a tag is searched."""
FOLDER = "qmk"
ACTION = "braket.ir.openqasm.program"
_STATES: dict[str, State] = {
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "CANCELLING": "cancelled",
}
_STATUS = {
    **dict.fromkeys(("AccessDeniedException", "AccessDenied", "UnrecognizedClientException"), 403),
    **dict.fromkeys(("ExpiredTokenException", "InvalidSignatureException", "InvalidClientTokenId"), 401),
    **dict.fromkeys(("ServiceQuotaExceededException",), 402),
    **dict.fromkeys(("ResourceNotFoundException", "DeviceRetiredException", "NoSuchKey", "NoSuchBucket"), 404),
    **dict.fromkeys(("ThrottlingException", "SlowDown"), 429),
}
"""The HTTP status that an error of AWS stands for, where its own says less."""
Answer = TypeVar("Answer")


class Capabilities(msgspec.Struct):
    """What is read of a device's capabilities."""

    action: dict[str, dict[str, Any]] = {}
    paradigm: dict[str, Any] = {}
    service: dict[str, Any] = {}


class Results(msgspec.Struct):
    """What is read of ``results.json``: a row of bits a shot, or the probabilities of strings of bits."""

    measuredQubits: list[int]
    measurements: list[list[int]] | None = None
    measurementProbabilities: dict[str, float] | None = None


def call(work: Callable[..., Answer], **given: Any) -> Answer:
    """Calls AWS. Raises ``QmkError``; ``http.Unanswered`` where nobody knows whether it was heard."""
    try:
        return work(**given)
    except exceptions.ClientError as error:
        said: Any = error.response
        code: str = said["Error"].get("Code", "")
        text = http.clean(said["Error"].get("Message", ""))
        if code == "DeviceOfflineException":
            raise plan.out_of_order(ENGINE, given.get("deviceArn", ""), "OFFLINE") from error
        status: int = _STATUS.get(code) or said.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        raise http.refusal(ENGINE, status, f"{code}: {text}") from error
    except (exceptions.NoCredentialsError, exceptions.ProfileNotFound, exceptions.PartialCredentialsError) as error:
        hint = "make a profile with 'aws configure', or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise QmkError("AUTH_FAILED", f"no AWS credentials: {error}", engine=ENGINE, help=hint) from error
    except exceptions.BotoCoreError as error:
        text = f"AWS does not answer: {http.clean(str(error))}"
        hint = "look at the network, then try again with the same seed"
        raise http.Unanswered("JOB_FAILED", text, engine=ENGINE, retryable=True, help=hint) from error


@functools.cache
def session_of(profile: str) -> Any:
    """The session of a profile, "" for boto3's own choice: making one reads the models of the services."""
    return call(lib.session.Session, profile_name=profile or None)


class BraketDevice:
    """A device of the service, of the account that boto3 finds."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._braket = self._client("braket", "URL")
        self._bucket = settings.setting(ENGINE, "BUCKET")
        self._ended = 0
        """Tasks of this tag that failed or were cancelled: the next one has another client token."""

    def _client(self, service: str, what: str) -> Any:
        session = session_of(settings.setting(ENGINE, "PROFILE"))
        url = settings.address(ENGINE, "", what) if settings.setting(ENGINE, what) else None
        region = self._arn.split(":")[3] or settings.setting(ENGINE, "REGION", "us-east-1")
        retries = {"mode": "standard", "total_max_attempts": http.ATTEMPTS}
        config: Any = Config(connect_timeout=http.TIMEOUT_S, read_timeout=http.TIMEOUT_S, retries=retries)
        return call(session.client, service_name=service, region_name=region, endpoint_url=url, config=config)

    def request(self, program: Program, shots: int, seed: int) -> Any:
        source = qasm.write(plan.readout(DECLARATION, program), GATES, "OPENQASM 3.0;")
        header = {"name": ACTION, "version": "1"}
        return {"action": {"braketSchemaHeader": header, "source": source, "inputs": {}}, "shots": shots}

    def check(self, program: Program, shots: int) -> None:
        if not self._bucket:
            name = settings.variable(ENGINE, "BUCKET")
            text, hint = "Amazon Braket writes results into a bucket of S3", f"set {name} to one of the same region"
            raise QmkError("INVALID_PARAMS", text, field=name, help=hint)
        found = call(self._braket.get_device, deviceArn=self._arn)
        status = found.get("deviceStatus", "ONLINE")
        if status == "RETIRED":
            raise plan.no_device(ENGINE, self._arn, ())
        if status != "ONLINE":
            raise plan.out_of_order(ENGINE, self._arn, status)
        about = http.decode(ENGINE, Capabilities, found["deviceCapabilities"].encode(), "GetDevice")
        action = about.action.get(ACTION)
        if action is None:
            raise Unsupported(f"device '{self._arn}' takes no programs of gates")
        plan.check_size(ENGINE, self._arn, program, int(about.paradigm.get("qubitCount", program.n_qubits)))
        used = {GATES[gate.name] for gate in plan.readout(DECLARATION, program).gates} - {""}
        lost = used - {str(name).lower() for name in action.get("supportedOperations") or used}
        if lost:
            raise Unsupported(f"device '{self._arn}' has no gate {', '.join(sorted(lost))}")
        least, most = about.service.get("shotsRange", (1, shots))
        if not least <= shots <= most:
            raise Unsupported(f"{shots} shots: device '{self._arn}' takes {least} to {most}")

    def find(self, tag: str) -> Task | None:
        query: dict[str, Any] = {"filters": [{"name": "deviceArn", "operator": "EQUAL", "values": [self._arn]}]}
        self._ended = 0
        for _ in range(PAGES):
            page = call(self._braket.search_quantum_tasks, maxResults=100, **query)
            for row in page["quantumTasks"]:
                if (row.get("tags") or {}).get("qmk") == tag:
                    task = _task(row)
                    if task.state in ("waiting", "done"):
                        return task
                    self._ended += 1
            if not page.get("nextToken"):
                break
            query["nextToken"] = page["nextToken"]
        return None

    def submit(self, request: Any, tag: str) -> Task:
        made = call(
            self._braket.create_quantum_task,
            clientToken=f"{tag}-{self._ended}",
            deviceArn=self._arn,
            outputS3Bucket=self._bucket,
            outputS3KeyPrefix=FOLDER,
            shots=request["shots"],
            action=msgspec.json.encode(request["action"]).decode(),
            tags={"qmk": tag},
        )
        return Task(made["quantumTaskArn"])

    def look(self, task: Task) -> Task:
        return _task(call(self._braket.get_quantum_task, quantumTaskArn=task.id))

    def cancel(self, task: Task) -> None:
        call(self._braket.cancel_quantum_task, quantumTaskArn=task.id)

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        about = call(self._braket.get_quantum_task, quantumTaskArn=task.id)
        where = {"Bucket": about["outputS3Bucket"], "Key": f"{about['outputS3Directory']}/results.json"}
        s3 = self._client("s3", "S3_URL")
        body = call(lambda **given: s3.get_object(**given)["Body"].read(http.LARGEST_ANSWER), **where)
        found = http.decode(ENGINE, Results, body, "results.json")
        readout = plan.readout(DECLARATION, program)
        rows = _rows(found, shots, seed)
        if rows.shape != (shots, len(found.measuredQubits)) or not set(readout.qubits) <= set(found.measuredQubits):
            raise http.surprise(ENGINE, f"measurements of shape {rows.shape}")
        columns = [found.measuredQubits.index(qubit) for qubit in readout.qubits]
        return plan.place(readout, program.n_cbits, rows[:, columns])


def _rows(found: Results, shots: int, seed: int) -> Bits:
    """The bits of every measured qubit, those of some devices from probabilities that are multiples of one shot."""
    width = len(found.measuredQubits)
    if found.measurements:
        try:
            rows = np.array(found.measurements, dtype=np.uint8).reshape(len(found.measurements), -1)
        except (ValueError, OverflowError) as error:
            raise http.surprise(ENGINE, "measurements of several lengths") from error
        if rows.max(initial=0) > 1:  # what a device flags instead of a bit
            raise http.surprise(ENGINE, "a measurement that is neither 0 nor 1")
        return rows
    chances = found.measurementProbabilities or {}
    if any(len(text) != width or set(text) - {"0", "1"} for text in chances):
        raise http.surprise(ENGINE, "probabilities of what are not strings of bits")
    counts = {int(text[::-1], 2): round(chance * shots) for text, chance in chances.items()}
    return plan.repeat(counts, range(width), seed)


def _task(found: Mapping[str, Any]) -> Task:
    state = _STATES.get(found["status"], "waiting")
    return Task(found["quantumTaskArn"], state, str(found.get("failureReason", "")))


class AmazonBraketEngine:
    version = "1"

    def prepare(self, program: Program, method: str) -> Plan:
        if not (method.startswith("arn:aws") and method.count(":") >= 5 and "device/" in method):
            raise Unsupported(
                f"'{method}' is not the ARN of a device, such as arn:aws:braket:::device/quantum-simulator/amazon/sv1"
            )
        plan.readout(DECLARATION, program)
        return CloudPlan(ENGINE, method, program, BraketDevice)
