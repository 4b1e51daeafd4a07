"""QuEra's QLAM, version 2: tasks of squin kernels in Kirin's JSON, as Bloqade's devices send them.

A task is a job for each of its subtasks. The values of a shot are what the kernel returns, in the frame DETECTED; there
is no SORTED frame, as no atom is missing before a circuit. Definitions, compilations and task profiles are not kept: a
task that names one is refused. Source: the API models in qlam-core 0.10 and requests recorded from bloqade 0.36.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
import uuid
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from msgspec import Meta

from qmk.abi.shapes import Status
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.calls import ENDED
from qmk.client.result import Result
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, body_of, entered, id_of_job, iso
from qmk.gateway.jobs import Wish, all_told, cancel_all, has_ended, states, submit_all
from qmk.gateway.records import Record, Records

KIND = "qlam"
GENERIC = 1000
"""code of an error that has none of its own"""
SUBTASKS = 1000
PAGE = 100
VALUES = 4_000_000
"""measured values in one page of results"""
_MODE = re.compile(r"squin-[A-Za-z0-9._-]{1,32}")
_LANGUAGE = re.compile(r"squin\.v0\.1\.\d{1,3}")
_NAMES = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
_STATES = {
    "VALIDATING": "PayloadProcessing",
    "QUEUED": "Scheduled",
    "RUNNING": "ExecutionStarted",
    "COMPLETED": "Completed",
    "CANCELLED": "Cancelled",
    "FAILED": "Failed",
}


class Program(msgspec.Struct):
    content: str
    program_metadata: dict[str, Any] | None = None


class Subtask(msgspec.Struct):
    program_index: Annotated[int, Meta(ge=0)]
    num_shots: Annotated[int, Meta(ge=1, le=LIMITS.shots)]
    arguments: dict[str, float] | None = None
    subtask_metadata: dict[str, Any] | None = None


class Definition(msgspec.Struct):
    """The body of a new task."""

    programs: Annotated[list[Program], Meta(min_length=1)] = []
    subtasks: Annotated[list[Subtask], Meta(min_length=1, max_length=SUBTASKS)] = []
    program_language: str | None = None
    group_id: str | None = None
    profile_id: str | None = None
    definition_id: str | None = None
    compilation_id: str | None = None


class Kept(msgspec.Struct, frozen=True):
    """The record of a task: its mode, and job and shots of each subtask."""

    mode: str
    jobs: list[str]
    shots: list[int]


@post("/v2/{mode:str}/tasks", status_code=201)
async def create_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await entered(request)
    mode = _mode(request)
    asked = await body_of(request, Definition)
    _unserved(asked, caller.tenant)
    wishes = await asyncio.to_thread(_wishes, asked)
    jobs = await submit_all(caller, "kirin", wishes, f"{KIND}:{secrets.token_hex(16)}")
    id, now_s = id_of_job(jobs[0]), time.time()
    kept = Kept(mode, jobs, [wish.shots for wish in wishes])
    await records.put(KIND, caller.tenant, Record(id, now_s, msgspec.json.encode(kept), (mode,)))
    return answer(_task(id, now_s, caller.tenant, await states(caller, jobs)), 201)


@get("/v2/{mode:str}/tasks")
async def list_tasks(request: AnyRequest) -> Response[bytes]:
    caller, records = await entered(request)
    mode, (page, size) = _mode(request), _page(request, "page", "size", 10)
    groups = request.query_params.getall("group_id", [])
    if groups and _uuid_of("group", caller.tenant) not in groups:
        return answer(_paged([], page, size, 0))
    found, total = await records.page(KIND, caller.tenant, size, page * size, member=mode)

    async def told(record: Record) -> dict[str, Any]:
        kept = msgspec.json.decode(record.body, type=Kept)
        return _task(record.id, record.created, caller.tenant, await states(caller, kept.jobs))

    return answer(_paged(await all_told(KIND, caller, records, found, told), page, size, total))


@get("/v2/{mode:str}/tasks/{id:str}")
async def get_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await entered(request)
    record, kept = await _found(request, caller, records)
    return answer(_task(record.id, record.created, caller.tenant, await states(caller, kept.jobs)))


@put("/v2/{mode:str}/tasks/{id:str}/cancel", status_code=202)
async def cancel_task(request: AnyRequest) -> Response[bytes]:
    caller, records = await entered(request)
    record, kept = await _found(request, caller, records)
    if not await cancel_all(caller, kept.jobs, "cancelled over QLAM"):
        raise QmkError("ALREADY_COMPLETED", "the task has ended")
    return answer(_task(record.id, record.created, caller.tenant, await states(caller, kept.jobs)), 202)


@delete("/v2/{mode:str}/tasks/{id:str}", status_code=204)
async def delete_task(request: AnyRequest) -> None:
    caller, records = await entered(request)
    record, kept = await _found(request, caller, records)
    await cancel_all(caller, kept.jobs, "deleted over QLAM")
    await records.drop(KIND, caller.tenant, record.id)


@get(["/v2/{mode:str}/tasks/{id:str}/results", "/v2/tasks/{id:str}/results"])
async def get_results(request: AnyRequest) -> Response[bytes]:
    """One page of subtasks, each with one page of its shots."""
    caller, records = await entered(request)
    if "application/octet-stream" in request.headers.get("accept", ""):
        raise Refusal(406, "results are given as pages of JSON: ask for application/json")
    record, kept = await _found(request, caller, records)
    (page, size), (shots_page, shots_size) = (
        _page(request, "page", "size", 10),
        _page(request, "shots_page", "shots_size", PAGE),
    )
    found = await states(caller, kept.jobs)
    order = _order(request.query_params.get("sort", "subtask_order,asc"), kept, found)
    first = [0, *itertools.accumulate(kept.shots)]
    rows: list[dict[str, Any]] = []
    left = VALUES
    for at in order[page * size : (page + 1) * size]:
        values = await _shots(caller, found[at], shots_page * shots_size, shots_size, left)
        left -= sum(map(len, values))
        rows.append(_subtask(found[at], at, first[at], shots_page * shots_size, values))
    elements = [{"task_id": record.id, "subtasks": rows}] if rows else []
    return answer(_paged(elements, page, size, len(order)))


@get("/v2/task-profiles")
async def list_profiles(request: AnyRequest) -> Response[bytes]:
    await entered(request)
    return answer(_paged([], *_page(request, "page", "size", 10), 0))


@get("/v2/groups")
async def list_groups(request: AnyRequest) -> Response[bytes]:
    caller, _ = await entered(request)
    page, size = _page(request, "page", "size", 10)
    return answer(_paged([] if page else [_group(caller.tenant)], page, size, 1))


@get("/v2/groups/{id:str}")
async def get_group(request: AnyRequest) -> Response[bytes]:
    caller, _ = await entered(request)
    if request.path_params["id"] != _uuid_of("group", caller.tenant):
        raise Refusal(404, "no such group")
    return answer(_group(caller.tenant))


def _mode(request: AnyRequest) -> str:
    mode = str(request.path_params["mode"])
    if _MODE.fullmatch(mode) is None:
        raise Refusal(404, f"there is no mode '{mode[:40]}'; write one such as squin-256q")
    return mode


def _unserved(asked: Definition, tenant: str) -> None:
    """What is asked for and not there is refused."""
    for name in ("definition_id", "compilation_id", "profile_id"):
        if getattr(asked, name) is not None:
            raise Refusal(400, f"{name}: there is none with this id; send programs and subtasks")
    if not asked.programs or not asked.subtasks:
        raise Refusal(400, "a task has programs and subtasks")
    if asked.program_language is not None and _LANGUAGE.fullmatch(asked.program_language) is None:
        raise Refusal(400, f"the language '{asked.program_language[:40]}' is not served; squin.v0.1.0 is")
    if asked.group_id is not None and asked.group_id != _uuid_of("group", tenant):
        raise Refusal(400, "no such group")
    for at, row in enumerate(asked.subtasks):
        if row.program_index >= len(asked.programs):
            raise Refusal(400, f"subtask {at} is of program {row.program_index}; there are {len(asked.programs)}")


class _Method(msgspec.Struct):
    sym_name: str = ""
    arg_names: list[str] = []
    arg_types: list[str] = []


class _Body(msgspec.Struct):
    unit: tuple[str, _Method] = msgspec.field(name="$u")


class _Kernel(msgspec.Struct):
    """As much of Kirin's JSON as says which arguments are whole numbers."""

    symbol_table: dict[str, _Method]
    body: _Body


