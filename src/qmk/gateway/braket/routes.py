"""Braket's REST calls, as the SDK makes them: devices, quantum tasks, and the results in "S3".

A task is a job: its id has the job's 128 bits. The bucket is a name that is remembered; its one object of a task,
``results.json``, is made of the job's result when it is read. Sources: the service model of Amazon Braket in botocore,
and requests recorded from amazon-braket-sdk 1.127.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from html import escape
from typing import Annotated, Any, cast

import msgspec
from litestar import Response, get, post, put, route
from litestar.response import Stream
from msgspec import Meta

from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.client.calls import ENDED
from qmk.client.result import Result
from qmk.gateway.braket.devices import DEVICES, Device, describe, summary
from qmk.gateway.braket.programs import Prepared, as_json, prepare
from qmk.gateway.braket.results import AHS, TaskResult, task_result
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, body_of, enter, id_of_job, iso, job_of_id
from qmk.gateway.records import Record, Records

KIND = "braket"
ACCOUNT = "000000000000"
RESULTS = "results.json"
_TASK = re.compile(rf"arn:aws:braket:([a-z0-9-]{{1,32}}):{ACCOUNT}:quantum-task/([0-9a-f-]{{36}})")
_REGION = re.compile(r"Credential=[^/,\s]+/\d{8}/([a-z0-9-]{1,32})/")
_CODES = {400: "ValidationException", 401: "AccessDeniedException", 403: "AccessDeniedException"} | {
    404: "ResourceNotFoundException",
    409: "ConflictException",
    413: "ValidationException",
    429: "ThrottlingException",
}
_S3_CODES = {401: "AccessDenied", 403: "AccessDenied", 404: "NoSuchKey", 405: "MethodNotAllowed", 503: "SlowDown"}
_STATES = {"VALIDATING": "CREATED"}
_HARMLESS = frozenset({"braketSchemaHeader", "paradigmParameters"})

Name = Annotated[str, Meta(min_length=1, max_length=1024)]


class CreateTask(msgspec.Struct):
    """The body of CreateQuantumTask; keys that ask for something else are refused in ``_refuse_unserved``."""

    clientToken: Annotated[str, Meta(min_length=1, max_length=64)]
    deviceArn: Name
    outputS3Bucket: Annotated[str, Meta(min_length=3, max_length=63)]
    outputS3KeyPrefix: Name
    shots: Annotated[int, Meta(ge=0)]
    action: str
    deviceParameters: str = "{}"
    tags: dict[str, str] = {}
    jobToken: str = ""
    associations: list[dict[str, str]] = []
    experimentalCapabilities: dict[str, str] = {}


class Kept(msgspec.Struct, frozen=True):
    """The record of a task. ``action`` is its program; ``shots`` -1: those of its job."""

    arn: str
    device: str
    bucket: str
    folder: str
    action: str
    tags: dict[str, str]
    shots: int = -1


@get("/device/{arn:path}")
async def get_device(request: AnyRequest) -> Response[bytes]:
    await enter(request)
    return answer(describe(_device(_rest(request, "arn"), 404)))


@post("/devices", status_code=200)
async def search_devices(request: AnyRequest) -> Response[bytes]:
    await enter(request)
    return answer({"devices": [summary(device) for device in DEVICES.values()]})


@post("/quantum-task", status_code=201)
async def create_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    asked = await body_of(request, CreateTask)
    device = _device(asked.deviceArn, 400)
    _refuse_unserved(asked)
    program = await asyncio.to_thread(_program, asked, device)  # 16 MiB take seconds
    key = f"{KIND}:{asked.clientToken}"
    if program is None:
        params = dict(device.params)
        job = await caller.submit_text(asked.action, format=device.format, shots=asked.shots, key=key, params=params)
    elif asked.shots:
        job = await caller.submit_graph(program.graph, shots=asked.shots, key=key, outputs=None)
    else:
        job = await caller.submit_graph(program.graph, shots=None, key=key, outputs=program.request().outputs)
    id, status = id_of_job(job.job_id), await caller.status(job.job_id)
    region = _REGION.search(request.headers.get("authorization", ""))
    arn = f"arn:aws:braket:{region[1] if region else 'us-east-1'}:{ACCOUNT}:quantum-task/{id}"
    folder = f"{asked.outputS3KeyPrefix}/{id}"
    kept = Kept(arn, device.arn, asked.outputS3Bucket, folder, asked.action, asked.tags, asked.shots)
    await _keep(caller, records, Record(id, status.submitted, msgspec.json.encode(kept)), kept)
    return answer({"quantumTaskArn": arn}, 201, warnings=job.warnings)


async def _keep(caller: Caller, records: Records, record: Record, kept: Kept) -> None:
    """A client token that comes again finds its job; it names the same task only with all else the same too."""
    async with records.lock(KIND, caller.tenant, record.id):
        earlier = await records.get(KIND, caller.tenant, record.id)
        if earlier is None:
            await records.put(KIND, caller.tenant, record)
        elif msgspec.json.decode(earlier.body, type=Kept) != kept:
            raise Refusal(400, "clientToken was used for another request; use a new one for a new task")


@get("/quantum-task/{arn:path}")
async def get_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    kept, status = await _task(caller, records, _task_id(_rest(request, "arn")))
    waiting = status.state == "QUEUED"
    queue = {"queue": "QUANTUM_TASKS_QUEUE", "queuePriority": "Normal", "position": "None"}
    if waiting:
        queue["position"] = str((status.place_in_queue or 0) + 1)
    else:
        queue["message"] = f"the task is {_STATES.get(status.state, status.state)}"
    found: dict[str, Any] = {
        "quantumTaskArn": kept.arn,
        "status": _STATES.get(status.state, status.state),
        "deviceArn": kept.device,
        "deviceParameters": "{}",
        "shots": status.shots if kept.shots < 0 else kept.shots,
        "outputS3Bucket": kept.bucket,
        "outputS3Directory": kept.folder,
        "createdAt": iso(status.submitted),
        "tags": kept.tags,
        "associations": [],
        "queueInfo": queue,
        "actionMetadata": {"actionType": DEVICES[kept.device].action},
    }
    if status.ended is not None:
        found["endedAt"] = iso(status.ended)
    if status.error is not None:
        found["failureReason"] = str(status.error.get("message", ""))[:1024]
    return answer(found, warnings=status.warnings)


@put("/quantum-task/{arn:path}")
async def cancel_task(request: AnyRequest) -> Response[bytes]:
    """CancelQuantumTask: the path ends in ``/cancel``."""
    caller, records = await enter(request)
    arn = _rest(request, "arn")
    if not arn.endswith("/cancel"):
        raise Refusal(404, "there is no such call")
    id = _task_id(arn.removesuffix("/cancel"))
    kept, _ = await _task(caller, records, id)
    reply = await caller.cancel(job_of_id(id), "cancelled by CancelQuantumTask")
    word = "CANCELLED" if reply.state in ENDED else "CANCELLING"
    return answer({"quantumTaskArn": kept.arn, "cancellationStatus": word})


@route("/{key:path}", http_method=["GET", "HEAD"])
async def get_object(request: AnyRequest) -> Response[Any]:
    """GetObject and HeadObject of a task's ``results.json``."""
    caller, records = await enter(request)
    bucket, _, path = _rest(request, "key").partition("/")
    folder, _, name = path.rpartition("/")
    kept, status = await _task(caller, records, folder.rpartition("/")[2])
    if (bucket, folder, name) != (kept.bucket, kept.folder, RESULTS) or status.state != "COMPLETED":
        raise Refusal(404, "The specified key does not exist.")
    if request.method == "HEAD":
        return Response(b"", media_type="application/json")
    return Stream(await results_of(caller, status, kept), media_type="application/json")


