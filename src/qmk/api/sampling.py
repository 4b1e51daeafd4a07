"""``qmk.sample``: the counts of a program, drawn in this process at the least cost.

Nothing stands between the program and the simulator: no session, no journal, no job, no other tenant. The native core
reads OpenQASM, rewrites it and runs it on whichever of its simulators is predicted to be fastest; other programs, and
what the core's reader leaves to the semantic front end, are verified graphs first, as everywhere. Where the prediction
is long, the router looks at every installed engine too.
"""

from __future__ import annotations

import importlib.util
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.ir.labels import labels
from qmk.request.build import build
from qmk.request.options import RunOptions
from qmk.request.program import ProgramLike, source, to_graph
from qmk.request.shots import choose_shots, seed_of, shots_of

if TYPE_CHECKING:
    import qmk_native

    from qmk.models.qec.logical import Machine
    from qmk.qvm.graph import Graph
    from qmk.request.physical import NoiseLike

LONG_S = 0.05
"""a prediction beyond this is worth the router's look at engines that are not ours"""

DEFAULT_SHOTS = 1000


class Sampled:
    """Shots of a program. ``counts`` maps a printed bitstring to its number of shots, registers left to right with a
    space between, as in ``qmk.Result``. ``engine`` and ``method`` say what drew them; with them, ``seed`` and the same
    release of QMK, the same program and shots give the same bits."""

    def __init__(
        self,
        counts: dict[str, int],
        shots: int,
        seed: int,
        engine: str,
        method: str,
        candidates: list[dict[str, Any]],
        left: dict[str, str] | None = None,
        notes: dict[str, Any] | None = None,
    ) -> None:
        self.counts = counts
        self.shots = shots
        self.seed = seed
        self.engine = engine
        self.method = method
        self.candidates = candidates
        """the ways that were looked at, the fastest first: method, predicted seconds, width, whether rewritten, note"""
        self.left = left or {}
        """engines that were tried before and ran out of memory or refused, with what they said"""
        self.notes = notes or {}
        """of the noise, and of the logical qubits, as in the provenance of a result"""

    def __repr__(self) -> str:
        most = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:4]
        shown = ", ".join(f"{bits or repr(bits)}: {count}" for bits, count in most)
        return f"<Sampled {self.shots} shots on {self.engine}:{self.method}: {shown}, {len(self.counts)} outcomes>"


def sample(
    program: ProgramLike,
    *,
    shots: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    params: Mapping[str, Any] | None = None,
    format: str | None = None,
    noise: NoiseLike | None = None,
    error: float | None = None,
    qec: Machine | str | None = None,
    device: str | None = None,
    rewrites: bool = True,
    cache: bool = True,
) -> Sampled:
    """Draw ``shots`` shots of ``program`` (1000 if not given; see ``qmk.run`` for what it may be, and for ``noise``,
    ``error``, ``qec`` and ``device``) and count them.

    ``engine`` forces one: "native:frame", "native:dense", "native:dense64" (double precision), "native:mps",
    "native:cut", or any other by its name. ``rewrites`` False runs the program as it was written. ``seed`` None draws
    one. ``cache`` False: the text is read and planned anew, and nothing of it is kept.

    Raises ``QmkError``: INVALID_GRAPH with findings, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED with
    the memory needed, QUOTA_EXCEEDED beyond the limit ``shots``.
    """
    shots, seed = _drawn(shots, seed, error)
    name, _, method = (engine or "native").partition(":")
    native = name == "native" and importlib.util.find_spec("qmk_native") is not None
    method, graph, plan = "" if method == "auto" else method, None, None
    text = _text(program, format) if native and noise is None and qec is None and device is None else None
    key = (text, shots, method, rewrites) if cache and text is not None and not params else None
    if key is not None:
        plan = _kept(key)
    if plan is None:
        circuit = _read(text, params) if text is not None else None
        if circuit is None:
            options = RunOptions(format=format, params=params, shots=shots, noise=noise, qec=qec, device=device)
            graph, key = verified(build(program, options).graph), None
            circuit = _circuit(graph) if native else None
        plan = None if circuit is None else _plan(circuit, shots, method, rewrites)
        if plan is not None and key is not None:
            _keep(key, plan)
    if plan is None or (engine is None and plan.seconds > LONG_S):
        graph = graph or verified(to_graph(program, format, params))
        elsewhere = _elsewhere(graph, shots, seed, engine, plan)
        if elsewhere is not None:
            return elsewhere
    assert plan is not None, "the router found no engine, and did not say so"
    try:
        samples, used = plan.run(shots, seed)
    except MemoryError as full:
        failed = QmkError("RESOURCE_EXHAUSTED", f"native:{plan.method}: {full}", engine="native")
        if engine is not None:
            raise failed from full
        graph = graph or verified(to_graph(program, format, params))
        found = _elsewhere(graph, shots, seed, None, None, failed)
        assert found is not None
        return found
    notes = {} if graph is None else labels(graph)
    return Sampled(samples.counts(), shots, seed, "native", used, plan.candidates, notes=notes)


def _drawn(shots: int | None, seed: int | None, error: float | None) -> tuple[int, int]:
    """Shots and seed of a call, from what it asks for."""
    if error is not None:
        RunOptions(shots=shots, error=error)
        shots, _ = choose_shots(error)
    return shots_of(shots, DEFAULT_SHOTS), seed_of(seed)


