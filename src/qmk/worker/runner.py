"""Running a graph on an engine in this process: lower, prepare, run, count. The worker loop and ``qmk.run`` use it.

A ``Runner`` belongs to one engine and keeps prepared plans by digest and method, so that a program that comes back
costs only its run.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.ir import bits, channels
from qmk.ir.lower import lower, outputs_of
from qmk.ir.program import Gate, Measure, Program, Register
from qmk.ir.steps import has_fences
from qmk.qvm.graph import Graph, Output
from qmk.qvm.graph import digest as digest_of
from qmk.qvm.outputs import Outputs
from qmk.sdk import discovery
from qmk.sdk.engine import (
    Capabilities,
    Declaration,
    Engine,
    Execution,
    FencedPlan,
    Plan,
    Progress,
    Samples,
    Unsupported,
)
from qmk.sdk.references import resolve
from qmk.worker import native
from qmk.worker.memory import PEAK
from qmk.worker.messages import Done
from qmk.worker.partials import Reports, Show

PLANS = 64
"""Prepared plans that a Runner keeps."""
PLAN_NODES = 2_000_000
"""Nodes of the programs whose plans it keeps, all together."""


class Prepared(msgspec.Struct, frozen=True):
    """A plan, with what is needed to print its results. ``seconds`` is how long preparing it took. ``fenced``: the plan
    is a ``FencedPlan``. ``program`` is None where the engine read the graph itself; its plan then counts for itself."""

    program: Program | None
    plan: Plan | native.Prepared
    outputs: list[Output]
    seconds: float
    graph: Graph
    event_names: list[str]
    event_widths: list[int]
    notes: dict[str, Any]
    fenced: bool = False
    nodes: int = 0


class Drive(Protocol):
    """Takes a fenced run to its end, and carries out requests at its fences."""

    def __call__(self, plan: FencedPlan, execution: Execution, /) -> Execution:
        """Gives the run that ended, which need not be the given one. It may raise to end without a result
        (``driver.Stopped``)."""
        ...


class Runner:
    """One engine of this process. The engine's module is imported on first use."""

    def __init__(self, engine: Declaration | str, plans: int = PLANS) -> None:
        self.declaration = discovery.engine(engine) if isinstance(engine, str) else engine
        self._engine: Engine | None = None
        self._plans: OrderedDict[tuple[str, str, str], Prepared] = OrderedDict()
        self._nodes = 0
        self._room = plans

    @property
    def engine(self) -> Engine:
        if self._engine is not None:
            return self._engine
        discovery.require(self.declaration)
        self._engine = engine = cast("Engine", resolve(self.declaration.load)())
        return engine

    def warm_up(self) -> None:
        """Load the engine and run one gate on it: some libraries import more, or set themselves up, at their first
        run."""
        engine = self.engine
        for method, can in self.declaration.methods.items():
            if "x" in can.gates:
                tiny = Program(1, 1, (Gate("x", (0,)), Measure(0, 0)), (Register("", (0,)),), {"m": (0,)})
                with contextlib.suppress(Exception):  # what it says of a real program counts
                    engine.prepare(tiny, method).run(1, 0)
                return

    @property
    def version(self) -> str:
        """The version of the engine's library."""
        return self.engine.version

    def capabilities(self, method: str) -> Capabilities:
        """What ``method`` can run. Raises UNSUPPORTED when the engine has no such method."""
        if not self.declaration.has_method(method):
            names = ", ".join(repr(name) for name in self.declaration.methods)
            raise QmkError(
                "UNSUPPORTED",
                f"engine '{self.declaration.name}' has no method '{method}'; it has {names}",
                method=method,
            )
        return self.declaration.capabilities(method)

    def holds(self, digest: str, method: str, scope: str = "") -> bool:
        """Whether a plan is kept, so that ``execute`` needs no graph."""
        return (scope, digest, method) in self._plans

    def prepare(self, graph: Graph, method: str, digest: str = "", scope: str = "", packed: bytes = b"") -> Prepared:
        """Lower and prepare ``graph``, or give the plan kept from last time. ``digest`` spares computing it, ``packed``
        packing the graph. A plan is kept for one ``scope``, a tenant: the time that another's program takes must not
        tell who has run it."""
        digest = digest or digest_of(graph)
        key = (scope, digest, method)
        kept = self._plans.get(key)
        if kept is not None:
            self._plans.move_to_end(key)
            return kept
        started = time.perf_counter()
        prepared = self._read_by_engine(graph, method, packed) or self._lower(graph, method, digest)
        prepared = msgspec.structs.replace(prepared, seconds=time.perf_counter() - started)
        self._plans[key] = prepared
        self._nodes += prepared.nodes
        while len(self._plans) > 1 and (len(self._plans) > self._room or self._nodes > PLAN_NODES):
            self._nodes -= self._plans.popitem(last=False)[1].nodes
        return prepared

    def _read_by_engine(self, graph: Graph, method: str, packed: bytes) -> Prepared | None:
        """The plan of an engine that reads graphs itself; None where it does not, or leaves this one to ``lower``."""
        read = getattr(self.engine, "prepare_graph", None)
        if read is None:
            return None
        self.capabilities(method)
        try:
            found: tuple[native.Prepared, dict[str, Any]] | None = read(graph, method, packed)
        except Unsupported as refused:
            raise self._refusal(refused, method) from refused
        if found is None:
            return None
        plan, notes = found
        names, widths = native.events_of(graph)
        outputs = list(outputs_of(graph, names))
        return Prepared(None, plan, outputs, 0.0, graph, names, widths, notes, nodes=len(graph.nodes))

    def _lower(self, graph: Graph, method: str, digest: str) -> Prepared:
        can = self.capabilities(method)
        logic, loss_events = not can.logic, "loss" in can.noise
        program = lower(
            graph, can.gates, clifford=can.clifford, inline_logic=logic, digest=digest, loss_events=loss_events
        )
        try:
            plan = self.engine.prepare(program, method)
        except Unsupported as refused:
            raise self._refusal(refused, method) from refused
        names, widths = list(program.events), [len(cbits) for cbits in program.events.values()]
        outputs = list(outputs_of(graph, program.events))
        fenced = can.fences and has_fences(program)
        return Prepared(
            program, plan, outputs, 0.0, graph, names, widths, dict(program.notes), fenced, nodes=len(graph.nodes)
        )

    def _refusal(self, refused: Unsupported, method: str) -> QmkError:
        return QmkError("UNSUPPORTED", str(refused), engine=self.declaration.name, method=method)

    def execute(
        self,
        graph: Graph | None,
        method: str,
        shots: int,
        seed: int,
        *,
        digest: str = "",
        keep_events: bool = True,
        progress: Callable[[int], None] | None = None,
        show: Show | None = None,
        fence: int = 0,
        scope: str = "",
        start: bytes | None = None,
        drive: Drive | None = None,
        outputs: Outputs | None = None,
        packed: bytes = b"",
    ) -> Done:
        """Run ``shots`` shots. ``graph`` may be None when ``holds(digest, method)``. ``start`` is a saved state to go
        on from; ``drive`` takes runs of fenced plans to their end. ``outputs``: what to give beyond counts. ``show``
        hears what the run gave so far, where some shots or points are there before others.

        Raises ``QmkError`` UNSUPPORTED when the engine refuses the program, or the saved state (with field ``start``),
        RESOURCE_EXHAUSTED when memory ends; and what ``drive`` raises.
        """
        if outputs is not None:
            how = {"keep_events": keep_events, "start": start, "drive": drive, "scope": scope}
            how |= {"progress": progress, "show": show}
            return self._evaluate(graph, method, outputs, (shots, seed, fence), digest, how)
        cpu = time.process_time()
        fresh = not self.holds(digest, method, scope) if digest else True
        prepared = (
            self._find(digest, method, scope) if graph is None else self.prepare(graph, method, digest, scope, packed)
        )
        started = time.perf_counter()
        told = Reports.of(progress, show, prepared.program, prepared.outputs, seed)
        try:
            if isinstance(prepared.plan, native.Prepared):
                counts, events, notes = self._count(prepared, prepared.plan, (shots, seed), start, keep_events, told)
            else:
                counts, events, notes = self._tally(prepared, method, (shots, seed), start, drive, keep_events, told)
        except MemoryError as full:
            why = f": {full}" if str(full) else ""
            text = f"engine '{self.declaration.name}' ran out of memory at {shots} shots{why}"
            fields = {"engine": self.declaration.name, "method": method, "resource": "memory_bytes"}
            raise QmkError("RESOURCE_EXHAUSTED", text, **fields) from full
        return Done(
            fence=fence,
            counts=counts,
            registers=prepared.outputs,
            event_names=prepared.event_names,
            event_widths=prepared.event_widths,
            event_bits=events,
            shots=shots,
            prepare_s=prepared.seconds if fresh else 0.0,
            run_s=time.perf_counter() - started,
            cpu_s=time.process_time() - cpu,
            peak_rss_bytes=PEAK.bytes(),
            notes={**prepared.notes, **notes, **channels.count_raw_pairs(prepared.notes, shots, seed)},
        )

    def _evaluate(
        self,
        graph: Graph | None,
        method: str,
        outputs: Outputs,
        size: tuple[int, int, int],
        digest: str,
        how: dict[str, Any],
    ) -> Done:
        """Runs with outputs; ``how`` has the options for the run that gives the counts."""
        from qmk.worker import with_outputs

        graph = self._find(digest, method, how["scope"]).graph if graph is None else graph
        return with_outputs.execute_with_outputs(
            self,
            functools.partial(self.execute, digest=digest, **how),
            graph,
            method,
            outputs,
            size,
            how["show"],
            how["progress"],
        )

    def _driven(
        self,
        prepared: Prepared,
        method: str,
        size: tuple[int, int],
        start: bytes | None,
        drive: Drive | None,
        progress: Progress | None,
    ) -> Samples:
        """The samples of a fenced run of ``size`` (shots, seed), from ``start`` or the beginning."""
        if not prepared.fenced:
            raise self._unfit("a saved state needs a program with fences and an engine that stops at them", method)
        plan = cast("FencedPlan", prepared.plan)
        try:
            execution = plan.start(*size) if start is None else plan.resume(start)
        except Unsupported as refused:
            raise self._unfit(str(refused), method) from refused
        if (execution.shots, execution.seed) != size:
            theirs = f"{execution.shots} shots with seed {execution.seed}"
            raise self._unfit(f"this saved state is of a run of {theirs}, not of {size[0]} with seed {size[1]}", method)
        if drive is not None:
            return drive(plan, execution).samples()
        while execution.advance():
            if progress is not None:
                progress(execution.shots_done)
        return execution.samples()

    def _unfit(self, text: str, method: str) -> QmkError:
        return QmkError("UNSUPPORTED", text, engine=self.declaration.name, method=method, start=True)

    def _find(self, digest: str, method: str, scope: str) -> Prepared:
        if not self.holds(digest, method, scope):
            raise QmkError("INTERNAL_ERROR", "the graph of this run is not held here and was not sent", digest=digest)
        self._plans.move_to_end((scope, digest, method))
        return self._plans[scope, digest, method]

    def _count(
        self,
        prepared: Prepared,
        plan: native.Prepared,
        size: tuple[int, int],
        start: bytes | None,
        keep: bool,
        told: Reports | None,
    ) -> Tally:
        """Counts with the engine's own counter."""
        if start is not None:
            raise self._unfit("a saved state needs an engine that stops at fences", "")
        drawn = plan.draw(*size, None if told is None else told.of_core)
        if told is not None:
            told.of_core(size[0])
        width = sum(prepared.event_widths)
        note = native.events_dropped(width, size[0]) if keep else {}
        events = drawn.pack_bits(width) if keep and not note else b""
        return drawn.counts, events, {**drawn.notes, **note}

    def _tally(
        self,
        prepared: Prepared,
        method: str,
        size: tuple[int, int],
        start: bytes | None,
        drive: Drive | None,
        keep: bool,
        progress: Progress | None,
    ) -> Tally:
        """Counts the bits of the engine's samples."""
        program, plan = prepared.program, prepared.plan
        assert program is not None
        assert not isinstance(plan, native.Prepared)
        if start is None and not (prepared.fenced and drive):
            samples = plan.run(*size, progress)
        else:
            samples = self._driven(prepared, method, size, start, drive, progress)
        matrix = bits.finish(program, samples.bits, size[1])
        note = native.events_dropped(sum(prepared.event_widths), len(matrix)) if keep else {}
        events = bits.pack_events(program, matrix) if keep and not note else b""
        return bits.counts(program.registers, matrix), events, {**samples.notes, **note}


Tally = tuple[dict[str, int], bytes, dict[str, Any]]
"""Counts, packed events and notes of one run."""


def execute(
    engine: Declaration | str,
    graph: Graph,
    method: str,
    shots: int,
    seed: int,
    keep_events: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Done:
    """Prepare and run ``graph`` once; see ``Runner`` for running many times."""
    return Runner(engine).execute(graph, method, shots, seed, keep_events=keep_events, progress=progress)
