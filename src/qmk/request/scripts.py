"""Scripts as requests: what a caller says of one is checked here, and becomes a program."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.qvm.families import script as family
from qmk.qvm.graph import Graph, Node
from qmk.request import arguments


def script_program(
    text: str,
    *,
    input: Any = None,
    shots: int | None = None,
    fuel: int | None = None,
    memory_bytes: int | None = None,
    runs: int | None = None,
    file: str = "script",
) -> Graph:
    """The program that is this script, see ``qmk.run_script``. Raises INVALID_PARAMS and QUOTA_EXCEEDED."""
    text = arguments.text("text", text)
    check_text(text, file)
    bounds = family.Bounds(
        fuel=bound("script_fuel", fuel),
        memory_bytes=bound("script_memory_bytes", memory_bytes),
        runs=bound("script_runs", runs),
        shots=None if shots is None else bound("shots", shots),
    )
    given = packed_input(input, file).decode()
    script = family.Script(_pieces(text), _pieces(given), file[: LIMITS.name_chars], bounds)
    args = msgspec.json.decode(msgspec.json.encode(script))
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