_MEMORY = [0.0, 0]
"""when this machine's memory was last looked up, and what it was"""


def memory_bytes() -> int:
    """What one state may take, as it was within the last second: looking costs as much as a small program."""
    from qmk.host import machine

    now = time.monotonic()
    if now - _MEMORY[0] > 1.0:
        _MEMORY[:] = now, machine.memory_bytes()
    return int(_MEMORY[1])


def read_native(
    program: ProgramLike, format: str | None, params: Mapping[str, Any] | None = None
) -> qmk_native.Circuit | None:
    """By the native core's reader; None for what it leaves to the front ends, among it all that is wrong."""
    text = _text(program, format)
    return None if text is None else _read(text, params)


def _text(program: ProgramLike, format: str | None) -> str | bytes | None:
    """What the native core's reader may read: text, unless it is known to be in another format or is too long."""
    from qmk.qvm.graph import Graph

    if isinstance(program, Graph) or format not in (None, "qasm2", "qasm3"):
        return None
    text = source(program)[0]
    return text if len(text) <= LIMITS.source_bytes else None


_Key = tuple[str | bytes, int, str, bool]
_PLANS: OrderedDict[_Key, qmk_native.Plan] = OrderedDict()
"""plans of texts that were sampled last: a repeated program costs neither reading nor rewriting"""

PLANS = 128
PLAN_TEXT_BYTES = 4 << 20
"""bounds of what is kept: plans, and the text of each (its circuit takes some ten times as much)"""


def _kept(key: _Key) -> qmk_native.Plan | None:
    """Unless this machine has less memory by now than the plan needs."""
    plan = _PLANS.get(key)
    if plan is None or plan.candidates[0]["memory_bytes"] > memory_bytes():
        return None
    return plan


def _keep(key: _Key, plan: qmk_native.Plan) -> None:
    if len(key[0]) > PLAN_TEXT_BYTES // 4:
        return
    _PLANS[key] = plan
    while len(_PLANS) > PLANS or sum(len(kept[0]) for kept in _PLANS) > PLAN_TEXT_BYTES:
        _PLANS.popitem(last=False)


def _read(text: str | bytes, params: Mapping[str, Any] | None) -> qmk_native.Circuit | None:
    import qmk_native

    try:
        return qmk_native.read_qasm(text, inputs=params or None)
    except (qmk_native.Declined, TypeError):
        return None


def verified(graph: Graph) -> Graph:
    from qmk.qvm.verify import verify

    error = verify(graph).error()
    if error is not None:
        raise error
    return graph


def _circuit(graph: Graph) -> qmk_native.Circuit | None:
    """None for a program that no circuit of the native core can say."""
    from qmk.ir.lower import lower
    from qmk.ir.native_circuit import GATES, circuit_of

    try:
        return circuit_of(lower(graph, GATES | {"gphase"}, tosses=True))
    except QmkError as refused:
        if refused.kind.name != "UNSUPPORTED":
            raise
        return None


def _plan(circuit: qmk_native.Circuit, shots: int, method: str, rewrites: bool) -> qmk_native.Plan | None:
    """None when none of our simulators has the memory."""
    import qmk_native

    try:
        return qmk_native.Plan(circuit, shots, method or None, memory=memory_bytes(), rewrites=rewrites)
    except MemoryError:
        return None
    except ValueError as unknown:
        raise QmkError("UNSUPPORTED", str(unknown), engine="native", method=method) from unknown


def _elsewhere(
    graph: Graph,
    shots: int,
    seed: int,
    engine: str | None,
    plan: qmk_native.Plan | None,
    failure: QmkError | None = None,
) -> Sampled | None:
    """On the engine that the router takes; None when that is the native plan there already is. ``failure``: the native
    engine ran out of memory. Where no engine was named, one that runs out of memory or refuses gives way to the next.
    """
    from qmk import router
    from qmk.router import rates
    from qmk.router.features import features
    from qmk.worker.runner import Runner

    name, _, method = (engine or "").partition(":")
    known = features(graph, native=method if name == "native" and method else "auto")
    rated = rates.installed().declarations
    decision = router.choose(known, shots, engine=engine, memory_bytes=memory_bytes(), declarations=rated)
    rows = [row for row in decision.candidates if not row.gaps and not (failure and row.engine == "native")]
    candidates = [{"method": row.name, "seconds": row.seconds, "note": row.reason} for row in decision.candidates]
    left = {} if failure is None else {"native": failure.message}
    for row in rows[: 1 if engine else 1 + LIMITS.fallbacks]:
        if row.engine == "native" and plan is not None:
            return None
        try:
            done = Runner(row.engine).execute(graph, row.method, shots, seed, keep_events=False)
        except QmkError as error:
            if engine or error.kind.name not in ("RESOURCE_EXHAUSTED", "UNSUPPORTED"):
                raise
            failure = error
            left[row.name] = error.message
            continue
        return Sampled(done.counts, shots, seed, row.engine, row.method, candidates, left, labels(graph))
    assert failure is not None, "the router chose an engine, and it was tried"
    raise failure
