"""Files that users name: read whole, up to a bound, with errors that say which."""

from __future__ import annotations

import os

from qmk.base.errors import QmkError

MAX_BYTES = 1 << 24


def read(path: str | os.PathLike[str]) -> bytes:
    """What is in the file. Raises INVALID_PARAMS where it cannot be read or has more than ``MAX_BYTES``."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise QmkError("INVALID_PARAMS", f"cannot read '{path}': {reason}", path=str(path)) from error
    if len(data) > MAX_BYTES:
        raise QmkError(
            "INVALID_PARAMS", f"'{path}' is larger than {MAX_BYTES} bytes", path=str(path), help="give a smaller file"
        )
    return data
