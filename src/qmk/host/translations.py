"""What passes between the host and a translator: a worker that reads programs instead of running them.

``Translate`` in, ``Translated`` or ``Failed`` out. A long frame: ``ReadFrame`` in, ``FrameRead`` out, then for each
program of it that the host does not know ``ReadProgram`` in and ``Translated`` or ``Failed`` out. A graph that is to be
written for a machine of logical qubits: ``Write`` in, ``Written`` or ``Failed`` out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi.shapes import Footprint, Qec
from qmk.base.decoding import Decoding
from qmk.base.errors import Finding
from qmk.ir.summary import Summary
from qmk.kernel.demand import Size
from qmk.qvm.graph import Graph
from qmk.qvm.verify.rule import Report
from qmk.rpc.key import Key
from qmk.sdk.engine import Features
from qmk.worker.messages import Failed, Ready, Rewrite, Stop


class Wanted(msgspec.Struct, frozen=True):
    """What to find out of a program beside its graph. ``held``: capabilities of the session that submits it, for
    ``tenant``; None: it is not verified or, with ``all_rights``, whatever rights it needs. ``native``: the method of
    the native engine to predict for, "" for none. ``summary``: also what an estimate tells of it."""

    held: frozenset[str] | None = None
    tenant: str = ""
    strict: bool = False
    native: str = ""
    summary: bool = False
    all_rights: bool = False


class Translate(msgspec.Struct, frozen=True, tag="translate"):
    """To a translator: source text. ``format`` "" recognises it by content."""

    fence: int
    data: bytes
    format: str = ""
    params: dict[str, Any] = {}
    wanted: Wanted = Wanted()


class ReadFrame(msgspec.Struct, frozen=True, tag="frame"):
    """To a translator: a frame of the qSyscall ABI that is too long to be read by the host."""

    fence: int
    data: bytes
    operator: bool = False


class ReadCall(msgspec.Struct, frozen=True):
    """One call of a frame. ``params`` are as they came, without the program, which stays behind; ``key`` is that of the
    program (``rpc.key``). With ``error`` the call is refused."""

    id: bytes | None
    method: str = ""
    params: bytes = b""
    key: Key = Key("", 0)
    error: Failed | None = None


class FrameRead(msgspec.Struct, frozen=True, tag="calls"):
    """From a translator: what the frame asks for. ``batch`` as in ``rpc.frame.Frame``."""

    fence: int
    calls: list[ReadCall]
    batch: bool


class ReadProgram(msgspec.Struct, frozen=True, tag="program"):
    """To a translator, after ``FrameRead``: read the program of call ``index`` of that frame."""

    fence: int
    index: int
    wanted: Wanted = Wanted()


class Facts(msgspec.Struct, frozen=True):
    """What was computed of a graph by the functions that the kernel and the router use; see ``host.checking``."""

    digest: str
    size: Size
    verified: Report | None = None
    epochs: tuple[int, list[int]] | None = None
    names_owners: bool | None = None
    rights: frozenset[str] | None = None
    features: Features | None = None
    summary: Summary | None = None


class Translated(msgspec.Struct, frozen=True, tag="translated"):
    """From a translator: the graph, packed (``qvm.graph.pack``), its ``head_of``, and what was found out of it. What
    cannot be read comes back as ``Failed``."""

    fence: int
    graph: bytes
    head: Graph
    facts: Facts
    warnings: list[Finding] = []


class Write(msgspec.Struct, frozen=True, tag="write"):
    """To a translator: a packed graph, the machine whose gates and errors it is to be written in, and what is wanted of
    the graph that comes out. ``now_s``: Unix time, at which a calibration is looked at. ``decoding``: the host's
    decoder, if it was told of one."""

    fence: int
    graph: bytes
    qec: Qec
    now_s: float = 0.0
    rewrite: Rewrite | None = None
    decoding: Decoding | None = None
    wanted: Wanted = Wanted()


class Written(msgspec.Struct, frozen=True, tag="written"):
    """From a translator: the graph as it was written, and what it takes of the machine; of one written anew also why it
    is so."""

    fence: int
    program: Translated
    footprint: Footprint
    reason: str = ""


Request = Translate | ReadFrame | ReadProgram | Write
ToTranslator = Request | Stop
FromTranslator = Ready | Translated | FrameRead | Written | Failed


def describe_request(request: Request) -> str:
    """What goes on, for a message."""
    return "writing this program for its machine" if isinstance(request, Write) else "reading this program"
