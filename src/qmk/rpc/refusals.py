"""The errors of the frame decoder, worded from the call's declaration, and the search for repeated names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from qmk.abi.call import Call
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.rpc import describe

_PLACE = r"(?: - at `(?P<path>.*)`)?$"
_EXPECTED = re.compile(r"Expected `(?P<type>[^`]*)`(?P<bound>[^,]*?)(?:, got `(?P<got>[^`]*)`)?" + _PLACE)
_PATTERN = re.compile(r"Expected `str` matching regex .*?" + _PLACE)
_FIELD = re.compile(r"Object (?P<fault>missing required|contains unknown) field `(?P<name>.*?)`" + _PLACE)
_VALUE_START = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")


def not_utf8(error: UnicodeDecodeError) -> QmkError:
    return QmkError("PARSE_ERROR", f"byte {error.start} of the frame is not UTF-8", byte=error.start)


def not_json(error: msgspec.DecodeError) -> QmkError:
    return QmkError("PARSE_ERROR", f"the frame is not JSON: {error}", help="one JSON-RPC request a line, in UTF-8")


def too_deep() -> QmkError:
    return QmkError(
        "INVALID_REQUEST",
        f"the JSON is nested too deep (a graph may nest {LIMITS.json_depth} levels)",
        limit=LIMITS.json_depth,
    )


def batch_too_long(count: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{count} calls exceed the limit 'batch_calls' of {LIMITS.batch_calls} calls in one batch",
        quota="batch_calls",
        asked=count,
        limit=LIMITS.batch_calls,
    )


def bad_id() -> QmkError:
    return QmkError(
        "INVALID_REQUEST",
        "'id' must be a string, a number or null, of at most 1024 bytes",
        field="id",
        expected="str or number or null",
    )


def no_method(method: str, methods: Iterable[str]) -> QmkError:
    """METHOD_NOT_FOUND with the nearest name, if any is near."""
    near = difflib.get_close_matches(method[:64], methods, 1)
    help_text = f"did you mean {near[0]}?" if near else "docs/spec/qsyscall.md lists the calls"
    return QmkError("METHOD_NOT_FOUND", f"no call is named '{method[:64]}'", method=method[:64], help=help_text)


def positional(call: Call) -> QmkError:
    names = ", ".join(describe.names(call.request))
    return QmkError(
        "INVALID_PARAMS",
        f"{call.name} takes its parameters by name, not by position",
        expected="object",
        got="array",
        help=f"send an object with: {names}",
    )


def name_given_twice(kind: str, where: str, name: str) -> QmkError:
    return QmkError(kind, f"{where}: '{name}' is given more than once", field=name, help="give each name once")


def bad_envelope(why: str) -> QmkError:
    """Turns the codec's message into INVALID_REQUEST."""
    data = _fault(why)
    text = f"not a JSON-RPC 2.0 request: {_sentence(data) or why}"
    data["help"] = 'send {"jsonrpc":"2.0","id":1,"method":"q_...","params":{...}}'
    return QmkError("INVALID_REQUEST", text, **data)


def bad_params(call: Call, why: str) -> QmkError:
    """Turns the codec's message into INVALID_PARAMS, with the field, what was expected, and what the field means."""
    data = _fault(why)
    name: str = data.get("field", "")
    row = describe.field(call.request, name)
    if data.get("fault") == "unknown":
        parent, _, last = name.rpartition(".")
        known = [r.path for r in describe.fields(call.request) if r.path.rpartition(".")[0] == parent]
        near = difflib.get_close_matches(name, known, 1)
        names = ", ".join(path.rpartition(".")[2] for path in known)
        data["help"] = f"did you mean '{near[0].rpartition('.')[2]}'?" if near else f"known names: {names}"
        data["field"] = f"{parent}.{last}" if parent else last
    elif row is not None:
        data["expected"] = row.type
        if row.doc:
            data["help"] = row.doc
    elif (row := describe.field(call.request, name.rpartition("[")[0])) is not None and row.doc:
        data["help"] = row.doc  # of the list that the item is in
    return QmkError("INVALID_PARAMS", f"{call.name}: {_sentence(data) or why}", **data)


def _fault(why: str) -> dict[str, Any]:
    """Splits the codec's sentence into field, fault, expected and got. Empty if the sentence is unknown."""
    if match := _FIELD.match(why):
        fault = "missing" if match["fault"].startswith("missing") else "unknown"
        return {"field": ".".join(filter(None, (_dotted_path(match["path"]), match["name"]))), "fault": fault}
    if match := _PATTERN.match(why):
        return {"field": _dotted_path(match["path"]), "fault": "pattern"}
    if match := _EXPECTED.match(why):
        data = {"field": _dotted_path(match["path"]), "fault": "type", "expected": match["type"] + match["bound"]}
        return {**data, "got": match["got"]} if match["got"] else {**data, "fault": "range"}
    return {}


def _dotted_path(path: str | None) -> str:
    """``$.policy.seed`` -> ``policy.seed``."""
    return (path or "").removeprefix("$").removeprefix(".")


def _sentence(data: dict[str, Any]) -> str:
    name = f"'{data.get('field')}'" if data.get("field") else "it"
    match data.get("fault"):
        case "missing":
            return f"{name} is missing"
        case "unknown":
            return f"{name} is not a known name"
        case "type":
            return f"{name} must be {data['expected']}, not {data['got']}"
        case "pattern":
            return f"{name} is not well formed"
        case "range":
            return f"{name} is out of range: {data['expected']} is expected"
        case _:
            return ""


class _Repeated(Exception):
    pass


def _hook(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Repeated(name)
            seen.add(name)


_SCANNER = json.JSONDecoder(object_pairs_hook=_hook, parse_int=len, parse_float=len)
_SPACES = b" \t\r\n"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def repeated_name(data: bytes, key: bytes, value: Raw, names: int = 0) -> str | None:
    """A name that some object of ``data`` (valid JSON) has twice, or None.

    The member ``key`` with the given ``value``, which may be large and is checked by whoever decodes it, is left
    out. Cutting out its first occurrence is sound: were the name repeated, the other occurrence remains.
    ``names``: how many different ones ``data`` without that value is known to have; 0: not known.
    """
    size = len(value)
    if size:
        at = data.find(key)
        match = _VALUE_START.match(data, at + len(key))
        if match and data.startswith(value, match.end()):
            data = b"%bnull%b" % (data[: match.end()], data[match.end() + size :])
    if _count_tells(data, names):
        return None
    try:
        _SCANNER.decode(data.decode())
    except _Repeated as found:
        return str(found)
    return None


def _count_tells(data: bytes, names: int) -> bool:
    """Whether counting shows that no name is there twice, which nearly always settles it. A text that begins with a
    colon is counted like a name, so that the count is never below the number of names; as the JSON and its decoded form
    share their texts, a lost name makes their counts differ."""
    if b"\\" in data:
        return False
    count = data.translate(None, _SPACES).count(b'":')
    if names:
        return count == names
    try:
        again = _decode(data)
        if data.count(b"{") == 1:
            return count == len(again)
        return count == _encode(again).translate(None, _SPACES).count(b'":')
    except (msgspec.DecodeError, ValueError):
        return False
