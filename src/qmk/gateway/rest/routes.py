"""Routes of the operations, and how each answer is written: ETags, ranges, links to the next page, streams."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, route
from litestar.response import Stream

from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Gate, Refusal, status_of
from qmk.gateway.rest import openapi, page
from qmk.gateway.rest.asked import JSON, asked_by, range_of, upload_path
from qmk.gateway.rest.direct import OPT, Answer
from qmk.gateway.rest.problem import answer_error, problem_of
from qmk.gateway.service import serving
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS

__all__ = ["HANDLERS", "SCHEMA", "answer_error"]

EVENT_STREAM = "text/event-stream"


async def _serve(operation: Operation, request: AnyRequest, *, upload: bool = False) -> Answer | Response[Any]:
    gate: Gate = request.app.state.gate
    shown = gate.callers.shown_token(request.headers)
    caller = await serving.enter(gate, operation, shown)
    asked = await asked_by(operation, request, upload=upload)
    waits, streams = bool(getattr(asked, "wait_s", 0)), EVENT_STREAM in request.headers.get("accept", "")
    if waits or streams:
        caller = await gate.callers.with_token(shown)
    if operation.follow is not None and streams:
        return await _stream(operation, request, caller, asked)
    try:
        reply = await serving.serve(gate, operation, caller, asked)
    except QmkError as error:
        if range_of(operation, request) and error.fields.get("field") == "from_shot":
            raise Refusal(416, error.message) from error
        raise
    return _answer(operation, request, asked, reply)


def _answer(operation: Operation, request: AnyRequest, asked: Any, reply: Any) -> Answer:
    body = msgspec.json.encode(reply)
    media = JSON
    if operation.media:
        body, media = operation.text_of(reply).encode(), operation.media
    headers = {"cache-control": "private, no-cache", "vary": "Authorization, Accept"}
    status = 200
    if operation.made:
        fields = msgspec.structs.asdict(reply)
        return Answer(201, body, media, {**headers, "location": operation.made.format(**fields)})
    if operation.ranged:
        headers["accept-ranges"] = operation.ranged
        if range_of(operation, request) and reply.rows:
            status = 206
            last = reply.from_shot + len(reply.rows) - 1
            headers["content-range"] = f"{operation.ranged} {reply.from_shot}-{last}/{reply.shots}"
    if getattr(reply, "next", None):
        query = [(name, text) for name, text in request.query_params.multi_items() if name != "cursor"]
        headers["link"] = f'<{operation.path}?{urlencode([*query, ("cursor", reply.next)])}>; rel="next"'
    if operation.method == "GET" and status == 200:
        headers["etag"] = tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if _knows(request.headers.get("if-none-match", ""), tag):
            return Answer(304, b"", media, headers)
    return Answer(status, body, media, headers)


def _knows(shown: str, tag: str) -> bool:
    return shown.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in shown.split(","))


async def _stream(operation: Operation, request: AnyRequest, caller: Caller, asked: Any) -> Response[Any]:
    """The items as server-sent events. The first is asked for before anything is answered, so that what is wrong has a
    status of its own."""
    assert operation.follow is not None
    gate: Gate = request.app.state.gate
    serving.require_room(gate, caller)
    items = operation.follow(caller, asked)
    try:
        first = await anext(items)
    except StopAsyncIteration:
        return Response(b"", status_code=204)

    async def lines() -> AsyncIterator[bytes]:
        with serving.hold(gate, caller):
            try:
                yield _event(first)
                async for item in items:
                    yield _event(item)
            except QmkError as error:
                shown = problem_of(error, status_of(error), error.message)
                yield b"event: problem\ndata: " + msgspec.json.encode(shown) + b"\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(lines(), media_type=EVENT_STREAM, headers=headers)


def _event(item: Any) -> bytes:
    """``id`` is what ``Last-Event-ID`` resumes after; a comment where there is nothing."""
    if item is None:
        return b": nothing new\n\n"
    return f"id: {item.seq}\nevent: {item.kind}\ndata: ".encode() + msgspec.json.encode(item) + b"\n\n"


def _route(path: str, operations: Sequence[Operation], *, upload: bool = False) -> Any:
    """The handler of an address: all its methods have one, so that OPTIONS names them all."""
    by_method: dict[Any, Operation] = {operation.method: operation for operation in operations}

    async def make(request: AnyRequest) -> Answer | Response[Any]:
        return await _serve(by_method[request.method], request, upload=upload)

    async def serve(request: AnyRequest) -> Response[Any]:
        made = await make(request)
        return made.as_response() if isinstance(made, Answer) else made

    return route(
        path.removeprefix("/v1").replace("}", ":str}"), http_method=list(by_method), status_code=200, opt={OPT: make}
    )(serve)


@get("/openapi.json")
async def schema() -> Response[bytes]:
    return Response(openapi.text().encode(), media_type=JSON)


@get("/")
async def overview() -> Response[bytes]:
    headers = {"Content-Security-Policy": page.POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(page.html().encode(), media_type="text/html", headers=headers)


SCHEMA = schema
HANDLERS = [
    overview,
    *(_route(path, [each for each in OPERATIONS if each.path == path]) for path in {each.path for each in OPERATIONS}),
    *(_route(upload_path(each), [each], upload=True) for each in OPERATIONS if each.takes_program),
]
