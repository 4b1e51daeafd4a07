"""Tasks: a definition that runs, a job for each of its subtasks.

A task brings its definition, or names one, or names a compilation. What it brings is kept as a definition, too, as
Bloqade asks for it when it opens a task again. In a mode that is a device, what is not compiled yet is compiled first,
so that it runs as on that device.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, NamedTuple

import msgspec
from litestar import Response, delete, get, post, put

from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.client.calls import ENDED
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, body_of, enter, id_of_job, iso
from qmk.gateway.jobs import cancel_all, describe_all, has_ended, states, submit_all, warnings_of
from qmk.gateway.qlam import arguments, compilations, definitions, profiles, shapes
from qmk.gateway.qlam.shapes import COMPILED, Asked, Definition, Mode
from qmk.gateway.records import Record, Records

KIND = "qlam"
STATES = {
    "VALIDATING": "PayloadProcessing",
    "QUEUED": "Scheduled",
    "RUNNING": "ExecutionStarted",
    "COMPLETED": "Completed",
    "CANCELLED": "Cancelled",
    "FAILED": "Failed",
}


class Kept(msgspec.Struct, frozen=True):
    """The record of a task: its mode, job and shots of each subtask, and what it was made of."""

    mode: str
    jobs: list[str]
    shots: list[int]
    definition: str | None = None
    compilation: str | None = None
    profile: str | None = None


class _Source(NamedTuple):
    """What is to run. ``definition``: the id of what the caller wrote, None where it is in the task itself."""

    runs: Definition
    definition: str | None = None
    compilation: str | None = None


@post("/v2/{mode:str}/tasks", status_code=201)
async def create_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    mode, asked = shapes.mode_of(request), await body_of(request, Asked)
    shapes.in_group(asked.group_id, caller.tenant)
    await profiles.require(caller, records, asked.profile_id)
    source = await _source(asked, caller, records, mode)
    if mode.device and source.runs.program_language != COMPILED:
        source = await _compile(request, caller, records, mode, source)
    wishes = await asyncio.to_thread(arguments.wishes, source.runs.programs, source.runs.subtasks)
    format = "qvm-json" if source.runs.program_language == COMPILED else "kirin"
    jobs = await submit_all(caller, format, wishes, f"{KIND}:{secrets.token_hex(16)}")
    definition = source.definition or (await definitions.keep(caller, records, mode, source.runs))[0].id
    shots = [wish.shots for wish in wishes]
    kept = Kept(mode.name, jobs, shots, definition, source.compilation, asked.profile_id)
    record = Record(id_of_job(jobs[0]), time.time(), msgspec.json.encode(kept), (mode.name,))
    await records.put(KIND, caller.tenant, record)
    found = await states(caller, jobs)
    return answer(_task(record, kept, caller.tenant, found), 201, warnings=warnings_of(found))


async def _source(asked: Asked, caller: Caller, records: Records, mode: Mode) -> _Source:
    """What the task brings or names. Raises ``Refusal`` 400, and 409 for a compilation without a result."""
    brings = bool(asked.programs or asked.subtasks)
    if brings + (asked.definition_id is not None) + (asked.compilation_id is not None) > 1:
        raise Refusal(400, "send one of programs with subtasks, definition_id and compilation_id")
    if asked.definition_id is not None:
        found = await definitions.fetch(caller, records, mode.name, asked.definition_id)
        if found is None:
            raise Refusal(400, "definition_id: there is no definition with this id in this mode")
        return _Source(_definition(found[1]), asked.definition_id)
    if asked.compilation_id is None:
        return _Source(shapes.check_definition(asked, caller.tenant))
    record = await compilations.fetch(caller, records, mode.name, asked.compilation_id)
    if record is None:
        raise Refusal(400, "compilation_id: there is no compilation with this id in this mode")
    return await _result(caller, records, mode, record.id, compilations.kept_of(record))


async def _compile(request: AnyRequest, caller: Caller, records: Records, mode: Mode, source: _Source) -> _Source:
    """What is to run, compiled for the mode's device. Raises ``Refusal`` 400 with every reason why it cannot be."""
    shapes.require_submit(caller)
    compilations.queue(request).require_room(caller.tenant)
    definition = source.definition or (await definitions.keep(caller, records, mode, source.runs))[0].id
    record = await compilations.begin(request, caller, records, mode, definition)
    kept = await compilations.wait_for_end(request, caller, records, record)
    if kept.status != "Succeeded":
        raise Refusal(400, "\n".join(compilations.reasons(kept)))
    return await _result(caller, records, mode, record.id, kept)


