"""Reading a program for a command: from a file or standard input, through the front-end its content asks for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from qmk.base.errors import Finding, invalid_graph
from qmk.base.limits import LIMITS, check
from qmk.cli.failure import Console, call_error
from qmk.formats.warnings import as_errors

if TYPE_CHECKING:
    from qmk.frontends import Loaded

STDIN_NAME = "<program>"
UNRECOGNISED = "QMK-F01"
"""Rule of the finding for a program whose format no front-end recognises."""


def read(path: str, console: Console) -> bytes:
    """The bytes of ``path`` ("-" is standard input), kept in ``console`` for error excerpts."""
    if path == "-":
        data = sys.stdin.buffer.read(LIMITS.source_bytes + 1)
        check("source_bytes", len(data), "standard input")
        console.sources[STDIN_NAME] = data
        return data
    try:
        if os.path.isdir(path):
            raise call_error(f"'{path}' is a folder; name a program file")
        check("source_bytes", os.path.getsize(path), path)
        with open(path, "rb") as file:
            data = file.read(LIMITS.source_bytes + 1)
        check("source_bytes", len(data), path)  # of what is no plain file, only reading tells the size
    except OSError as error:
        from qmk.models import files

        near = files.nearest(path)
        fix = f"did you mean '{near}'?" if near else "give the path of a program, or - for standard input"
        why = (error.strerror or str(error)).lower()
        raise call_error(f"cannot read '{path}': {why}", path=path, help=fix) from error
    console.sources[path] = data
    return data


def load(path: str, format_name: str | None, params: dict[str, Any], console: Console) -> Loaded:
    """The program at ``path`` as a graph; what its reader warns of is reported, or refused where the console is strict.
    Raises INVALID_GRAPH with every finding the front-end has."""
    return load_text(read(path, console), path, format_name, params, console)


def load_text(data: bytes, path: str, format_name: str | None, params: dict[str, Any], console: Console) -> Loaded:
    """The program that was read from ``path``, as ``load`` gives it."""
    loaded = load_bytes(data, path, format_name, params)
    if console.strict and loaded.findings:
        raise invalid_graph(as_errors(loaded.findings))
    console.warn(loaded.findings)
    return loaded


def load_bytes(data: bytes, path: str, format_name: str | None, params: dict[str, Any]) -> Loaded:
    """The program that was read from ``path``."""
    from qmk import frontends

    name = "" if path == "-" else path
    return frontends.load(data, path=name, format=_format(data, name, format_name), params=params or None)


def _format(data: bytes, path: str, format_name: str | None) -> str:
    """The format asked for, or the one recognised; an unknown name is a bad call, unknown content a bad program."""
    from qmk import frontends
    from qmk.sdk import discovery

    if format_name is not None:
        if discovery.frontend(format_name) is None:
            raise call_error(discovery.why_missing("frontends", format_name), format=format_name)
        return format_name
    recognised = frontends.recognise(data)
    if recognised is None:
        message = "the file is empty" if not data.strip() else "format not recognised"
        known = ", ".join(sorted(discovery.plugins("frontends")))
        fix = f"name it with --format; there are {known}"
        raise invalid_graph([Finding(UNRECOGNISED, message, help=fix, file=path or STDIN_NAME)])
    return recognised
