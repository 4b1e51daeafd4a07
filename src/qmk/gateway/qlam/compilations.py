"""Compilations: a definition, written for what runs it. What comes of one is a definition too, which tasks run by the
id of either.

A compilation runs in the background and its state is kept, so that one which a restart of the gateway has cut short
goes on when it is next asked after.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

import msgspec
from litestar import Response, get, post, put

from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, body_of, enter
from qmk.gateway.qlam import arguments, compiling, definitions, shapes
from qmk.gateway.qlam.compiler import Case, Failure, Job, Made
from qmk.gateway.qlam.compiling import Compiling
from qmk.gateway.qlam.shapes import COMPILED, Asked, Definition, Mode, Program, Subtask
from qmk.gateway.records import Record, Records

log = logging.getLogger("qmk.gateway")
KIND = "qlam-compilation"
KEPT = 10_000
KEPT_BYTES = 64 << 20
"""Largest total size of one tenant's compilations, in bytes."""


class Kept(msgspec.Struct, frozen=True):
    """``status``: Pending, also while it runs, Succeeded or Failed. ``definition`` and ``compiled``: their ids."""

    mode: Mode
    definition: str
    status: str = "Pending"
    compiled: str | None = None
    stack_trace: str | None = None
    failures: list[Failure] = []
    ended: float | None = None