async def _result(caller: Caller, records: Records, mode: Mode, id: str, kept: compilations.Kept) -> _Source:
    """What came of compilation ``id``. Raises ``Refusal`` 409 where nothing did."""
    if kept.status != "Succeeded":
        raise Refusal(409, f"compilation_id: this compilation is {kept.status}; a task takes one that has Succeeded")
    found = await definitions.fetch(caller, records, mode.name, kept.compiled or "")
    if found is None:
        raise Refusal(409, "compilation_id: what it made is no longer kept; compile anew")
    return _Source(_definition(found[1]), kept.definition, id)


def _definition(kept: definitions.Kept) -> Definition:
    return Definition(kept.programs, kept.subtasks, kept.program_language)


@get("/v2/{mode:str}/tasks")
async def list_tasks(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    mode, (page, size) = shapes.mode_of(request), shapes.page_of(request, "page", "size", 10)
    turned = shapes.oldest_first(request)
    if not shapes.is_shown(request, caller.tenant):
        return answer(shapes.page_body([], page, size, 0))
    found, total = await records.page(KIND, caller.tenant, size, page * size, member=mode.name, oldest_first=turned)

    async def describe(record: Record) -> dict[str, Any]:
        kept = msgspec.json.decode(record.body, type=Kept)
        return _task(record, kept, caller.tenant, await states(caller, kept.jobs))

    return answer(shapes.page_body(await describe_all(KIND, caller, records, found, describe), page, size, total))


@get("/v2/{mode:str}/tasks/{id:str}")
async def get_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    record, kept = await found_task(request, caller, records)
    found = await states(caller, kept.jobs)
    return answer(_task(record, kept, caller.tenant, found), warnings=warnings_of(found))


@put("/v2/{mode:str}/tasks/{id:str}/cancel", status_code=202)
async def cancel_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    record, kept = await found_task(request, caller, records)
    if not await cancel_all(caller, kept.jobs, "cancelled over QLAM"):
        raise QmkError("ALREADY_COMPLETED", "the task has ended")
    return answer(_task(record, kept, caller.tenant, await states(caller, kept.jobs)), 202)


@delete("/v2/{mode:str}/tasks/{id:str}", status_code=204)
async def delete_task(request: AnyRequest) -> None:
    caller, records = await enter(request)
    record, kept = await found_task(request, caller, records)
    await cancel_all(caller, kept.jobs, "deleted over QLAM")
    await records.drop(KIND, caller.tenant, record.id)


async def found_task(request: AnyRequest, caller: Caller, records: Records) -> tuple[Record, Kept]:
    """The caller's task of the path, in the path's mode where it has one. Raises ``Refusal`` 404."""
    record = await records.get(KIND, caller.tenant, str(request.path_params["id"]))
    kept = None if record is None else msgspec.json.decode(record.body, type=Kept)
    if record is None or kept is None or kept.mode != request.path_params.get("mode", kept.mode):
        raise Refusal(404, "no such task")
    return record, kept


def _task(record: Record, kept: Kept, tenant: str, found: list[Status]) -> dict[str, Any]:
    names = [STATES[status.state] for status in found]
    if has_ended(found):
        state = next((name for name in ("Failed", "Cancelled") if name in names), "Completed")
    elif any(status.state in {"RUNNING", *ENDED} for status in found):
        state = "ExecutionStarted"
    else:
        state = "PayloadProcessing" if "PayloadProcessing" in names else "Scheduled"
    reasons = [str(row.error.get("message", "")) for row in found if row.error is not None and row.state == "FAILED"]
    made = shapes.of_tenant(tenant, record.created)
    return {
        "id": record.id,
        "task_status": state,
        "definition_id": kept.definition,
        "compilation_id": kept.compilation,
        "created_by": made["created_by"],
        "created_date": made["created_date"],
        "scheduled_date": iso(found[0].submitted),
        "group": made["group"],
        "profile_id": kept.profile,
        "error_reasons": reasons if state == "Failed" else [],
    }


HANDLERS = [create_task, list_tasks, get_task, cancel_task, delete_task]
