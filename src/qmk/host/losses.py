"""Why a worker process is gone: it crashed under what it ran, somebody outside killed it, or memory ran out.

Only the first is the program's fault, so each is counted by itself (``qmk.kernel.engines.judge_loss``). A signal says
who sent it to nobody: SIGKILL is put down to the kernel's out-of-memory killer if that was at work, else to somebody
outside, unless we sent it ourselves.
"""

from __future__ import annotations

import signal
from typing import Any, NamedTuple

import msgspec

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.host.spawn import end_text
from qmk.kernel.events import Cause
from qmk.worker.messages import Failed

OUTSIDE = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT))
"""Signals that a program does not get from its own mistakes."""
ALLOCATION = ("std::bad_alloc", "memory allocation of ", "Cannot allocate memory", "MemoryError")
"""Last words of a process that aborts because an allocation failed: of C++, Rust, the C library and Python."""


RESOURCE = "memory_bytes"


class Memory(NamedTuple):
    """Bytes predicted for a program, and those that jobs may have together; 0: not known, no bound."""

    asked: int = 0
    limit: int = 0

    def text(self) -> str:
        parts: list[str] = []
        if self.asked:
            parts.append(f"{bytes_text(self.asked)} were predicted for this program")
        if self.limit:
            parts.append(f"jobs may have {bytes_text(self.limit)} of this machine")
        return f" ({', and '.join(parts)})" if parts else ""

    def explain(self, failed: Failed) -> Failed:
        """The engine's own failure, with what was predicted and what there is if memory ran out."""
        if failed.fields.get("resource") != RESOURCE or "asked" in failed.fields:
            return failed
        error = self.error(failed.message, **failed.fields)
        return msgspec.structs.replace(failed, message=error.message, fields=error.fields)

    def error(self, what: str, **fields: Any) -> QmkError:
        """RESOURCE_EXHAUSTED, with what was predicted and what there is."""
        amounts = {"resource": RESOURCE, "asked": self.asked, "limit": self.limit}
        return QmkError("RESOURCE_EXHAUSTED", what + self.text(), **{**fields, **amounts})


UNKNOWN = Memory()


class Lost(NamedTuple):
    """A worker that is gone: why, and how that is told."""

    cause: Cause
    error: QmkError


def judge_end(
    engine: str, status: int, words: str, fault: str, killer_at_work: bool, memory: Memory, at_limit: bool = False
) -> Lost:
    """Tells why the worker ended. ``fault``: what it did wrong, for which we ended it; ``killer_at_work``: the machine
    ended processes for want of memory meanwhile; ``at_limit``: it took more than its control group may have."""
    fields: dict[str, Any] = {"engine": engine, "last_words": words[-2000:]}
    worker = f"the worker of engine '{engine}'"
    if fault:
        return Lost("crashed", QmkError("JOB_FAILED", f"{worker} {fault}", **fields))
    if status == -signal.SIGKILL and at_limit:
        return Lost("memory", memory.error(f"{worker} was killed (SIGKILL), as it took more than its limit", **fields))
    if status == -signal.SIGKILL and killer_at_work:
        what = f"{worker} was killed (SIGKILL), as the machine ran out of memory"
        return Lost("memory", memory.error(what, **fields))
    if status == -signal.SIGABRT and any(text in words for text in ALLOCATION):
        return Lost("memory", memory.error(f"{worker} aborted, as it got no more memory", **fields))
    cause: Cause = "killed" if -status in OUTSIDE else "crashed"
    return Lost(cause, QmkError("JOB_FAILED", f"{worker} {end_text(status)}", **fields))
