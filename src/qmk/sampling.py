"""``qmk.sample``: the counts of a program, drawn in this process at the least cost.

Nothing stands between the program and the simulator: no session, no journal, no job, no other tenant. The native core
reads OpenQASM, rewrites it and runs it on whichever of its simulators is predicted to be fastest; other programs, and
what the core's reader leaves to the semantic front end, are verified graphs first, as everywhere. Where the prediction
is long, the router looks at every installed engine too.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.client.program import ProgramLike, source, to_graph

if TYPE_CHECKING:
    import qmk_native

    from qmk.qvm.graph import Graph

LONG_S = 0.05
"""a prediction beyond this is worth the router's look at engines that are not ours"""

DEFAULT_SHOTS = 1000


class Sampled:
    """Shots of a program. ``counts`` maps a printed bitstring to its number of shots, registers left to right with a
    space between, as in ``qmk.Result``. ``engine`` and ``method`` say what drew them; with them, ``seed`` and the same
    release of QMK, the same program and shots give the same bits."""

    def __init__(
        self, counts: dict[str, int], shots: int, seed: int, engine: str, method: str, candidates: list[dict[str, Any]]
    ) -> None:
        self.counts = counts
        self.shots = shots
        self.seed = seed
        self.engine = engine
        self.method = method
        self.candidates = candidates
        """the ways that were looked at, the fastest first: method, predicted seconds, width, whether rewritten, note"""

    def __repr__(self) -> str:
        most = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:4]
        shown = ", ".join(f"{bits or repr(bits)}: {count}" for bits, count in most)
        return f"<Sampled {self.shots} shots on {self.engine}:{self.method}: {shown}, {len(self.counts)} outcomes>"


def sample(
    program: ProgramLike,
    *,
    shots: int = DEFAULT_SHOTS,
    seed: int | None = None,
    engine: str | None = None,
    params: Mapping[str, Any] | None = None,
    format: str | None = None,
    rewrites: bool = True,
) -> Sampled:
    """Draw ``shots`` shots of ``program`` (see ``qmk.run`` for what it may be) and count them.

    ``engine`` forces one: "native:frame", "native:dense", "native:dense64" (double precision), "native:mps",
    "native:cut", or any other by its name. ``rewrites`` False runs the program as it was written. ``seed`` None draws
    one.

    Raises ``QmkError``: INVALID_GRAPH with findings, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED with
    the memory needed, QUOTA_EXCEEDED beyond the limit ``shots``.
    """
    check("shots", shots)
    if shots < 1:
        raise QmkError("INVALID_PARAMS", f"{shots} shots; ask for at least one", field="shots")
    seed = int.from_bytes(os.urandom(8), "big") >> 1 if seed is None else seed
    if not 0 <= seed < 1 << 63:
        raise QmkError("INVALID_PARAMS", f"seed {seed}; it is at least 0 and below 2^63", field="seed")
    name, _, method = (engine or "native").partition(":")
    native = name == "native" and importlib.util.find_spec("qmk_native") is not None
    graph = None
    circuit = _read(program, format) if native and not params else None
    if circuit is None:
        graph = _verified(to_graph(program, format, params))
        circuit = _circuit(graph) if native else None
    plan = None if circuit is None else _plan(circuit, shots, "" if method == "auto" else method, rewrites)
    if plan is None or (engine is None and plan.seconds > LONG_S):
        graph = graph or _verified(to_graph(program, format, params))
        elsewhere = _elsewhere(graph, shots, seed, engine, plan)
        if elsewhere is not None:
            return elsewhere
    assert plan is not None, "the router found no engine, and did not say so"
    try:
        samples, used = plan.run(shots, seed)
    except MemoryError as full:
        raise QmkError("RESOURCE_EXHAUSTED", f"native:{plan.method}: {full}", engine="native") from full
    return Sampled(samples.counts(), shots, seed, "native", used, plan.candidates)


_MEMORY = [0.0, 0]
"""when this machine's memory was last looked up, and what it was"""


def _memory_bytes() -> int:
    """What one state may take, as it was within the last second: looking costs as much as a small program."""
    from qmk.host import machine

    now = time.monotonic()
    if now - _MEMORY[0] > 1.0:
        _MEMORY[:] = now, machine.memory_bytes()
    return int(_MEMORY[1])


def _read(program: ProgramLike, format: str | None) -> qmk_native.Circuit | None:
    """By the native core's reader; None for what it leaves to the front ends, among it all that is wrong."""
    from qmk.qvm.graph import Graph

    if isinstance(program, Graph) or format not in (None, "qasm2", "qasm3"):
        return None
    import qmk_native

    text = source(program)[0]
    if len(text) > LIMITS.source_bytes:
        return None
    try:
        return qmk_native.read_qasm(text)
    except qmk_native.Declined:
        return None


def _verified(graph: Graph) -> Graph:
    from qmk.qvm.verify import verify

    error = verify(graph).error()
    if error is not None:
        raise error
    return graph


def _circuit(graph: Graph) -> qmk_native.Circuit | None:
    """None for a program that no circuit of the native core can say."""
    from qmk.sdk.lower import lower
    from qmk.sdk.native_circuit import GATES, circuit_of

    try:
        return circuit_of(lower(graph, GATES | {"gphase"}))
    except QmkError as refused:
        if refused.kind.name != "UNSUPPORTED":
            raise
        return None


def _plan(circuit: qmk_native.Circuit, shots: int, method: str, rewrites: bool) -> qmk_native.Plan | None:
    """None when none of our simulators has the memory."""
    import qmk_native

    try:
        return qmk_native.Plan(circuit, shots, method or None, memory=_memory_bytes(), rewrites=rewrites)
    except MemoryError:
        return None
    except ValueError as unknown:
        raise QmkError("UNSUPPORTED", str(unknown), engine="native", method=method) from unknown


def _elsewhere(graph: Graph, shots: int, seed: int, engine: str | None, plan: qmk_native.Plan | None) -> Sampled | None:
    """On the engine that the router takes; None when that is the native plan there already is."""
    from qmk import router
    from qmk.router.features import features
    from qmk.sdk.execute import Runner

    name, _, method = (engine or "").partition(":")
    known = features(graph, native=method if name == "native" and method else "auto")
    decision = router.choose(known, shots, engine=engine, memory_bytes=_memory_bytes())
    if decision.engine == "native" and plan is not None:
        return None
    done = Runner(decision.engine).execute(graph, decision.method, shots, seed, keep_events=False)
    candidates = [{"method": row.name, "seconds": row.seconds, "note": row.reason} for row in decision.candidates]
    return Sampled(done.counts, shots, seed, decision.engine, decision.method, candidates)
