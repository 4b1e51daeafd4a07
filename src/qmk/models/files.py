"""Files that users name: read whole, up to a bound, with errors that say which."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.models.arguments import show

MAX_BYTES = 1 << 24
PATH_CHARS = 1000
"""Most characters of a path in a message."""


def read(path: str | os.PathLike[str]) -> bytes:
    """What is in the file. Raises INVALID_PARAMS where it cannot be read or has more than ``MAX_BYTES``."""
    if not isinstance(cast("object", path), (str, os.PathLike)):  # a number would be a file that is open already
        raise QmkError("INVALID_PARAMS", f"{show(path)} is not the path of a file", help="give it as text or as a Path")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise QmkError(
            "INVALID_PARAMS", f"cannot read {show(str(path), PATH_CHARS)}: {reason}", path=str(path)
        ) from error
    if len(data) > MAX_BYTES:
        raise QmkError(
            "INVALID_PARAMS", f"'{path}' is larger than {MAX_BYTES} bytes", path=str(path), help="give a smaller file"
        )
    return data


def nearest(path: str) -> str:
    """The path of the file in the same folder whose name is most like that of ``path``; "" if there is none, or if
    ``path`` itself is there."""
    import difflib  # only when something is wrong

    folder, name = os.path.split(path)
    try:
        if os.path.lexists(path):
            return ""
        stems = {each: os.path.splitext(each)[0] for each in sorted(os.listdir(folder or "."))}
    except (OSError, ValueError):  # ValueError: no name of a folder
        return ""
    close = difflib.get_close_matches(os.path.splitext(name)[0], set(stems.values()), 5)
    found = difflib.get_close_matches(name, [each for each, stem in stems.items() if stem in close], 1)
    return os.path.join(folder, found[0]) if found else ""


def read_included(path: str | os.PathLike[str], most: int) -> bytes:
    """What is in a file that a program names: at most one byte more than ``most``. Raises OSError, also for a pipe or a
    device, from which a reader may wait for ever or read without end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is a pipe, a device or a folder; include a regular file")
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        return file.read(most + 1)


def parse_json(data: bytes, path: str) -> Any:
    """The JSON value in what was read from ``path``. Raises INVALID_PARAMS, also for a key that an object has twice and
    for text that is not valid Unicode: one of the two keys, or a name that nothing can show, would be taken
    silently."""

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
            raise ValueError(f"an object has the key {twice[:80]!r} twice")
        return found

    def whole(digits: str) -> int:
        if len(digits) > 1000:
            raise ValueError(f"a number of {len(digits)} digits")
        return int(digits)

    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=refuse_duplicates, parse_int=whole)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise QmkError("INVALID_PARAMS", f"'{path}' is not JSON: text in it is not valid Unicode", path=path) from error
    except (ValueError, RecursionError) as error:
        why = str(error)
        raise QmkError("INVALID_PARAMS", f"'{path}' is not JSON: {why[:1].lower()}{why[1:]}", path=path) from error
    return value