def _whole_numbers(content: str) -> frozenset[str]:
    """The arguments that a kernel declares as ``int``."""
    try:
        kernel = msgspec.json.decode(content, type=_Kernel)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()  # no kernel: its reader says why
    name, names = kernel.body.unit[1].sym_name, kernel.body.unit[1].arg_names[1:]
    return frozenset(
        argument
        for method in kernel.symbol_table.values()
        if method.sym_name == name and len(method.arg_types) == len(names)
        for argument, kind in zip(names, method.arg_types, strict=True)
        if kind == "int"
    )


def _wishes(asked: Definition) -> list[Wish]:
    """Subtasks as jobs. QLAM has floats for all arguments; those that the kernel declares as ``int`` become one."""
    whole = {at: _whole_numbers(asked.programs[at].content) for at in {row.program_index for row in asked.subtasks}}
    wishes: list[Wish] = []
    for row in asked.subtasks:
        given = {
            name: int(value) if name in whole[row.program_index] and value.is_integer() else value
            for name, value in (row.arguments or {}).items()
        }
        wishes.append(Wish(asked.programs[row.program_index].content, row.num_shots, given))
    return wishes


async def _found(request: AnyRequest, caller: Caller, records: Records) -> tuple[Record, Kept]:
    """The caller's task of the path, in the path's mode where it has one. Raises ``Refusal`` 404."""
    record = await records.get(KIND, caller.tenant, str(request.path_params["id"]))
    kept = None if record is None else msgspec.json.decode(record.body, type=Kept)
    if record is None or kept is None or kept.mode != request.path_params.get("mode", kept.mode):
        raise Refusal(404, "no such task")
    return record, kept


