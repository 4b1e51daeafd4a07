"""JSON-RPC 2.0 frames to typed calls and back.

A frame is one line: JSON text without raw newlines, ended by ``\\n``. Decoding is pure, linear in the frame, and
total: every sequence of bytes gives either calls or errors to send back. Parameters go by name; unknown names,
repeated names and positional parameters are refused. A graph inside q_submit or q_estimate stays raw bytes here
(``graphs.graph_of`` decodes it once).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from qmk.abi.call import Call
from qmk.abi.calls import CALLS, METHODS
from qmk.abi.operator import OPERATOR_CALLS, OPERATOR_METHODS
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.rpc import op_metrics, refusals
from qmk.rpc.key import Key
from qmk.rpc.refusals import repeated_name

NULL_ID = b"null"
ID_BYTES_MAX = 1024

_FIRST = re.compile(rb"[ \t\r\n]*(.?)", re.DOTALL)
_ABSENT = Raw()
_ENCODER = msgspec.json.Encoder()


class Decoded(Struct, frozen=True):
    """Represents one call of a frame. ``id`` is the caller's id as JSON text, None for a notification (which is never
    answered, not even with an error). Exactly one of ``call`` with ``request`` and ``error`` is set. ``key``: of the
    program, where that is not in the request because the frame was read elsewhere; ``index``: of the call there."""

    id: bytes | None
    call: Call | None = None
    request: Any = None
    error: QmkError | None = None
    key: Key | None = None
    index: int = 0


class Frame(Struct, frozen=True):
    """The calls of one frame. ``batch``: the answers go back as one array, or as nothing when there are none."""

    calls: list[Decoded]
    batch: bool = False


class Answer(Struct, frozen=True):
    """A reply as the client reads it: ``result`` is the raw JSON of the result; one of result and error is set."""

    id: str | int | float | None
    result: Raw | None = None
    error: QmkError | None = None


class _Envelope(Struct, forbid_unknown_fields=True):
    jsonrpc: str
    method: str
    params: Raw = _ABSENT
    id: Raw = _ABSENT


_envelope = msgspec.json.Decoder(_Envelope).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_any = msgspec.json.Decoder(Raw).decode
_scalar = msgspec.json.Decoder().decode
_params: dict[str, Callable[[bytes], Any]] = {
    call.name: msgspec.json.Decoder(call.request).decode for call in (*CALLS, *OPERATOR_CALLS, op_metrics.CALL)
}
Read = Callable[[Call, Raw], Any]
_GRAPH_CALLS = frozenset(call.name for call in CALLS if hasattr(call.request, "graph"))


def decode(frame: bytes, methods: Mapping[str, Call] = METHODS) -> Frame:
    """The calls of one frame, of those that ``methods`` has; never raises."""
    return _total(frame, methods, _request)


def outline(frame: bytes, methods: Mapping[str, Call] = METHODS) -> Frame:
    """As ``decode``, with the parameters of each call left as JSON text (``Raw``), for whoever passes them on: whether
    they fit the call, and name nothing twice, is checked by who decodes them."""
    return _total(frame, methods, _unread)


def _total(frame: bytes, methods: Mapping[str, Call], read: Read) -> Frame:
    if not frame.isascii():
        try:
            frame.decode()
        except UnicodeDecodeError as error:
            return _single(refusals.not_utf8(error))
    try:
        return _decode(frame, methods, read)
    except RecursionError:
        return _single(refusals.too_deep())
    except UnicodeDecodeError as error:
        return _single(refusals.not_utf8(error))
    except msgspec.DecodeError as error:
        return _single(refusals.not_json(error))


def _single(error: QmkError) -> Frame:
    return Frame([Decoded(NULL_ID, error=error)])


def _first(data: bytes) -> bytes:
    """The first character that is not a blank."""
    if data[:1] == b"{":
        return b"{"
    match = _FIRST.match(data)
    return match.group(1) if match else b""


def _decode(frame: bytes, methods: Mapping[str, Call], read: Read) -> Frame:
    if _first(frame) != b"[":
        return Frame([_one(frame, methods, read)])
    items = _items(frame)
    if not items:
        return _single(QmkError("INVALID_REQUEST", "a batch holds at least one call", help="send a call, not []"))
    if len(items) > LIMITS.batch_calls:
        return _single(refusals.batch_too_long(len(items)))
    return Frame([_one(bytes(item), methods, read) for item in items], batch=True)


def _one(data: bytes, methods: Mapping[str, Call], read: Read) -> Decoded:
    try:
        envelope = _envelope(data)
    except msgspec.ValidationError as error:
        return _broken_envelope(data, str(error))
    if envelope.jsonrpc != "2.0":
        return _broken_envelope(data, 'Expected `"2.0"`, got `another version` - at `$.jsonrpc`')
    names = 2 + bool(len(envelope.params)) + bool(len(envelope.id))
    if (name := repeated_name(data, b'"params"', envelope.params, names)) is not None:
        return Decoded(NULL_ID, error=refusals.name_given_twice("INVALID_REQUEST", "the request", name))
    request_id: bytes | None = None
    if len(envelope.id):
        request_id = _id_bytes(envelope.id)
        if request_id is None:
            return Decoded(NULL_ID, error=refusals.bad_id())
    call = methods.get(envelope.method)
    if call is None:
        return Decoded(request_id, error=refusals.no_method(envelope.method, methods))
    try:
        return Decoded(request_id, call, read(call, envelope.params))
    except QmkError as error:
        return Decoded(request_id, error=error)


def _unread(call: Call, raw: Raw) -> Raw:
    if not len(raw):
        return Raw(b"{}")
    if bytes(memoryview(raw)[:1]) == b"[":
        raise refusals.positional(call)
    return raw


def _request(call: Call, raw: Raw) -> Any:
    params = bytes(_unread(call, raw))
    try:
        request: Any = _params[call.name](params)
    except msgspec.ValidationError as error:
        raise refusals.bad_params(call, str(error)) from None
    graph: Raw = request.graph if call.name in _GRAPH_CALLS else _ABSENT
    if (name := repeated_name(params, b'"graph"', graph)) is not None:
        raise refusals.name_given_twice("INVALID_PARAMS", call.name, name)
    if call.name in _GRAPH_CALLS:
        forms = {"graph": len(graph), "graph_sha256": request.graph_sha256, "program": request.program is not None}
        given = [name for name, there in forms.items() if there]
        if len(given) > 1:
            raise QmkError(
                "INVALID_PARAMS",
                f"{call.name}: both '{given[0]}' and '{given[1]}' are given",
                field=given[1],
                help="send one of graph (QVM JSON), graph_sha256 (of a graph sent before) and program (source text)",
            )
    return request


def without_program(id: bytes | None, method: str, params: bytes, key: Key, index: int) -> Decoded:
    """A call that was decoded elsewhere, with its parameters but for the program of this key."""
    call = METHODS[method] if method in METHODS else OPERATOR_METHODS[method]
    return Decoded(id, call, _params[method](params), key=key, index=index)


def _id_bytes(raw: Raw) -> bytes | None:
    """The id's JSON text when it is a string, a number or null; else None."""
    text = bytes(raw).strip()
    if len(text) > ID_BYTES_MAX:
        return None
    try:
        value = _scalar(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return text if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool)) else None


