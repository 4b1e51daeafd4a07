"""The calls of qSyscall over HTTP. The body of ``POST /rpc`` is one frame, and so is the answer.

The parameters of a call go on to the daemon as they are. What keeps tenants apart stands here:

- The bearer token of each request says whose it is. A session is opened with that token, never with one from the body,
  and serves no request with another: a foreign session is answered as one that does not exist.
- Only calls of the ABI go on, by the declared name, under a number of ours, on the connection of that token.
- A frame is one line: with more of them, a second frame could stand inside the first.
- ``q_wait`` and ``q_events`` wait for a bounded time, so that callers who left do not hold a place for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response

from qmk.abi.call import Call
from qmk.abi.calls import q_events, q_negotiate_caps, q_query_resources, q_wait
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.gateway.callers import Caller, Callers
from qmk.gateway.edge import Receive, Scope, Send
from qmk.gateway.http import Refusal, without_places
from qmk.gateway.streams import NAME_HEADER, Streams
from qmk.gateway.streams import PATH as STREAM_PATH
from qmk.gateway.whole import send_answer
from qmk.rpc import frame, refusals

log = logging.getLogger("qmk.gateway")
PATH, PATHS = "/rpc", ("", "/", STREAM_PATH)
"""Where it is, and what may follow."""
WAIT_MS = 60_000
"""The longest that a call may ask to wait."""
MEDIA_TYPE = "application/json"
BODIES_BYTES = 4 * LIMITS.frame_bytes
"""Bytes of all bodies that are being read or answered at one time."""


class _Named(msgspec.Struct):
    """What is looked at of a call's parameters."""

    session_id: str = ""
    timeout_ms: int | None = None


class Room:
    """Counts the bytes of bodies."""

    def __init__(self, limit: int = BODIES_BYTES) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Raises RESOURCE_EXHAUSTED where there is no room for a body of this size."""
        if size > self._left:
            raise QmkError("RESOURCE_EXHAUSTED", "the gateway holds as many requests as it can", retry_after_ms=1000)
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size


async def serve(state: Any, headers: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a frame of calls. It stands before the router, which would cost as much as the daemon's part."""
    callers: Callers = state.gate.callers
    shown = callers.shown_token(headers)
    streams: Streams = state.streams
    if scope["path"].endswith(STREAM_PATH):
        if scope["method"] != "GET":
            raise Refusal(405, "a stream is opened by GET")
        await callers.with_token(shown)
        await streams.serve(shown, headers, receive, send)
        return
    if scope["method"] != "POST":
        raise Refusal(405, "a frame is sent by POST")
    caller = await callers.client_of(shown)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Refusal(415, f"a frame is sent as {MEDIA_TYPE}")
    size, room = _size_of(headers), state.room
    room.take(size)
    try:
        asked = frame.outline(_one_line(await _body(receive)))
        if any(each.call is q_query_resources.CALL for each in asked.calls):
            caller = await callers.with_token(shown)  # it needs no session, but a token that is good
        if name := headers.get(NAME_HEADER):
            streams.find(name, shown).add(_event(caller, shown, asked))
            await send_answer(scope, send, 202, b"", {})
            return
        text = await _text(caller, shown, asked)
    finally:
        room.give(size)
    await send_answer(scope, send, 200, text, {"content-type": MEDIA_TYPE})


async def _text(caller: Caller, shown: str, asked: frame.Frame) -> bytes:
    """The answers to a frame, as one."""
    answers = await _answer(caller, shown, asked.calls)
    return b"".join(frame.batch(answers) if asked.batch else answers)


async def _event(caller: Caller, shown: str, asked: frame.Frame) -> bytes:
    """As ``_text``; what goes wrong is the answer to each call: nothing else tells who waits for a stream."""
    try:
        return await _text(caller, shown, asked)
    except Exception as error:
        if isinstance(error, QmkError):
            refused = without_places(error)
        else:
            log.error("a call whose answer is an event failed", exc_info=error)
            refused = QmkError("INTERNAL_ERROR", "a defect in the gateway; its log has the details")
        made = [frame.error(each.id, refused) for each in asked.calls if each.id is not None]
        return b"".join(frame.batch(made) if asked.batch else made)


