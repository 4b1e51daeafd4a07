"""Pasqal Cloud: batches of Pulser sequences, as pasqal-cloud and Pulser's remote backends send them.

A job of a batch is a job. Every emulator gives what they all approximate: the exact evolution of the sequence, sampled.
A configuration that asks for another quantity, another start or noise is refused, one that says how to compute is not
needed. Nothing is sent to webhooks. Sources: pasqal-cloud 0.24, the schemas in pulser-core 1.9, recorded requests.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from importlib import resources
from typing import Annotated, Any, cast

import msgspec
from cryptography.fernet import InvalidToken
from litestar import Response, get, patch, post
from msgspec import Meta

from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.result import Result
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Gate, Refusal, answer, body_of, enter, id_of_job, iso, job_of_id
from qmk.gateway.jobs import Wish, cancel_all, describe_all, has_ended, states, submit_all
from qmk.gateway.pasqal.config import refuse_unserved, shots_of
from qmk.gateway.records import Record, Records

KIND = "pasqal"
EMULATORS = ("EMU_FREE", "EMU_SV", "EMU_MPS", "EMU_TN")
JOBS = 1000
LINK_S = 600
_STATES = {
    "VALIDATING": "PENDING",
    "QUEUED": "PENDING",
    "RUNNING": "RUNNING",
    "COMPLETED": "DONE",
    "CANCELLED": "CANCELED",
    "FAILED": "ERROR",
}


Tags = Annotated[list[Annotated[str, Meta(max_length=1024)]], Meta(max_length=100)]


class NewJob(msgspec.Struct):
    runs: Annotated[int, Meta(ge=1, le=LIMITS.shots)] | None = None
    variables: dict[str, Any] | None = None
    sequence: str | None = None


class NewBatch(msgspec.Struct):
    """The body of a new batch."""

    sequence_builder: str | None = None
    jobs: Annotated[list[NewJob], Meta(max_length=JOBS)] = []
    device_type: str = "EMU_SV"
    open: bool = False
    complete: bool | None = None
    webhook: str | None = None
    project_id: str = ""
    backend_configuration: str | None = None
    configuration: dict[str, Any] | None = None
    tags: Tags | None = None


class KeptJob(msgspec.Struct):
    job: str
    variables: dict[str, Any] | None
    sequence: str | None


class Kept(msgspec.Struct):
    """The record of a batch."""

    sequence: str | None
    device: str
    project: str
    open: bool
    configuration: str | None
    tags: list[str]
    jobs: list[KeptJob] = []


@post("/api/v1/batches", status_code=201)
async def create_batch(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    asked = await body_of(request, NewBatch)
    if asked.device_type not in EMULATORS:
        raise Refusal(400, f"there is no device {asked.device_type[:40]}; there are {', '.join(EMULATORS)}")
    if asked.webhook:
        raise Refusal(400, "nothing is sent to webhooks: ask for the results")
    refuse_unserved(asked.backend_configuration, asked.configuration)
    is_open = asked.open if asked.complete is None else not asked.complete
    if not asked.jobs and not is_open:
        raise Refusal(400, "a batch that is not open has at least one job")
    kept = Kept(
        asked.sequence_builder,
        asked.device_type,
        asked.project_id,
        is_open,
        asked.backend_configuration,
        asked.tags or [],
    )
    record = await _add(
        caller, records, Record(str(uuid.UUID(bytes=secrets.token_bytes(16))), time.time(), b""), kept, asked.jobs
    )
    return _answer(await _batch(caller, record, kept), 201)


@get("/api/v2/batches/{id:str}")
async def get_batch(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    return _answer(await _batch(caller, *await _find(request, caller, records)))


@get("/api/v1/batches/{id:str}/status")
async def get_batch_status(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    found = await _batch(caller, *await _find(request, caller, records))
    return _answer({name: found[name] for name in ("id", "status", "open", "jobs_count", "jobs_count_per_status")})


@get("/api/v1/batches")
async def list_batches(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    start, size = _slice(request)
    found, total = await records.page(KIND, caller.tenant, size, start)
    rows = await describe_all(
        KIND, caller, records, found, lambda row: _batch(caller, row, msgspec.json.decode(row.body, type=Kept))
    )
    return _answer(rows, pagination={"total": total, "start": start, "end": start + len(rows), "offset": start})


@post("/api/v2/batches/{id:str}/jobs", status_code=201)
async def add_jobs(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    asked = await body_of(request, list[NewJob])
    async with _changing(request, caller, records):
        record, kept = await _find(request, caller, records)
        if not kept.open:
            raise Refusal(400, "the batch is closed")
        if not asked or len(kept.jobs) + len(asked) > JOBS:
            raise Refusal(400, f"a batch takes from 1 to {JOBS} jobs")
        record = await _add(caller, records, record, kept, asked)
    return _answer(await _batch(caller, record, kept), 201)


async def _close(request: AnyRequest) -> tuple[Caller, Record, Kept]:
    """The batch takes no more jobs."""
    caller, records = await enter(request)
    async with _changing(request, caller, records):
        record, kept = await _find(request, caller, records)
        kept.open = False
        return caller, await _store(caller, records, record, kept), kept


@patch(["/api/v2/batches/{id:str}/complete", "/api/v1/batches/{id:str}/complete"])
async def close_batch(request: AnyRequest) -> Response[bytes]:
    return _answer(await _batch(*await _close(request)))


@patch(["/api/v2/batches/{id:str}/cancel", "/api/v1/batches/{id:str}/cancel"])
async def cancel_batch(request: AnyRequest) -> Response[bytes]:
    caller, record, kept = await _close(request)
    if not await cancel_all(caller, [row.job for row in kept.jobs], "cancelled over Pasqal Cloud") and kept.jobs:
        raise QmkError("ALREADY_COMPLETED", "the batch has ended")
    return _answer(await _batch(caller, record, kept))


@patch("/api/v1/batches/{id:str}/tags")
async def set_tags(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    tags = await body_of(request, cast("type[list[str]]", Tags))
    async with _changing(request, caller, records):
        record, kept = await _find(request, caller, records)
        kept.tags = tags
        record = await _store(caller, records, record, kept)
    return _answer(await _batch(caller, record, kept))


@get("/api/v2/jobs")
async def list_jobs(request: AnyRequest) -> Response[bytes]:
    """The jobs of the batch that ``batch_id`` names, in the order in which they were made."""
    caller, records = await enter(request)
    id, (start, size) = request.query_params.get("batch_id", ""), _slice(request)
    record = await records.get(KIND, caller.tenant, id)
    if record is None:
        raise Refusal(404, "no such batch; batch_id names one")
    kept = msgspec.json.decode(record.body, type=Kept)
    rows = await _jobs(caller, record, kept, kept.jobs[start : start + size])
    end = start + len(rows)
    return _answer(rows, pagination={"total": len(kept.jobs), "start": start, "end": end, "offset": start})


@get(["/api/v2/jobs/{id:str}", "/api/v1/jobs/{id:str}/status"])
async def get_job(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    return _answer(await _job(request, caller, records))


@patch("/api/v2/jobs/{id:str}/cancel")
async def cancel_job(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    found = await _job(request, caller, records)
    await caller.cancel(job_of_id(found["id"]), "cancelled over Pasqal Cloud")
    return _answer(await _job(request, caller, records))


@get("/api/v1/jobs/{id:str}/results_link")
async def get_results_link(request: AnyRequest) -> Response[bytes]:
    """A link that is good for ten minutes and needs no token, as the client shows none there; null before the end."""
    caller, records = await enter(request)
    found = await _job(request, caller, records)
    if found["status"] != "DONE":
        return _answer({"results_link": None})
    gate: Gate = request.app.state.gate
    sealed = gate.links.encrypt(
        msgspec.json.encode([gate.callers.shown_token(request.headers), job_of_id(found["id"])])
    ).decode()
    base = str(request.base_url).rstrip("/")
    return _answer({"results_link": f"{base}/pasqal/results/{sealed}"})


@get("/results/{sealed:str}")
async def get_results(request: AnyRequest) -> Response[bytes]:
    """How often each bitstring came, atoms in the order of the register."""
    gate: Gate = request.app.state.gate
    try:
        opened = gate.links.decrypt(str(request.path_params["sealed"]), ttl=LINK_S)
    except InvalidToken:
        raise Refusal(404, "the link is not good, or no longer: ask for another") from None
    token, job = msgspec.json.decode(opened, type=tuple[str, str])
    caller = await gate.callers.with_token(token)
    return answer({"counter": _counter(await caller.result(job))})


@get("/api/v1/devices/specs")
async def get_devices(request: AnyRequest) -> Response[bytes]:
    """Every emulator takes what Pulser's MockDevice does."""
    await enter(request)
    return _answer(dict.fromkeys(EMULATORS, _specification()))