def _broken_envelope(data: bytes, why: str) -> Decoded:
    """The error for JSON that is not a request: INVALID_REQUEST, with its id if it has one. PARSE_ERROR if it is not
    JSON."""
    _any(data)
    request_id = None
    if _first(data) == b"{":
        request_id = _id_bytes(_members(data).get("id", _ABSENT))
    return Decoded(request_id or NULL_ID, error=refusals.bad_envelope(why))


def result(request_id: bytes, value: Any) -> bytes:
    """A reply (without newline) carrying a call's ``Reply`` struct."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (request_id, _ENCODER.encode(value))


def error(request_id: bytes, value: QmkError) -> bytes:
    """An error reply (without newline)."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (request_id, _ENCODER.encode(value.to_dict()))


def batch(replies: list[bytes]) -> list[bytes]:
    """The answers of a batch as one array, in parts; none, meaning send nothing, when there are none."""
    if not replies:
        return []
    return [b"[", replies[0], *(part for reply in replies[1:] for part in (b",", reply)), b"]"]


def request(request_id: str | int | None, method: str, params: Any) -> bytes:
    """A call as a client sends it (without newline); ``request_id`` None makes it a notification."""
    lead = b"" if request_id is None else b'"id":%b,' % _ENCODER.encode(request_id)
    name = _ENCODER.encode(method)
    return b'{"jsonrpc":"2.0",%b"method":%b,"params":%b}' % (lead, name, _ENCODER.encode(params))


class _ErrorObject(Struct):
    code: int
    message: str = ""
    data: dict[str, Any] | None = None


class _Reply(Struct):
    id: str | int | float | None = None
    result: Raw = _ABSENT
    error: _ErrorObject | None = None


_reply = msgspec.json.Decoder(_Reply).decode
_replies = msgspec.json.Decoder(list[_Reply]).decode


def answers(frame: bytes) -> list[Answer]:
    """The replies in a frame from the daemon, one or a batch; raises QmkError CONNECTION_LOST for anything else."""
    try:
        replies = _replies(frame) if _first(frame) == b"[" else [_reply(frame)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise QmkError("CONNECTION_LOST", f"the daemon sent something that is not a reply: {problem}") from None
    return [_answer(reply) for reply in replies]


def _answer(reply: _Reply) -> Answer:
    if reply.error is None:
        return Answer(reply.id, result=reply.result)
    return Answer(reply.id, error=QmkError.from_dict(msgspec.to_builtins(reply.error)))
