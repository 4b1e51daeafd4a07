"""Programs as they go over the wire: read, given their noise and written in the caller's process.

A text that is sent again and again, with other seeds or shots, is read and written once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from qmk.formats import json_codec
from qmk.request.build import build_remote
from qmk.request.outputs import usual_outputs, widen_outputs
from qmk.request.program import own_with, source_text
from qmk.rpc.kept import Kept

if TYPE_CHECKING:
    from qmk.abi.shapes import Qec
    from qmk.qvm.outputs import Outputs
    from qmk.request.options import RunOptions
    from qmk.request.program import ProgramLike

KEPT_BYTES = 16 << 20
"""Bytes of the texts and graphs that one client keeps."""

SHORT_BYTES = 1 << 10
"""A graph up to this length is always sent itself."""

_encode = msgspec.json.Encoder(order="deterministic").encode

Key = tuple[bytes, str, bytes]
"""Text, format, parameters."""


class Wire(NamedTuple):
    """A graph as JSON, the shots it is asked for, and the machine that the daemon is to write it for. ``sha256`` of the
    JSON of a long graph that is kept, else empty. ``outputs``: what the job gives."""

    graph: msgspec.Raw
    shots: int | None
    qec: Qec | None
    sha256: str = ""
    outputs: Outputs | None = None


class WireGraphs:
    """The graphs of one client."""

    def __init__(self) -> None:
        self._kept: Kept[Key, tuple[msgspec.Raw, str, Outputs | None]] = Kept()

    def write(self, program: ProgramLike, options: RunOptions) -> Wire:
        """The program with these options; raises what ``build_remote`` raises."""
        program, options = own_with(program, options)
        key = _key(program, options)
        found = None if key is None else self._kept.get(key)
        if found is not None:
            return Wire(found[0], options.shots, None, found[1], options.all_outputs or found[2])
        request = build_remote(program, options)
        graph = msgspec.Raw(json_codec.encode(request.graph))
        sha256, usual = "", usual_outputs(request.graph)
        asked = options.all_outputs and widen_outputs(options.all_outputs, request.graph)
        if key is not None:
            sha256 = hashlib.sha256(graph).hexdigest() if len(graph) > SHORT_BYTES else ""
            self._kept.put(key, (graph, sha256, usual), len(key[0]) + len(graph), KEPT_BYTES)
        return Wire(graph, request.shots, request.qec, sha256, asked or usual)


def _key(program: ProgramLike, options: RunOptions) -> Key | None:
    """What the graph follows from: a text, its format and its parameters. None where it follows from more: noise, a
    device, files, which may change."""
    more = options.noise, options.device, options.qec, options.adapt, options.error
    text = source_text(program)
    if text is None or any(each is not None for each in more):
        return None
    try:
        params = _encode(options.params) if options.params else b""
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    return text, options.format or "", params
