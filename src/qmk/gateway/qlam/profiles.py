"""Task profiles: notes of a caller in JSON, which a task may name. QMK reads nothing in them but ``dry_run``.

A tenant is one user, so that the routes of a caller and those of its tenant show the same.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec
from litestar import Response, get, post

from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, answer, body_of, enter, iso
from qmk.gateway.qlam import shapes
from qmk.gateway.records import Record, Records

KIND = "qlam-profile"
KEPT = 1000
BYTES = 64 << 10
"""Largest size of one profile in bytes."""
_ALL = ["/v2/task-profiles", "/v2/tenant/task-profiles"]
_ONE = [f"{path}/{{id:str}}" for path in _ALL]


@post(_ALL, status_code=201)
async def create_profile(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    shapes.require_submit(caller)
    content = await body_of(request, dict[str, Any])
    if not isinstance(content.get("name"), str | None) or not isinstance(content.get("dry_run"), bool | None):
        raise Refusal(400, "name is a text, and dry_run true or false")
    shapes.require_plain(content, "a profile")
    body = msgspec.json.encode(content)
    if len(body) > BYTES:
        raise Refusal(413, f"a profile has at most {BYTES} bytes")
    record = Record(str(uuid.uuid4()), time.time(), body)
    await records.put(KIND, caller.tenant, record, kept=KEPT)
    return answer(_describe(record, caller.tenant), 201)


@get(_ALL)
async def list_profiles(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    page, size = shapes.page_of(request, "page", "size", 10, shapes.PAGE_RECORDS)
    found, total = await records.page(KIND, caller.tenant, size, page * size, oldest_first=shapes.oldest_first(request))
    return answer(shapes.page_body([_describe(record, caller.tenant) for record in found], page, size, total))


@get(_ONE)
async def get_profile(request: AnyRequest) -> Response[bytes]:
    caller, records = await enter(request)
    record = await records.get(KIND, caller.tenant, str(request.path_params["id"]))
    if record is None:
        raise Refusal(404, "no such task profile")
    return answer(_describe(record, caller.tenant))


async def require(caller: Caller, records: Records, id: str | None) -> None:
    """A profile that a task may name. Raises ``Refusal`` 400."""
    if id is None:
        return
    record = await records.get(KIND, caller.tenant, id)
    if record is None:
        raise Refusal(400, "profile_id: there is no task profile with this id")
    if msgspec.json.decode(record.body).get("dry_run"):
        raise Refusal(400, "profile_id: tasks are run, not tried (dry_run): make a compilation to try one")


def _describe(record: Record, tenant: str) -> dict[str, Any]:
    user, then = shapes.uuid_of("user", tenant), iso(record.created)
    made = {"created_date": then, "created_by": user, "modified_date": then, "modified_by": user}
    return {"id": record.id, "content": msgspec.json.decode(record.body), **made}


HANDLERS = [create_profile, list_profiles, get_profile]
