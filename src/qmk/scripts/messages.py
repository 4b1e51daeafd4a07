"""What passes between a process that runs a script and whoever started it, framed as in ``worker.wire``.

To the process: one ``Script``, then an ``Answer`` for every ``Asked``. From it: ``worker.messages.Ready``, any number
of ``Asked`` and ``Logged``, and one ``Ended``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.qvm.families import script as family
from qmk.worker.messages import Ready


class Bounds(msgspec.Struct, frozen=True):
    """What one script may take; each is a row of ``base.limits`` called ``script_...``."""

    fuel: int
    memory_bytes: int
    result_bytes: int
    log_bytes: int
    runs: int


def bounds_of(asked: family.Bounds) -> Bounds:
    """What a script may take that was asked for with ``asked``."""
    return Bounds(asked.fuel, asked.memory_bytes, LIMITS.script_result_bytes, LIMITS.script_log_bytes, asked.runs)


class Script(msgspec.Struct, frozen=True, tag="script"):
    """``input`` is JSON; ``file`` is the name that errors give as the place."""

    text: str
    input: Any
    seed: int
    file: str
    bounds: Bounds


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run that a script asks for. ``program`` is text and never a path. With ``observables`` their values are
    wanted, else counts."""

    program: str
    shots: int | None = None
    seed: int | None = None
    observables: list[str] | None = None


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """The script waits for its run number ``index``, from 0."""

    index: int
    wish: Wish


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """JSON of the counts or values; with ``failed`` of ``kind``, ``message`` and ``fields`` of an error."""

    json: str
    failed: bool = False


Ask = Callable[[int, Wish], Answer]
"""Carries out the run of a number."""
Log = Callable[[str], None]


def refusal(error: QmkError) -> Answer:
    """The error as a script hears it."""
    fields = msgspec.to_builtins(error.fields)
    said = {"kind": error.kind.name, "message": error.message, "fields": fields}
    return Answer(msgspec.json.encode(said).decode(), failed=True)


class Logged(msgspec.Struct, frozen=True, tag="logged"):
    line: str


class Usage(msgspec.Struct, frozen=True):
    """``fuel``: WebAssembly instructions, the same on every machine. ``cpu_s``: of the sandbox alone, without inner
    runs."""

    fuel: int = 0
    cpu_s: float = 0.0
    runs: int = 0


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """``kind`` is empty for a script that gave a ``result``, else the name of an error in ``base.errors``."""

    usage: Usage
    result: Any = None
    kind: str = ""
    message: str = ""
    fields: dict[str, Any] = {}


ToScript = Script | Answer
FromScript = Ready | Asked | Logged | Ended
