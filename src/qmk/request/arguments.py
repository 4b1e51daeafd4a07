"""Arguments of Python callers: taken as what they mean, or refused with the name, the rule and a fix."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.models.arguments import show, to_plain


def wrong(name: str, what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"{name} {what}", field=name, help=fix)


def refuse(name: str, value: object, what: str, fix: str) -> QmkError:
    """The refusal of a value that is not ``what``."""
    return wrong(name, f"must be {what}; got {show(value, 60)} ({type(value).__name__})", fix)


def whole(name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """A whole number of any integer type, numpy's among them, within the bounds."""
    try:
        if isinstance(value, bool):
            raise TypeError
        found = operator.index(value)
    except Exception:  # an object's own __index__ may raise anything
        raise refuse(name, value, "a whole number", "give one such as 1000") from None
    if low is not None and found < low:
        least = "one" if low == 1 else low
        raise wrong(name, f"must be at least {least}; got {show(found)}", "give a larger number")
    if high is not None and found > high:
        raise wrong(name, f"must be at most {high}; got {show(found)}", "give a smaller number")
    return found


def number_between(name: str, value: Any, low: float, high: float) -> float | None:
    """A number between bounds which it is not equal to; None for everything else."""
    try:
        found = float(value) if not isinstance(value, (str, bytes, bool)) else low
    except Exception:  # an object's own __float__ may raise anything
        return None
    return found if low < found < high else None


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(name, value, "text", "give a name")
    return value


def switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(name, value, "True or False", "give one of these")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A list or tuple of texts; one text is not taken for the list of its letters."""
    rows = cast("Sequence[Any]", value)
    if not isinstance(value, (list, tuple)) or not all(isinstance(row, str) for row in rows):
        raise refuse(name, rows, "a list of texts", "give such as ['a', 'b']")
    return tuple(rows)


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Names, or parameters of circuits, with their values, numbers and arrays of numpy's as Python's own."""
    given = cast("Mapping[Any, Any]", value)
    if isinstance(value, Mapping):
        from qmk.ir.parameter_values import name_of  # with graphs, which no option of a command needs

        given = {name_of(key): each for key, each in given.items()}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in given):
        raise wrong(
            name, f"must map names to values; got {show(given, 60)} ({type(given).__name__})",
            "give such as {'theta': 0.5}",
        )  # fmt: skip
    try:
        return to_plain(dict(given))
    except Exception:  # lists inside of lists without end, and a caller's own classes
        raise wrong(name, "has a value that cannot be read", "give numbers, texts, and lists of them") from None
