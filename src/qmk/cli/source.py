"""Reading a program for a command: from a file or standard input, through the front-end its content asks for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from qmk.base.limits import LIMITS, check
from qmk.cli.failure import Console, call_error

if TYPE_CHECKING:
    from qmk.frontends import Loaded

STDIN_NAME = "<stdin>"


def read(path: str, console: Console) -> bytes:
    """The bytes of ``path`` ("-" is standard input), kept in ``console`` for error excerpts."""
    if path == "-":
        data = sys.stdin.buffer.read(LIMITS.source_bytes + 1)
        check("source_bytes", len(data), "standard input")
        console.sources[STDIN_NAME] = console.sources["<program>"] = data
        return data
    try:
        if os.path.isdir(path):
            raise call_error(f"'{path}' is a folder; name a program file")
        check("source_bytes", os.path.getsize(path), path)
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise call_error(f"cannot read '{path}': {(error.strerror or str(error)).lower()}", path=path) from error
    console.sources[path] = data
    return data


def load(path: str, format_name: str | None, params: dict[str, Any], console: Console) -> Loaded:
    """The program at ``path`` as a graph. Raises INVALID_GRAPH with every finding the front-end has."""
    from qmk import frontends

    data = read(path, console)
    return frontends.load(data, path="" if path == "-" else path, format=format_name, params=params or None)