async def _body(receive: Receive) -> bytes:
    """The body, of the length that was declared; how long it may take is bounded by the protocol below. Raises
    ``Refusal`` 400 where the caller goes away first."""
    parts: list[bytes] = []
    while (message := await receive())["type"] != "http.disconnect":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
    raise Refusal(400, "the caller went away before its body had come")


def answer_error(error: Exception, status: int, message: str) -> Response[bytes]:
    """A refusal of the whole request, as the answer to a frame that cannot be read."""
    if not isinstance(error, QmkError):
        kinds = {413: "QUOTA_EXCEEDED", 500: "INTERNAL_ERROR"}
        error = QmkError(kinds.get(status, "INVALID_REQUEST"), message)
    return Response(frame.error(frame.NULL_ID, error), status_code=status, media_type=MEDIA_TYPE)


def _size_of(headers: Mapping[str, str]) -> int:
    """The declared length of the body. Raises INVALID_REQUEST for a body without one, ``Refusal`` 413."""
    text = headers.get("content-length", "")
    if not text.isdecimal():
        raise QmkError("INVALID_REQUEST", "the request has no Content-Length", help="send the frame in one piece")
    if int(text) > LIMITS.frame_bytes:
        raise Refusal(413, f"a frame may have {LIMITS.frame_bytes} bytes")
    return int(text)


def _one_line(data: bytes) -> bytes:
    line = data.rstrip(b"\r\n")
    if b"\n" in line:
        raise QmkError("INVALID_REQUEST", "the body has several lines", help="send one frame, on one line")
    return line


async def _answer(caller: Caller, shown: str, asked: list[frame.Decoded]) -> list[bytes]:
    """The answers, in the order of the calls; to notifications there is none."""
    made: dict[int, bytes] = {}
    going: list[tuple[int, Call, Any]] = []
    for at, each in enumerate(asked):
        try:
            going.append((at, *_call_of(caller, shown, each)))
        except QmkError as error:
            made[at] = frame.error(each.id or frame.NULL_ID, error)
    if going:
        found = await caller.pass_on([(call, request) for _, call, request in going])
        for (at, _, _), answer in zip(going, found, strict=True):
            id = asked[at].id or frame.NULL_ID
            made[at] = frame.result(id, answer.result) if answer.error is None else frame.error(id, answer.error)
    return [made[at] for at, each in enumerate(asked) if each.id is not None]


def _call_of(caller: Caller, shown: str, asked: frame.Decoded) -> tuple[Call, Any]:
    """The call that goes on to the daemon. Raises QmkError for one that does not."""
    call, params = asked.call, asked.request
    if asked.error is not None:
        raise asked.error
    assert call is not None
    try:
        if call is q_negotiate_caps.CALL:
            return call, _with_token(shown, msgspec.json.decode(params, type=q_negotiate_caps.Request))
        named = msgspec.json.decode(params, type=_Named)
    except msgspec.ValidationError as error:
        raise refusals.bad_params(call, str(error)) from None
    if call is not q_query_resources.CALL and named.session_id not in caller.sessions:
        raise _no_session(named.session_id)
    if call in (q_wait.CALL, q_events.CALL) and named.timeout_ms is not None and named.timeout_ms > WAIT_MS:
        raise _too_patient(call)
    if call is q_wait.CALL and named.timeout_ms is None:
        raise _too_patient(call)
    return call, params


def _with_token(shown: str, request: q_negotiate_caps.Request) -> q_negotiate_caps.Request:
    """The request with the token of the HTTP request, which is the only one that counts."""
    if request.token not in ("", shown):
        help = "show it as 'Authorization: Bearer ...', and leave it out of the call"
        raise QmkError("AUTH_FAILED", "the call has another token than the request", help=help)
    return msgspec.structs.replace(request, token=shown)


def _no_session(id: str) -> QmkError:
    """The one answer to a session that was never opened, has ended, or is another's."""
    help = "open one with q_negotiate_caps"
    return QmkError("SESSION_NOT_FOUND", f"no session '{id[:64]}' of this token is open here", help=help)


def _too_patient(call: Call) -> QmkError:
    return QmkError(
        "INVALID_PARAMS",
        f"{call.name}: over HTTP a call waits for at most {WAIT_MS} ms",
        field="timeout_ms",
        help=f"give a timeout_ms up to {WAIT_MS}, and call again until the job has ended",
    )
