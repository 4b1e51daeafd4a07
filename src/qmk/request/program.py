"""Programs as callers have them: a graph, a file, or source text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.models import files
from qmk.models.arguments import show
from qmk.qvm.graph import Graph
from qmk.request import arguments

ProgramLike = Graph | os.PathLike[str] | str | bytes
_MARKS_OF_TEXT = ("\n", "{", ";", "\r")


def to_graph(program: ProgramLike, format: str | None = None, params: Mapping[str, object] | None = None) -> Graph:
    """The program as a graph. A ``str`` is source text when it holds a line break, a brace or a semicolon, else the
    path of a file; ``bytes`` are source text, a ``Path`` is a file.

    Raises INVALID_GRAPH with findings when the source is wrong, INVALID_PARAMS when there is no such file or when
    ``format`` or ``params`` are given with a graph, UNSUPPORTED when no front-end knows the format.
    """
    if isinstance(program, Graph):
        if format is not None or params:
            raise QmkError("INVALID_PARAMS", "format and params apply to source text, not to a graph", field="params")
        return program
    from qmk import frontends

    if format is not None:
        arguments.text("format", format)
    if params is not None:
        params = arguments.mapping("params", params)
    data, path = source(program)
    return frontends.load(data, path=path, format=format, params=params or None).graph  # type: ignore[arg-type]


def source(program: os.PathLike[str] | str | bytes) -> tuple[bytes, str]:
    """The source text, and the path of its file ("" where there is none)."""
    text = source_text(program)
    if text is not None:
        return text, ""
    if not isinstance(program, (str, os.PathLike)):
        fix = "give a Graph, source text, or the path of a file"
        raise arguments.refuse("program", program, "a program or the path of one", fix)
    path = os.fsdecode(program)
    return _read(path), path


def source_text(program: ProgramLike) -> bytes | None:
    """The source text where it is given as such; None for a graph and for a file."""
    if isinstance(program, bytes):
        return program
    if isinstance(program, str) and any(mark in program for mark in _MARKS_OF_TEXT):
        return program.encode(errors="surrogatepass")  # the reader says where it is not UTF-8
    return None


def _read(path: str) -> bytes:
    try:
        check("source_bytes", Path(path).stat().st_size, path)
        with open(path, "rb") as file:
            data = file.read(LIMITS.source_bytes + 1)
        check("source_bytes", len(data), path)  # of what is no plain file, only reading tells the size
        return data
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise QmkError(
            "INVALID_PARAMS",
            f"cannot read {show(path, files.PATH_CHARS)}: {reason}",
            path=path,
            help="source text of one line must hold a semicolon or a brace to be taken for text",
        ) from error
