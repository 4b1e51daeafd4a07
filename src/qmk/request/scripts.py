"""Scripts as requests: what a caller says of one is checked here, and becomes a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.isolation import AUTO, Level, parse
from qmk.base.limits import LIMITS, check
from qmk.qvm.families import script as family
from qmk.qvm.graph import Graph, Node
from qmk.request import arguments
from qmk.request.options import RunOptions, read_options
from qmk.request.wheels import Wheels, pack

TIMEOUT_MS = 60_000
"""How long a script may take where its caller says nothing and no fuel bounds it."""


class ScriptOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a script takes beside the options of a run (``options.CALLS``): its input, what it may take at most of the
    limits ``script_...``, its name in errors, and the wheels that native Python imports from."""

    input: Any = None
    fuel: int | None = None
    memory_bytes: int | None = None
    runs: int | None = None
    file: str = "script"
    wheels: Wheels = None

    def bounds(self, shots: int | None = None) -> family.Bounds:
        """What the script may take; ``shots`` of a run for which it says nothing. Raises INVALID_PARAMS and
        QUOTA_EXCEEDED."""
        return family.Bounds(
            fuel=bound("script_fuel", self.fuel),
            memory_bytes=bound("script_memory_bytes", self.memory_bytes),
            runs=bound("script_runs", self.runs),
            shots=None if shots is None else bound("shots", shots),
        )


USUAL = ScriptOptions()


def read_script(call: str, given: Mapping[str, Any]) -> tuple[ScriptOptions, RunOptions]:
    """The keywords of a call that takes a script. Raises INVALID_PARAMS for one that it does not take."""
    names = ScriptOptions.__struct_fields__
    own = ScriptOptions(**{name: value for name, value in given.items() if name in names})
    arguments.text("file", own.file)
    return own, read_options(call, {name: value for name, value in given.items() if name not in names})


def level_of(isolation: str, own: ScriptOptions) -> Level:
    """The level of a script's sandbox: "wasm" where nothing is asked for, else native Python at that level, to which
    fuel has no meaning. Raises INVALID_PARAMS."""
    level = parse(isolation) or "wasm"
    if level == "process":
        fix = "use 'wasm', or for native Python 'jail' or 'gvisor'"
        raise QmkError("UNSUPPORTED", f"scripts do not run at isolation level '{level}'", isolation=level, help=fix)
    if level == "wasm" and own.wheels is not None:
        raise arguments.refuse("wheels", own.wheels, "None for level 'wasm'", "add isolation='jail'")
    if level != "wasm" and own.fuel is not None:
        fix = "leave it out; timeout_ms bounds the time"
        raise arguments.refuse("fuel", own.fuel, f"None for level '{level}'", fix)
    return level


def job_options(level: Level, options: RunOptions) -> RunOptions:
    """The options of the job that is a script at ``level``. Of native Python no result is kept for the next who asks,
    as its clock and its random numbers are real."""
    job = options.replace(shots=1, keep_events=False)
    if level == "wasm":
        return job.replace(engine="script:wasm", isolation=AUTO)
    timeout_ms = TIMEOUT_MS if options.timeout_ms is None else options.timeout_ms
    return job.replace(engine="python:native", isolation=level, timeout_ms=timeout_ms, cache=False)


def script_program(text: str, own: ScriptOptions = USUAL, shots: int | None = None) -> Graph:
    """The program that is this script, see ``qmk.run_script``. Raises INVALID_PARAMS and QUOTA_EXCEEDED."""
    text = arguments.text("text", text)
    check_text(text, own.file)
    given = packed_input(own.input, own.file).decode()
    name, wheels = own.file[: LIMITS.name_chars], pack(own.wheels)
    script = family.Script(_pieces(text), _pieces(given), name, own.bounds(shots), _pieces(wheels))
    args = msgspec.json.decode(msgspec.json.encode(script))
    if not wheels:
        del args["wheels"]
    return Graph(nodes=(Node("script", family.PYTHON.name, args),), families=("script",))


def check_text(text: str, file: str) -> None:
    """Raises QUOTA_EXCEEDED for a script that is too long, INVALID_PARAMS for one that is not Unicode."""
    try:
        check("script_bytes", len(text.encode()), file)
    except UnicodeEncodeError as error:
        message = f"{file} is not Unicode at character {error.start}"
        raise QmkError("INVALID_PARAMS", message, field="text", help="save it as UTF-8") from None


def bound(name: str, asked: int | None) -> int:
    """What the caller allows of a limit, else all of it."""
    if asked is None:
        return getattr(LIMITS, name)
    field = name.removeprefix("script_")
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise arguments.refuse(field, asked, "a whole number from 1", f"leave it out for the limit '{name}'")
    check(name, asked)
    return asked


def packed_input(value: Any, file: str) -> bytes:
    """``value`` as JSON, as a script gets it."""
    try:
        packed = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        fix = "give numbers, text, lists and dicts with text as keys"
        raise QmkError("INVALID_PARAMS", f"input is not JSON: {error}", field="input", help=fix) from None
    check("script_input_bytes", len(packed), file)
    return packed


def _pieces(text: str) -> tuple[str, ...]:
    size = LIMITS.text_chars
    return tuple(text[at : at + size] for at in range(0, len(text), size))
