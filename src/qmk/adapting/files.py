"""Files of this room: JSON into its structs, with errors that name the place."""

from __future__ import annotations

import os
from typing import TypeVar

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files

T = TypeVar("T")


def wrong(what: str, message: str, help: str) -> QmkError:
    """An INVALID_PARAMS of a file of this kind."""
    return QmkError("INVALID_PARAMS", f"{what}: {message}", field=what, help=help)


def decode(data: bytes | str, shape: type[T], what: str) -> T:
    """Raises INVALID_PARAMS naming the place of what does not fit."""
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(what, str(error), "the fields are in docs/howto/adapt.md") from error


def load(path: str | os.PathLike[str], shape: type[T], what: str) -> T:
    """Raises INVALID_PARAMS for a file that cannot be read, too."""
    return decode(files.read(path), shape, what)
