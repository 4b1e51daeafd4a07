"""``q_estimate``: what a program would cost, without running it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.qvm.outputs import Outputs


class Request(shapes.OfSession, frozen=True):
    graph: shapes.RawGraph = Raw()
    graph_sha256: shapes.GraphHash = ""
    program: Annotated[shapes.Program, Meta(description="source text, instead of graph")] | None = None
    shots: shapes.Shots | None = None
    outputs: Annotated[Outputs | None, Meta(description="what the job would give beyond counts")] = None
    qec: Annotated[shapes.Qec, Meta(description="on logical qubits of this machine; absent: ideal ones")] | None = None
    strict: shapes.Strict = False


class EngineEstimate(Struct, frozen=True, kw_only=True):
    """A prediction for one engine and method, on a warm worker."""

    engine: str
    method: str
    seconds: float
    memory_bytes: int
    fits: Annotated[bool, Meta(description="the machine has the memory")]
    note: str = ""


class Gap(Struct, frozen=True):
    engine: str
    need: str
    detail: str


class Reply(Struct, frozen=True, kw_only=True):
    digest: str
    shots: int
    logical: Annotated[dict[str, Any], Meta(description="the program's summary: qubits, depth, counts, T count, ...")]
    engines: Annotated[list[EngineEstimate], Meta(description="engines that can run it, cheapest first")]
    gaps: Annotated[list[Gap], Meta(description="why the others cannot")]
    chosen: Annotated[str, Meta(description="what q_submit would use; empty when no engine can")]
    footprint: Annotated[shapes.Footprint | None, Meta(description="what it takes on the machine of qec")] = None
    warnings: shapes.Warnings = []


CALL = Call(
    name="q_estimate",
    doc="Verifies a program and answers the memory and time each engine would need, without running it, for its counts "
    "or for the outputs that are asked for. The "
    "session must hold the capabilities that the program's ops need.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT",),
    errors=(
        "SESSION_NOT_FOUND",
        "INVALID_GRAPH",
        "GRAPH_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "UNSUPPORTED",
        "QUOTA_EXCEEDED",
    ),
)