def _task(id: str, created_s: float, tenant: str, found: list[Status]) -> dict[str, Any]:
    names = [_STATES[status.state] for status in found]
    if has_ended(found):
        state = next((name for name in ("Failed", "Cancelled") if name in names), "Completed")
    elif any(status.state in {"RUNNING", *ENDED} for status in found):
        state = "ExecutionStarted"
    else:
        state = "PayloadProcessing" if "PayloadProcessing" in names else "Scheduled"
    reasons = [str(row.error.get("message", "")) for row in found if row.error is not None and row.state == "FAILED"]
    group = _group(tenant)
    return {
        "id": id,
        "task_status": state,
        "definition_id": None,
        "compilation_id": None,
        "created_by": _uuid_of("user", tenant),
        "created_date": iso(created_s),
        "scheduled_date": iso(found[0].submitted),
        "group": {"id": group["id"], "name": group["name"]},
        "profile_id": None,
        "error_reasons": reasons if state == "Failed" else [],
    }


def _order(sort: str, kept: Kept, found: list[Status]) -> list[int]:
    """Places of the subtasks as ``property,direction`` asks; by their order where the property is not known."""
    name, _, direction = sort.partition(",")
    keys: dict[str, Any] = {
        "completed_date": lambda at: (found[at].ended is None, found[at].ended or 0.0),
        "status": lambda at: found[at].state,
        "num_shots": lambda at: kept.shots[at],
    }
    return sorted(range(len(found)), key=keys.get(name, lambda at: at), reverse=direction.strip() == "desc")