async def results_of(caller: Caller, status: Status, kept: Kept) -> AsyncIterator[bytes]:
    """``results.json``, page by page of shots. Raises before the first byte what can be known then."""
    result = await caller.result(status.job_id)
    metadata = {
        "id": kept.arn,
        "deviceId": kept.device,
        "createdAt": iso(status.submitted),
        "endedAt": iso(status.ended or status.submitted),
        "status": status.state,
    }
    written = await asyncio.to_thread(_writer, result, kept, metadata)

    async def parts() -> AsyncIterator[bytes]:
        yield written.begin()
        rows: list[bytes] = []
        async for row in caller.rows(status.job_id) if kept.shots else _nothing():
            rows.append(written.shot(row))
            if len(rows) == 1000:
                yield b"".join(rows)
                rows = []
        yield b"".join(rows) + written.end()

    return parts()


async def _nothing() -> AsyncIterator[str]:
    """The rows of a job without shots."""
    for row in ():
        yield row


def _writer(result: Result, kept: Kept, metadata: dict[str, Any]) -> TaskResult:
    """The writer for a job's result, with the values of a task without shots."""
    action = msgspec.json.decode(kept.action)
    if DEVICES[kept.device].action == AHS:
        return task_result(result, action, metadata)
    program = prepare(action["source"], action.get("inputs") or None, max(kept.shots, 0))
    results: list[dict[str, Any]] = program.results
    if not kept.shots:
        assert result.values is not None, "a job with outputs has values"
        found = program.values(result.values)
        results = [{"type": kind, "value": as_json(value)} for kind, value in zip(results, found, strict=True)]
    return task_result(result, action, {"shots": kept.shots, **metadata}, program.measured, results)


