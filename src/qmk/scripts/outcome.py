"""Reads what a script says of its own end. It is the script's word, and every part of it is checked."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.scripts.messages import Ended, Script, Usage


def over_limit(file: str, limit: str, asked: int, allowed: int, fix: str) -> QmkError:
    """QUOTA_EXCEEDED for a script that was ended at a limit."""
    message = f"{file}: the script was ended at the limit '{limit}' of {allowed}"
    return QmkError("QUOTA_EXCEEDED", message, quota=limit, asked=asked, limit=allowed, help=fix, retryable=False)


def error_of(error: QmkError) -> Ended:
    """The end of a script that gave an error."""
    return Ended(Usage(), kind=error.kind.name, message=error.message, fields=msgspec.to_builtins(error.fields))


def outcome(said: str, script: Script) -> Ended:
    """The outcome as the guest tells it; it is the script's word, and every part of it is checked."""
    bounds, file = script.bounds, script.file
    size = len(said.encode())
    if size > bounds.result_bytes:
        fix = "return less"
        return error_of(over_limit(file, "script_result_bytes", size, bounds.result_bytes, fix))
    try:
        found = msgspec.json.decode(said, type=dict[str, Any])
    except msgspec.DecodeError:
        return error_of(QmkError("JOB_FAILED", f"{file}: the script broke its interpreter"))
    if "error" not in found:
        return Ended(Usage(), result=found.get("result"))
    line = found.get("line") if isinstance(found.get("line"), int) else 0
    name, text = str(found["error"])[:100], str(found.get("message", ""))[:2000]
    place = f"{file}:{line}" if line else file
    if name == "MemoryError":
        fix = "keep less at once"
        return error_of(over_limit(place, "script_memory_bytes", bounds.memory_bytes, bounds.memory_bytes, fix))
    if name == "ResultError":
        text, fix = f"the result is not JSON: {text}", "return numbers, text, lists and dicts with text as keys"
        return error_of(QmkError("JOB_FAILED", f"{place}: {text}", file=file, line=line, error=name, help=fix))
    if name == "QmkError":
        name = str(found.get("kind", name))[:100]
    message = f"{place}: {name}: {text}" if text else f"{place}: {name}"
    fields: dict[str, Any] = {"file": file, "line": line, "error": name}
    inner = found.get("fields")
    fix = cast("dict[str, Any]", inner).get("help") if isinstance(inner, dict) else None
    if isinstance(fix, str):
        fields["help"] = fix[:500]
    return error_of(QmkError("JOB_FAILED", message, **fields))