@get("/api/v1/devices/public-specs")
async def get_public_devices() -> Response[bytes]:
    return _answer([{"device_type": name, "specs": _specification()} for name in EMULATORS])


def _specification() -> str:
    return (resources.files("qmk.gateway.pasqal") / "device.json").read_text()


async def _add(caller: Caller, records: Records, record: Record, kept: Kept, asked: Sequence[NewJob]) -> Record:
    """The batch with more jobs, all of them or none."""
    if len(asked) and kept.sequence is None and any(job.sequence is None for job in asked):
        raise Refusal(400, "there is no sequence, neither of the batch nor of the job")
    usual = shots_of(kept.configuration)
    wishes = [Wish(job.sequence or kept.sequence or "", job.runs or usual, job.variables or {}) for job in asked]
    jobs = await submit_all(caller, "pulser", wishes, f"{KIND}:{record.id}:{len(kept.jobs)}")
    kept.jobs += [KeptJob(id, job.variables, job.sequence) for id, job in zip(jobs, asked, strict=True)]
    return await _store(caller, records, record, kept)


async def _store(caller: Caller, records: Records, record: Record, kept: Kept) -> Record:
    made = msgspec.structs.replace(record, body=msgspec.json.encode(kept), members=tuple(row.job for row in kept.jobs))
    await records.put(KIND, caller.tenant, made)
    return made


