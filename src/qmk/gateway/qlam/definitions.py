"""Definitions: programs and subtasks, kept under an id for compilations and tasks to name. They never change.

A definition is kept as it came, and read only by what compiles or runs it. Those of a tenant have a bound; beyond it
the oldest go, as QLAM's client has no call to delete one.
"""

from __future__ import annotations

import asyncio
import time
import uuid
import zlib
from typing import Any

import msgspec
from litestar import Response, get, post

from qmk.gateway.callers import Caller
from qmk.gateway.http import BODY_BYTES, AnyRequest, Refusal, answer, body_of, enter
from qmk.gateway.qlam import shapes
from qmk.gateway.qlam.shapes import Definition, Program, Subtask
from qmk.gateway.records import Record, Records

KIND = "qlam-definition"
USUAL = "squin.v0.1.0"
KEPT = 10_000
KEPT_BYTES = 256 << 20
"""Largest total size of one tenant's definitions in bytes, compressed."""
PAGE_BYTES = 4 * BODY_BYTES
"""Largest size of the definitions in one page, in bytes."""


class Kept(msgspec.Struct, frozen=True):
    mode: str
    program_language: str
    programs: list[Program]
    subtasks: list[Subtask]


@post("/v2/{mode:str}/definitions", status_code=201)
async def create_definition(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    shapes.require_submit(caller)
    mode = shapes.mode_of(request)
    asked = shapes.check_definition(await body_of(request, Definition), caller.tenant)
    if asked.program_language is None:
        raise Refusal(400, f"a definition says its program_language, such as {USUAL}")
    record, kept = await keep(caller, records, mode, asked)
    return answer(describe(record, kept, caller.tenant), 201)


@get("/v2/{mode:str}/definitions")
async def list_definitions(request: AnyRequest) -> Response[bytes]:
    """Those that callers made; what a compilation made is found by its id only."""
    caller, records = await enter(request)
    mode, (page, size) = shapes.mode_of(request), shapes.page_of(request, "page", "size", 10, shapes.PAGE_RECORDS)
    turned = shapes.oldest_first(request)
    if not shapes.is_shown(request, caller.tenant):
        return answer(shapes.page_body([], page, size, 0))
    found, total = await records.page(
        KIND, caller.tenant, size, page * size, member=mode.name, oldest_first=turned, most_bytes=PAGE_BYTES
    )
    rows: list[dict[str, Any]] = []
    left = PAGE_BYTES
    for record in found:
        kept, inflated = await asyncio.to_thread(_read, record.body)
        left -= inflated
        if left < 0:
            raise Refusal(400, f"a page has at most {PAGE_BYTES} bytes: ask for a smaller size")
        rows.append(describe(record, kept, caller.tenant))
    return answer(shapes.page_body(rows, page, size, total))


@get("/v2/{mode:str}/definitions/{id:str}")
async def get_definition(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    mode = shapes.mode_of(request)
    found = await fetch(caller, records, mode.name, str(request.path_params["id"]))
    if found is None:
        raise Refusal(404, "no such definition")
    return answer(describe(*found, caller.tenant))


async def keep(
    caller: Caller, records: Records, mode: shapes.Mode, asked: Definition, *, listed: bool = True
) -> tuple[Record, Kept]:
    """A definition under an id of its own; ``listed``: it is in lists, too."""
    kept = Kept(mode.name, asked.program_language or USUAL, asked.programs, asked.subtasks)
    body = await asyncio.to_thread(_deflate, kept)
    record = Record(str(uuid.uuid4()), time.time(), body, (mode.name,) if listed else ())
    await records.put(KIND, caller.tenant, record, kept=KEPT, kept_bytes=KEPT_BYTES)
    return record, kept


async def fetch(caller: Caller, records: Records, mode: str, id: str) -> tuple[Record, Kept] | None:
    """The caller's definition of this mode, if there is one."""
    record = await records.get(KIND, caller.tenant, id)
    kept = None if record is None else (await asyncio.to_thread(_read, record.body))[0]
    return None if record is None or kept is None or kept.mode != mode else (record, kept)


def describe(record: Record, kept: Kept, tenant: str) -> dict[str, Any]:
    """A definition as QLAM tells it: the parts that a caller left out are left out."""
    parts = {
        "program_language": kept.program_language,
        "programs": [_write(row) for row in kept.programs],
        "subtasks": [_write(row) for row in kept.subtasks],
    }
    return {"id": record.id, **parts, **shapes.of_tenant(tenant, record.created)}


def _write(row: Program | Subtask) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None}


def _deflate(kept: Kept) -> bytes:
    return zlib.compress(msgspec.json.encode(kept), 1)


def _read(body: bytes) -> tuple[Kept, int]:
    """What we wrote ourselves, so its size, which is told too, is bounded by that of requests and compiled programs."""
    data = zlib.decompress(body)
    return msgspec.json.decode(data, type=Kept), len(data)


HANDLERS = [create_definition, list_definitions, get_definition]