def _rest(request: AnyRequest, name: str) -> str:
    """What the path has after the call's own part, which may hold slashes."""
    return str(request.path_params[name]).removeprefix("/")


def _device(arn: str, status: int) -> Device:
    if arn not in DEVICES:
        raise Refusal(status, f"there is no device '{arn[:200]}'; there are {', '.join(DEVICES)}")
    return DEVICES[arn]


def _task_id(arn: str) -> str:
    found = _TASK.fullmatch(arn)
    if found is None:
        raise QmkError("JOB_NOT_FOUND", "no such quantum task")
    return found[2]


async def _task(caller: Caller, records: Records, id: str) -> tuple[Kept, Status]:
    """The record of the caller's own task, and the state of its job. Raises JOB_NOT_FOUND."""
    job = job_of_id(id)
    record = await records.get(KIND, caller.tenant, id)
    if record is None:
        raise QmkError("JOB_NOT_FOUND", "no such quantum task")
    return msgspec.json.decode(record.body, type=Kept), await caller.status(job)


def _refuse_unserved(asked: CreateTask) -> None:
    """What is asked for and not there is refused."""
    if asked.jobToken or asked.associations or asked.experimentalCapabilities:
        raise Refusal(400, "hybrid jobs, reservations and experimental capabilities are not served")
    try:
        given = msgspec.json.decode(asked.deviceParameters or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(400, "deviceParameters is not a JSON object") from None
    if extra := [name for name in given if name not in _HARMLESS and given[name]]:
        raise Refusal(400, f"the device parameter '{extra[0][:80]}' is not served")


def _program(asked: CreateTask, device: Device) -> Prepared | None:
    """A circuit ready to run; None for an analog program, which the daemon reads."""
    try:
        action = msgspec.json.decode(asked.action, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(400, "action is not a JSON object") from None
    header = action.get("braketSchemaHeader")
    asks_for = cast("dict[str, object]", header) if isinstance(header, dict) else {}
    if (asks_for.get("name"), asks_for.get("version")) != (device.action, "1"):
        raise Refusal(400, f"the device {device.name} takes programs of {device.action}, version 1")
    if device.action == AHS:
        if asked.shots < 1:
            raise Refusal(400, "shots is 0: an analog program is run with at least 1")
        return None
    source, inputs = action.get("source"), cast("object", action.get("inputs") or {})
    if not isinstance(source, str) or not isinstance(inputs, dict):
        raise Refusal(400, "action has no source, or its inputs are not an object")
    check("shots", asked.shots)
    try:
        found = prepare(source, {**device.params, **cast("dict[str, Any]", inputs)} or None, asked.shots)
        if found.slopes():
            raise Refusal(400, "adjoint_gradient is not served; ask for it in the SDK's LocalSimulator('qmk')")
        found.request()
    except ValueError as error:
        raise Refusal(400, str(error)) from None
    return found


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as Braket's calls answer it."""
    code = _CODES.get(status, "InternalServiceException")
    if isinstance(error, QmkError) and error.kind.name == "QUOTA_EXCEEDED" and status != 429:
        code = "ServiceQuotaExceededException"
    return answer({"message": message}, status, {"x-amzn-ErrorType": code})


def refused_s3(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as S3 answers it."""
    code = _S3_CODES.get(status, "InvalidRequest" if status < 500 else "InternalError")
    text = (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(text.encode(), status_code=status, media_type="application/xml")


HANDLERS = [get_device, search_devices, create_task, get_task, cancel_task]
S3_HANDLERS = [get_object]