def _changing(request: AnyRequest, caller: Caller, records: Records) -> AbstractAsyncContextManager[None]:
    """Held while the batch of the path is read, changed and kept."""
    return records.lock(KIND, caller.tenant, str(request.path_params["id"]))


async def _find(request: AnyRequest, caller: Caller, records: Records) -> tuple[Record, Kept]:
    """The caller's batch of the path. Raises ``Refusal`` 404."""
    record = await records.get(KIND, caller.tenant, str(request.path_params["id"]))
    if record is None:
        raise Refusal(404, "no such batch")
    return record, msgspec.json.decode(record.body, type=Kept)


async def _batch(caller: Caller, record: Record, kept: Kept) -> dict[str, Any]:
    found = await states(caller, [row.job for row in kept.jobs])
    counts = Counter(_STATES[status.state] for status in found)
    if kept.open or not has_ended(found):
        state = "RUNNING" if counts["RUNNING"] or counts["DONE"] else "PENDING"
    else:
        state = next((name for name in ("ERROR", "CANCELED") if counts[name]), "DONE" if found else "CANCELED")
    started = [status.started for status in found if status.started is not None]
    ended = [status.ended for status in found if status.ended is not None]
    done = bool(found) and has_ended(found) and not kept.open
    return {
        "id": record.id,
        "project_id": kept.project,
        "user_id": caller.tenant,
        "status": state,
        "open": kept.open,
        "complete": not kept.open,
        "created_at": iso(record.created),
        "updated_at": iso(max([record.created, *started, *ended])),
        "start_datetime": iso(min(started)) if started else None,
        "end_datetime": iso(max(ended)) if done else None,
        "device_type": kept.device,
        "sequence_builder": kept.sequence,
        "backend_configuration": kept.configuration,
        "jobs_count": len(found),
        "jobs_count_per_status": dict(counts),
        "tags": kept.tags,
        "webhook": None,
    }


async def _jobs(caller: Caller, record: Record, kept: Kept, rows: Sequence[KeptJob]) -> list[dict[str, Any]]:
    found = await states(caller, [row.job for row in rows])
    return [_describe_job(record, kept, row, status) for row, status in zip(rows, found, strict=True)]


async def _job(request: AnyRequest, caller: Caller, records: Records) -> dict[str, Any]:
    """The caller's job of the path. Raises JOB_NOT_FOUND."""
    job = job_of_id(str(request.path_params["id"]))
    record = await records.with_member(KIND, caller.tenant, job)
    if record is None:
        raise QmkError("JOB_NOT_FOUND", "no such job")
    kept = msgspec.json.decode(record.body, type=Kept)
    row = next(row for row in kept.jobs if row.job == job)
    return _describe_job(record, kept, row, await caller.status(job))


def _describe_job(record: Record, kept: Kept, row: KeptJob, status: Status) -> dict[str, Any]:
    return {
        "id": id_of_job(row.job),
        "batch_id": record.id,
        "project_id": kept.project,
        "status": _STATES[status.state],
        "runs": status.shots,
        "variables": row.variables,
        "sequence": row.sequence,
        "created_at": iso(status.submitted),
        "updated_at": iso(status.ended or status.started or status.submitted),
        "start_timestamp": iso(status.started) if status.started else None,
        "end_timestamp": iso(status.ended) if status.ended else None,
        "errors": [str(status.error.get("message", ""))] if status.error else None,
    }


def _counter(result: Result) -> dict[str, int]:
    """Counts of the first register, whose bits are the atoms in the order of Pulser's register."""
    found: Counter[str] = Counter()
    for bits, count in result.counts.items():
        found[bits.split(" ")[0]] += count
    return dict(found)


def _slice(request: AnyRequest) -> tuple[int, int]:
    """``offset`` and ``limit`` of a page."""
    try:
        start, size = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 100))
    except ValueError:
        start, size = -1, 0
    if not 0 <= start <= 1 << 31 or not 1 <= size <= 100:
        raise Refusal(400, "offset is a number from 0 on, limit one from 1 to 100")
    return start, size


def _answer(data: Any, status: int = 200, pagination: dict[str, int] | None = None) -> Response[bytes]:
    """JSend's envelope."""
    told: dict[str, Any] = {"status": "success", "code": str(status), "message": "OK.", "data": data}
    return answer(told if pagination is None else {**told, "pagination": pagination}, status)


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error in JSend's envelope."""
    word = "error" if status >= 500 else "fail"
    return answer({"status": word, "code": str(status), "message": message, "data": {"description": message}}, status)


HANDLERS = [
    create_batch,
    get_batch,
    get_batch_status,
    list_batches,
    add_jobs,
    close_batch,
    cancel_batch,
    set_tags,
    list_jobs,
    get_job,
    cancel_job,
    get_results_link,
    get_results,
    get_devices,
    get_public_devices,
]
