"""Arguments of callers: how a refusal shows one, and fields of a value that have their types."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import msgspec
from msgspec.structs import force_setattr

from qmk.base.errors import QmkError

SHOWN = 80
"""Most characters of a value in a message."""


def show(value: object, most: int = SHOWN) -> str:
    """A value in a few printable characters, whatever it is: one that cannot be printed is called that."""
    try:
        text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    except Exception:  # whole numbers of thousands of digits, lists of thousands of levels, and a caller's own classes
        text = "a number of very many digits" if isinstance(value, int) else "a value that cannot be printed"
    return text if len(text) <= most else f"{text[:most]}..."


def to_plain(value: Any) -> Any:
    """Converts numbers and arrays of numpy's, also those inside of lists and dicts, to Python's own types."""
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: to_plain(each) for key, each in cast("dict[Any, Any]", value).items()}
    return value.tolist() if hasattr(value, "tolist") else value


@cache
def _types(struct: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.type) for field in msgspec.structs.fields(struct))


def convert_fields(value: msgspec.Struct, wrong: Callable[[str, str], Exception]) -> None:
    """Gives the fields of a new struct the types that it declares, a list that of a tuple and numpy's numbers those of
    Python: nobody does when a struct is made by its name. Raises what ``wrong`` makes of a message and a fix."""
    for name, kind in _types(type(value)):
        given = getattr(value, name)
        try:
            force_setattr(value, name, msgspec.convert(to_plain(given), kind))
        except QmkError:
            raise
        except Exception as error:  # of any class that the caller has written
            said = str(error) if isinstance(error, msgspec.ValidationError) else "it is of another type"
            why = f"{name} is {show(given)} ({type(given).__name__})"
            raise wrong(why, said[:1].lower() + said[1:]) from None
