"""Programs in, programs out: recognise a format by content, parse it to a graph, write a graph as text.

``load`` is what a client calls before it submits; ``emit`` is what ``qmk convert`` calls. The front-ends themselves are
found by name (``sdk.discovery``); this module imports one only when its turn has come. A format is
recognised from the program's bytes, never from the file name: public QVM assembly also comes in files named ``.qasm``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.base.limits import LIMITS, check
from qmk.formats.warnings import warnings_of
from qmk.models import files
from qmk.models.arguments import show
from qmk.qvm.graph import Graph
from qmk.sdk import discovery
from qmk.sdk.collection import no_collection
from qmk.sdk.frontend import CERTAIN, Frontend, Inputs, ParamValue, Source

SHARED = frozenset({"openqasm", "si_program"})
"""Modules here that are not a front-end; all others are found (``sdk.discovery``)."""

TARGETS: dict[str, str] = {
    "json": "qvm-json",
    "json-0.1": "qvm-json",
    "asm": "qvm-asm",
    "binary": "qvm-binary",
    "qasm2": "qasm2",
    "qasm3": "qasm3",
    "quil": "quil",
    "qir": "qir",
    "qir-bitcode": "qir",
    "stim": "stim",
    "yao-json": "yao-json",
}
"""The front-end that writes each format of ``qmk convert --to`` and ``Circuit.to``."""

BINARY = frozenset(("binary", "qir-bitcode"))
"""Those of ``TARGETS`` whose data is bytes, not text."""

COMMON = ("qvm-json", "qvm-asm", "qvm-binary", "yao-json", "qasm2", "qasm3", "stim")
"""Formats that are recognised first, since most programs are in one of them; all others follow by name. Blocks of Yao
name their format in their head, which the others would look for in the whole of a long document."""


class Loaded(msgspec.Struct, frozen=True):
    """A parsed program, the format it was read as, and the warnings that reading it gave."""

    graph: Graph
    format: str
    findings: tuple[Finding, ...] = ()


def frontend(name: str) -> Frontend:
    """The front-end for format ``name``; UNSUPPORTED names the formats there are."""
    found = discovery.frontend(name)
    if found is None:
        raise QmkError("UNSUPPORTED", discovery.why_missing("frontends", name), format=name)
    return found


def recognise(data: bytes) -> str | None:
    """The format that ``data`` is most surely in, or None when no front-end claims it."""
    best, name = 0, None
    for format in dict.fromkeys((*COMMON, *sorted(discovery.plugins("frontends")))):
        reader = discovery.frontend(format)
        score = 0 if reader is None else reader.recognise(data)
        if score > best:
            best, name = score, format
        if score == CERTAIN:
            break  # what comes after it cannot be surer, and is not imported
    return name


def load(
    data: bytes, *, path: str = "", format: str | None = None, params: Mapping[str, ParamValue] | None = None
) -> Loaded:
    """Parse ``data`` as ``format``, or as what it is recognised as. ``path`` places error messages and includes.

    Raises ``QmkError``: INVALID_GRAPH with findings when the program is wrong, UNSUPPORTED when no front-end knows it,
    QUOTA_EXCEEDED when it is larger than ``LIMITS.source_bytes``.
    """
    name = _format_of(data, path, format)
    with no_collection():
        graph = frontend(name).parse(Source(data, path, params))
    return Loaded(graph, name, tuple(warnings_of(graph)))


def inputs(data: bytes, *, path: str = "", format: str | None = None) -> Inputs | None:
    """The inputs that a program declares; None where its format lists none. Raises as ``load`` does."""
    found = frontend(_format_of(data, path, format)).inputs
    return None if found is None else found(Source(data, path))


def _format_of(data: bytes, path: str, format: str | None) -> str:
    """The format that is named, or else recognised."""
    check("source_bytes", len(data), path)
    if not data.strip():
        raise invalid_graph(
            [Finding("QMK-F02", "the program is empty", "write a program", file=path, line=1, column=1)]
        )
    name = format or recognise(data)
    if name is None:
        raise QmkError(
            "UNSUPPORTED",
            f"{path or 'the program'}: format not recognised",
            help=f"name it with format; there are {', '.join(sorted(discovery.frontends()))}",
        )
    return name


def emit(graph: Graph, format: str) -> bytes:
    """``graph`` as text (or bytes) in ``format``. INVALID_GRAPH with findings for what the format cannot express."""
    writer = frontend(format).emit
    if writer is None:
        raise QmkError("UNSUPPORTED", f"the front-end '{format}' reads programs but does not write them", format=format)
    return writer(graph)


def write(graph: Graph, target: str) -> bytes:
    """``graph`` in the format that ``target`` names in ``TARGETS``. Text ends with a newline. Raises what ``emit``
    does."""
    if not isinstance(cast("object", target), str) or target not in TARGETS:
        near = difflib.get_close_matches(show(target, 40), TARGETS, 1)
        fix = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(TARGETS)}"
        raise QmkError("UNSUPPORTED", f"no format {show(target)} is written", format=show(target, 40), help=fix)
    if target.startswith("json"):
        from qmk.formats import json_codec

        data = json_codec.encode(graph, version="0.1" if target == "json-0.1" else "1.0", indent=2)
    elif target == "qir-bitcode":
        from qmk.frontends.qir.emit import emit_bitcode

        data = emit_bitcode(graph)
    else:
        data = emit(graph, TARGETS[target])
    return data if target in BINARY or data.endswith(b"\n") else data + b"\n"


def _mend(path: str, error: Exception) -> str:
    """What to do where a file cannot be read: of no file, by whether another has nearly its name, or it looks like the
    name of one."""
    if near := files.nearest(path):
        return f"did you mean {show(near, files.PATH_CHARS)}?"
    if not isinstance(error, FileNotFoundError) or not re.fullmatch(r"[^\s()]+\.[A-Za-z]\w{0,7}", path):
        return "source text of one line must hold a semicolon or a brace to be taken for text"
    return f"there is no file {show(path, files.PATH_CHARS)} here: give its path from this folder, or the whole path"


def read_file(path: str) -> bytes:
    """The program text in a file. Raises INVALID_PARAMS where it cannot be read, QUOTA_EXCEEDED beyond the limit
    ``source_bytes``."""
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
            help=_mend(path, error),
        ) from error