@post("/v2/{mode:str}/compilations", status_code=201)
async def create_compilation(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    shapes.require_submit(caller)
    mode, asked = shapes.mode_of(request), await body_of(request, Asked)
    shapes.in_group(asked.group_id, caller.tenant)
    if asked.definition_id is None:
        if asked.program_language is None:
            raise Refusal(400, f"a definition says its program_language, such as {definitions.USUAL}")
        shapes.check_definition(asked, caller.tenant)
        queue(request).require_room(caller.tenant)
        source = (await definitions.keep(caller, records, mode, asked))[0].id
    else:
        source = await _source(asked, caller, records, mode)
    record = await begin(request, caller, records, mode, source)
    return answer(_describe(record, caller.tenant), 201)


async def _source(asked: Asked, caller: Caller, records: Records, mode: Mode) -> str:
    """The id of the definition that is named. Raises ``Refusal`` 400."""
    if asked.programs or asked.subtasks:
        raise Refusal(400, "send programs and subtasks, or a definition_id, not both")
    found = await definitions.fetch(caller, records, mode.name, asked.definition_id or "")
    if found is None:
        raise Refusal(400, "definition_id: there is no definition with this id in this mode")
    if found[1].program_language == COMPILED:
        raise Refusal(400, "definition_id: it is compiled already")
    return found[0].id


@get("/v2/{mode:str}/compilations")
async def list_compilations(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    mode, (page, size) = shapes.mode_of(request), shapes.page_of(request, "page", "size", 10, shapes.PAGE_RECORDS)
    turned = shapes.oldest_first(request)
    if not shapes.is_shown(request, caller.tenant):
        return answer(shapes.page_body([], page, size, 0))
    found, total = await records.page(KIND, caller.tenant, size, page * size, member=mode.name, oldest_first=turned)
    for record in found:
        _go_on(request, caller, records, record)
    return answer(shapes.page_body([_describe(record, caller.tenant) for record in found], page, size, total))


@get("/v2/{mode:str}/compilations/{id:str}")
async def get_compilation(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    record = await _find(request, caller, records)
    _go_on(request, caller, records, record)
    return answer(_describe(record, caller.tenant))


@put("/v2/{mode:str}/compilations/{id:str}/cancel", status_code=202)
async def cancel_compilation(request: AnyRequest) -> Response[bytes]:
    """The protocol has no state for it: one that is cancelled has failed."""
    caller, records = await enter(request)
    shapes.require_submit(caller)
    record = await _find(request, caller, records)
    await queue(request).wait(record.id, cancel=True)
    if not await _settle(records, caller.tenant, record.id, stack_trace="cancelled by its caller"):
        raise QmkError("ALREADY_COMPLETED", "the compilation has ended")
    return answer(_describe(await _find(request, caller, records), caller.tenant), 202)


def queue(request: AnyRequest) -> Compiling:
    found: Compiling = request.app.state.compiling
    return found


def kept_of(record: Record) -> Kept:
    return msgspec.json.decode(record.body, type=Kept)


async def fetch(caller: Caller, records: Records, mode: str, id: str) -> Record | None:
    """The caller's compilation of this mode, if there is one."""
    record = await records.get(KIND, caller.tenant, id)
    return record if record is not None and kept_of(record).mode.name == mode else None


async def begin(request: AnyRequest, caller: Caller, records: Records, mode: Mode, definition: str) -> Record:
    """A new compilation of a definition that is there, under way. Raises ``Refusal`` 429."""
    body = msgspec.json.encode(Kept(mode, definition))
    record = Record(str(uuid.uuid4()), time.time(), body, (mode.name,))
    queue(request).enter(caller.tenant)  # before anything is waited for, so that no other request takes the place
    try:
        await records.put(KIND, caller.tenant, record, kept=KEPT, kept_bytes=KEPT_BYTES)
    except BaseException:
        queue(request).leave(caller.tenant)
        raise
    queue(request).begin(record.id, caller.tenant, lambda: _compile(caller, records, record))
    return record


async def wait_for_end(request: AnyRequest, caller: Caller, records: Records, record: Record) -> Kept:
    """What has become of a compilation, when it has ended."""
    _go_on(request, caller, records, record)
    await queue(request).wait(record.id)
    found = await records.get(KIND, caller.tenant, record.id)
    if found is None or kept_of(found).status == "Pending":
        raise QmkError("RESOURCE_EXHAUSTED", "the gateway is going down")
    return kept_of(found)


def reasons(kept: Kept) -> list[str]:
    """Why it failed, line by line."""
    lines = [f"program {row.program_index}: {text}" for row in kept.failures for text in row.error_messages]
    return lines or [kept.stack_trace or "the compilation failed"]


def _go_on(request: AnyRequest, caller: Caller, records: Records, record: Record) -> None:
    """Have a compilation that is pending under way."""
    turns = queue(request)
    if kept_of(record).status != "Pending" or turns.is_under_way(record.id) or turns.is_full(caller.tenant):
        return
    turns.enter(caller.tenant)
    turns.begin(record.id, caller.tenant, lambda: _compile(caller, records, record))


async def _compile(caller: Caller, records: Records, record: Record) -> None:
    """From Pending to an end, unless it is cancelled."""
    try:
        end = await _end(caller, records, kept_of(record))
    except Exception:
        log.exception("compilation %s failed", record.id)
        end = {"stack_trace": "a defect in the gateway; its log has the details"}
    await _settle(records, caller.tenant, record.id, **end)


async def _end(caller: Caller, records: Records, kept: Kept) -> dict[str, Any]:
    """What becomes of a compilation, as fields of its record."""
    found = await definitions.fetch(caller, records, kept.mode.name, kept.definition)
    if found is None:
        return {"stack_trace": "its definition is no longer kept"}
    cases, which = await asyncio.to_thread(cases_of, found[1], kept.mode)
    job = Job([row.content for row in found[1].programs], cases, kept.mode.qubits, kept.mode.device)
    try:
        result = await compiling.compile_job(job)
    except compiling.Failed as error:
        return {"stack_trace": str(error)}
    if result.failures:
        return {"failures": result.failures}
    written = _write(found[1], cases, which, result)
    compiled, _ = await definitions.keep(caller, records, kept.mode, written, listed=False)
    return {"status": "Succeeded", "compiled": compiled.id}


def cases_of(kept: definitions.Kept, mode: Mode) -> tuple[list[Case], list[int]]:
    """Each program with each set of its arguments, once, and the case of each subtask. A device is asked for the shots,
    too."""
    wishes = arguments.wishes(kept.programs, kept.subtasks)
    cases: list[Case] = []
    places: dict[tuple[int, bytes, int], int] = {}
    which: list[int] = []
    for row, wish in zip(kept.subtasks, wishes, strict=True):
        shots = wish.shots if mode.device else 1
        key = (row.program_index, msgspec.json.encode(wish.params, order="sorted"), shots)
        if key not in places:
            places[key] = len(cases)
            cases.append(Case(row.program_index, dict(wish.params), shots))
        which.append(places[key])
    return cases, which


def _write(source: definitions.Kept, cases: list[Case], which: list[int], result: Made) -> Definition:
    """The compiled definition: a program for each case, which has no arguments any more."""
    programs: list[Program] = []
    for case, one in zip(cases, result.compiled, strict=True):
        notes = msgspec.json.encode({**one.notes, "program_index": case.program_index, "arguments": case.arguments})
        given = source.programs[case.program_index].program_metadata or {}
        programs.append(Program(one.content, {**given, "system_metadata": notes.decode()}))
    subtasks = [
        Subtask(at, row.num_shots, None, row.subtask_metadata) for at, row in zip(which, source.subtasks, strict=True)
    ]
    return Definition(programs, subtasks, COMPILED)


async def _settle(records: Records, tenant: str, id: str, status: str = "Failed", **rest: Any) -> bool:
    """End a compilation, unless it has ended or is no longer kept."""
    async with records.lock(KIND, tenant, id):
        record = await records.get(KIND, tenant, id)
        if record is None or kept_of(record).status != "Pending":
            return False
        kept = msgspec.structs.replace(kept_of(record), status=status, ended=time.time(), **rest)
        changed = msgspec.structs.replace(record, body=msgspec.json.encode(kept))
        await records.put(KIND, tenant, changed, kept=KEPT, kept_bytes=KEPT_BYTES)
        return True


async def _find(request: AnyRequest, caller: Caller, records: Records) -> Record:
    """The caller's compilation of the path. Raises ``Refusal`` 404."""
    mode = shapes.mode_of(request)
    record = await fetch(caller, records, mode.name, str(request.path_params["id"]))
    if record is None:
        raise Refusal(404, "no such compilation")
    return record


def _describe(record: Record, tenant: str) -> dict[str, Any]:
    kept = kept_of(record)
    return {
        "id": record.id,
        "input_definition_id": kept.definition,
        "compiled_definition_id": kept.compiled,
        "status": kept.status,
        "stack_trace": kept.stack_trace,
        "program_failures": [msgspec.to_builtins(row) for row in kept.failures] or None,
        **shapes.of_tenant(tenant, record.created, kept.ended),
    }


HANDLERS = [create_compilation, list_compilations, get_compilation, cancel_compilation]
