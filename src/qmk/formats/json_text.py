"""Finds what is wrong in JSON text: the exact place of a syntax error, and duplicate keys."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.formats.json_rules import finding


def decode(data: bytes) -> Any:
    """The value in JSON ``data``. Raises INVALID_GRAPH naming line and column of what is wrong."""
    try:
        return msgspec.json.decode(data)
    except UnicodeDecodeError:
        raise _not_utf8(data) from None
    except RecursionError:
        raise invalid_graph([finding("QVM-J08", "the document nests too deep to be read")]) from None
    except msgspec.ValidationError as error:
        raise invalid_graph([finding("QVM-J09", f"the document holds a number out of range: {error}")]) from None
    except msgspec.DecodeError as error:
        raise _syntax(data, str(error)) from None


def _not_utf8(data: bytes) -> QmkError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data, error.start)
        return invalid_graph([finding("QVM-J02", f"byte {error.start} is not UTF-8", line=line, column=column)])
    return invalid_graph([finding("QVM-J02", "a text is not UTF-8")])


def _syntax(data: bytes, message: str) -> QmkError:
    """The standard library's parser says best what it expected where; only the message of the first is kept else."""
    if not data.strip():
        return invalid_graph([finding("QVM-J01", "the document is empty", line=1, column=1)])
    try:
        text = data.decode("utf-8")
        json.loads(text, parse_constant=_constant)
    except UnicodeDecodeError:
        return _not_utf8(data)
    except json.JSONDecodeError as error:
        row = finding("QVM-J01", f"this is not JSON: {error.msg}", line=error.lineno, column=error.colno)
        return invalid_graph([row])
    except (RecursionError, ValueError) as error:
        return invalid_graph([finding("QVM-J01", f"this is not JSON: {error or message}")])
    match = re.search(r"byte (\d+)", message)
    line, column = _place(data, int(match[1])) if match else (0, 0)
    if re.search(rb"\\u[dD][89a-fA-F]", data):
        return invalid_graph([finding("QVM-J02", "a text holds half a surrogate pair", line=line, column=column)])
    return invalid_graph([finding("QVM-J01", f"this is not JSON: {message}", line=line, column=column)])


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _place(data: bytes, at: int) -> tuple[int, int]:
    """Line and column (both from 1, columns in characters) of byte ``at``."""
    before = data[:at]
    start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start:].decode("utf-8", "replace")) + 1


def duplicates(data: bytes) -> list[Finding]:
    """A finding for every key that one object in JSON ``data`` holds twice, with the node's id where there is one."""
    found: list[Finding] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(items)
        if len(out) != len(items):
            seen: set[str] = set()
            node = out.get("id")
            for key, _value in items:
                if key in seen:
                    at = node if isinstance(node, str) else ""
                    found.append(finding("QVM-J06", f"an object holds the key '{key[:80]}' twice", at))
                seen.add(key)
        return out

    try:
        json.loads(data, object_pairs_hook=pairs)
    except (RecursionError, ValueError):
        return [finding("QVM-J08", "the document nests too deep to be read")]
    return found