def _subtask(status: Status, at: int, first: int, start: int, rows: list[list[bool]]) -> dict[str, Any]:
    """One subtask with its shots from ``start`` on; ``first`` is the number of its first shot in the task."""
    done = status.state == "COMPLETED"
    return {
        "subtask_id": id_of_job(status.job_id),
        "subtask_order": at,
        "status": _STATES[status.state].upper(),
        "completed_date": iso(status.ended) if done and status.ended is not None else None,
        "num_shots": status.shots,
        "shot_results": [
            {
                "shot_index": first + start + place,
                "subtask_shot_index": start + place,
                "subtask_index": at,
                "frame_type": "DETECTED",
                "measurement": {"measurement_values": values},
            }
            for place, values in enumerate(rows)
        ],
    }


async def _shots(caller: Caller, status: Status, start: int, size: int, bound: int) -> list[list[bool]]:
    """Of a subtask that is done, what ``_values`` gives. Raises ``Refusal`` 400 beyond ``bound`` values."""
    if status.state != "COMPLETED" or start >= status.shots:
        return []
    return _values(await caller.result(status.job_id, start), start, min(size, status.shots - start), bound)


def _values(result: Result, start: int, size: int, bound: int) -> list[list[bool]]:
    """What the kernel returned in each shot: the bits of its first register."""
    column = {name: place for place, name in enumerate(result.event_names)}
    register = next((row for row in result.registers if row.name == "result"), None)
    wanted = [] if register is None else [None if name is None else column[name] for name in register.bits]
    if size * len(wanted) > bound:
        raise Refusal(400, f"a page of results has at most {VALUES} values: ask for a smaller size or shots_size")
    rows = itertools.islice(result.rows(start), min(size, LIMITS.page_shots))
    return [[at is not None and row[at] == "1" for at in wanted] for row in rows]


def _page(request: AnyRequest, page: str, size: str, usual: int) -> tuple[int, int]:
    """The number of a page, from 0, and how much it holds, at most 10 000."""
    try:
        found = (int(request.query_params.get(page, 0)), int(request.query_params.get(size, usual)))
    except ValueError:
        found = (-1, 0)
    if not 0 <= found[0] <= 1 << 31 or not 1 <= found[1] <= LIMITS.page_shots:
        raise Refusal(400, f"{page} is a number from 0 on, {size} one from 1 to {LIMITS.page_shots}")
    return found


def _paged(elements: list[Any], page: int, size: int, total: int) -> dict[str, Any]:
    return {"elements": elements, "page": page, "size": size, "total": total}


def _uuid_of(what: str, tenant: str) -> str:
    return str(uuid.uuid5(_NAMES, f"qmk:{what}:{tenant}"))


def _group(tenant: str) -> dict[str, Any]:
    """A tenant is one group, its default one."""
    user, then = _uuid_of("user", tenant), iso(0.0)
    return {
        "id": _uuid_of("group", tenant),
        "name": tenant[:30],
        "description": "Everybody with a token of this tenant",
        "is_shared": True,
        "is_default": True,
        "created_date": then,
        "created_by": user,
        "modified_date": then,
        "modified_by": user,
    }


def refused(error: Exception, status: int, message: str) -> Response[bytes]:
    """An error as QLAM answers it."""
    messages = [message]
    if isinstance(error, QmkError) and error.kind.name == "INVALID_GRAPH":
        messages = [finding.text() for finding in error.findings] or messages
    return answer({"messages": messages, "code": GENERIC}, status)


HANDLERS = [
    create_task,
    list_tasks,
    get_task,
    cancel_task,
    delete_task,
    get_results,
    list_profiles,
    list_groups,
    get_group,
]
