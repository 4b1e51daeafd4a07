"""Family ``script``: a Python script as a program. It runs programs of its own, each a job beside it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from qmk.base.limits import LIMITS
from qmk.qvm.op import Args, Family, Op, Param

Pieces = Annotated[tuple[Annotated[str, Meta(max_length=LIMITS.text_chars)], ...], Meta(max_length=1 << 16)]
"""A long text, in pieces that follow each other."""


def _most(limit: str) -> Any:
    return Meta(ge=1, le=getattr(LIMITS, limit))


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a script may take, at most the limits ``script_...``; ``shots`` of a run for which it says nothing."""

    fuel: Annotated[int, _most("script_fuel")] = LIMITS.script_fuel
    memory_bytes: Annotated[int, _most("script_memory_bytes")] = LIMITS.script_memory_bytes
    runs: Annotated[int, _most("script_runs")] = LIMITS.script_runs
    shots: Annotated[int, _most("shots")] | None = None


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of ``script.python``. ``input`` and ``wheels`` are JSON, ``file`` is the place that errors give."""

    text: Pieces
    input: Pieces = ("null",)
    file: Annotated[str, Meta(max_length=LIMITS.name_chars)] = "script"
    bounds: Bounds = Bounds()
    wheels: Pieces = ()


def fault(args: Args) -> str:
    """Why arguments are not a script; "" if they are."""
    try:
        found = msgspec.convert(args, Script)
    except msgspec.ValidationError as error:
        return str(error).replace("`", "'")
    for what, limit in (("text", "script_bytes"), ("input", "script_input_bytes"), ("wheels", "script_wheels_bytes")):
        size = sum(len(piece.encode(errors="surrogatepass")) for piece in getattr(found, what))
        if size > getattr(LIMITS, limit):
            return f"its {what} has {size} bytes, more than the limit '{limit}' of {getattr(LIMITS, limit)}"
    return ""


PYTHON = Op(
    "script.python",
    "a Python script that runs programs of its own; it stands alone in its program",
    "evolution",
    params=(
        Param("text", "data", "the script, as a list of texts that follow each other"),
        Param("input", "data", "JSON that it gets, as such a list", required=False),
        Param("file", "text", "its name in errors", required=False, default="script"),
        Param("bounds", "data", "fuel, memory_bytes and runs that it may take, shots of a run", required=False),
        Param("wheels", "data", "JSON of the name, sha256 and base64 of wheels of a native script", required=False),
    ),
)
FAMILY = Family("script", 1, "scripts that run programs", (PYTHON,))
