"""Turns an exception of an engine into a ``Failed`` message."""

from __future__ import annotations

import msgspec

from qmk.base.errors import QmkError
from qmk.worker.messages import Failed

_MEMORY = {"resource": "memory_bytes"}


def failure(fence: int, error: BaseException) -> Failed:
    """``error`` as data. What is not a ``QmkError`` is the engine's own failure, named by type and text."""
    if isinstance(error, QmkError):
        return Failed(fence, error.kind.name, error.message, msgspec.to_builtins(error.fields))
    if isinstance(error, MemoryError):
        return Failed(fence, "RESOURCE_EXHAUSTED", "the engine ran out of memory on this program", _MEMORY)
    text = str(error).strip().splitlines()
    detail = f": {text[0][:500]}" if text else ""
    return Failed(fence, "JOB_FAILED", f"the engine failed: {type(error).__name__}{detail}")
