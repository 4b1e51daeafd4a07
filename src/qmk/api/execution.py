"""Runs programs in this process: each goes to the engine that the router chooses, and its samples come back.

The native core is asked first. What it predicts to finish at once it runs itself, without a graph, a job or a journal.
Where that takes longer, the router looks at every installed engine, as it does for the daemon; an engine that runs out
of memory or refuses gives way to the next. Engines run in this process, or in a worker process that can be stopped.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.api import plans
from qmk.api.executed import Executed
from qmk.api.plans import Known, memory_bytes
from qmk.api.source import Source
from qmk.base.errors import FALLBACKS, QmkError
from qmk.base.limits import LIMITS

if TYPE_CHECKING:
    from qmk.host.isolated import Isolated
    from qmk.host.routing import Choice, Routing
    from qmk.host.spawn import External
    from qmk.qvm.outputs import Outputs
    from qmk.worker.messages import Done
    from qmk.worker.runner import Runner

CORE = ("", "native")


class Executor:
    """Runs programs, one at a time. ``external`` engines are added to the installed. ``isolate``: engines run in a
    worker process; close it to end that. ``isolation``: its level, as ``parse`` reads it; empty: a plain process."""

    def __init__(
        self,
        external: dict[str, External] | None = None,
        worker: Isolated | None = None,
        isolate: bool = False,
        isolation: str = "",
    ) -> None:
        self._external = external or {}
        self._worker = worker
        self._isolate = isolate
        self._isolation = isolation
        self._routing: Routing | None = None
        self._fence = 0

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def run(self, source: Source) -> Executed:
        """Raises ``QmkError``: INVALID_GRAPH, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED, TIMEOUT,
        JOB_FAILED."""
        outputs = source.options.all_outputs
        if outputs is not None:
            return self._with_values(source, outputs)
        counted = self._counts(source)
        if counted.engine == "native":
            return counted
        from qmk.request.outputs import usual_outputs

        usual = usual_outputs(source.graph)
        return counted if usual is None else self._add_values(counted, source, usual)

    def _counts(self, source: Source) -> Executed:
        known = self._of_core(source)
        if known is not None:
            try:
                return _draw(known, source)
            except MemoryError as full:
                failed = QmkError("RESOURCE_EXHAUSTED", f"native: {full}", engine="native")
                if source.options.engine is not None:
                    raise failed from full
                return self._by_router(source, None, failed)
        return self._by_router(source, None)

    def run_at_once(self, source: Source) -> Executed | None:
        """Runs the program on the native core if that finishes before another engine could be chosen. Else runs nothing
        and gives None."""
        known = self._of_core(source)
        try:
            return None if known is None else _draw(known, source)
        except MemoryError:
            return None

    def _of_core(self, source: Source) -> Known | None:
        """The program prepared by the native core, where that is to run it here."""
        from qmk.ir.prediction import is_short

        name, _, method = (source.options.engine or "").partition(":")
        if name not in CORE or method == "tableau" or self._isolate or "native" in self._external:
            return None
        known = plans.native(source, method or "auto")
        if known is None or (known.fenced and not name):
            return None
        room = memory_bytes()
        if name:
            return known if _fits(known, source.shots, room) else None
        return known if is_short(known.prediction, source.shots, room) else None

    def _with_values(self, source: Source, outputs: Outputs) -> Executed:
        """Draws counts as a run without outputs would, on the same engine from the same seed; then computes the values
        on an engine that has them."""
        from qmk.qvm.outputs import require
        from qmk.request.outputs import widen_outputs

        outputs = widen_outputs(outputs, source.graph)
        require(outputs, source.graph, source.shots)
        if not outputs.counts or outputs.points or outputs.split:
            return self._by_router(source, outputs)
        return self._add_values(self._counts(source), source, outputs)

    def _add_values(self, counted: Executed, source: Source, outputs: Outputs) -> Executed:
        import msgspec

        found = self._by_router(source, msgspec.structs.replace(outputs, counts=False))
        counted.values = found.values
        for name, took in found.usage.items():
            before = counted.usage.get(name, 0)
            counted.usage[name] = max(took, before) if "bytes" in name else took + before
        return counted

    def _by_router(self, source: Source, outputs: Outputs | None, failed: QmkError | None = None) -> Executed:
        """Runs the program on the engines that the router lists. ``failed`` is the error of the native engine if that
        ran out of memory."""
        named = source.options.engine is not None
        choice = self._choose(source, outputs, all_engines=failed is not None)
        left: list[dict[str, Any]] = []
        if failed is not None:
            left.append(_fallback("native", "auto", failed, 0.0))
        for row in _rows(choice, named, skip="native" if failed else ""):
            began = time.perf_counter()
            try:
                done, version = self._execute(source, outputs, row)
            except QmkError as error:
                failed = error
                if named or error.kind.name not in FALLBACKS or error.fields.get("cause") == "killed":
                    raise
                left.append(_fallback(row.engine, row.method, error, time.perf_counter() - began))
                continue
            return _of_done(done, row.engine, row.method, version, row.seconds, row.uncertainty, choice.reasons, left)
        assert failed is not None, "the router chose an engine, and it was tried"
        raise failed

    def _choose(self, source: Source, outputs: Outputs | None, all_engines: bool) -> Choice:
        if self._routing is None:
            self._routing = _routing_of(self._external)
        self._routing.resize(memory_bytes())
        return self._routing.choose(
            source.graph,
            source.digest,
            source.shots,
            source.options.engine,
            outputs,
            source.packed_graph,
            all_engines=all_engines,
        )

    def _execute(self, source: Source, outputs: Outputs | None, row: _Row) -> tuple[Done, str]:
        from qmk.sdk import interpreters

        if self._isolate or interpreters.path_of(row.engine) is not None:
            return self._in_worker(source, outputs, row)
        assert self._routing is not None
        return _here(_runner(self._routing.declarations[row.engine]), source, outputs, row.method)

    def _in_worker(self, source: Source, outputs: Outputs | None, row: _Row) -> tuple[Done, str]:
        from qmk.host import machine
        from qmk.host.isolated import Isolated
        from qmk.host.isolation.policy import isolation_of
        from qmk.host.losses import Memory
        from qmk.worker.messages import Run

        if self._worker is None:
            isolation = isolation_of(self._isolation) if self._isolation else None
            self._worker = Isolated(machine.cpus(), self._external, isolation=isolation)
        self._fence += 1
        run = Run(
            fence=self._fence,
            digest=source.digest,
            graph=source.packed_graph,
            method=row.method,
            shots=source.shots,
            seed=source.seed,
            keep_events=source.keep_events,
            outputs=outputs,
        )
        return self._worker.run(
            row.engine,
            run,
            deadline_s=source.deadline_s,
            progress=source.options.report,
            attempts=source.options.attempts,
            memory=Memory(row.memory_bytes, memory_bytes()),
        )


def _fits(known: Known, shots: int, room: int) -> bool:
    """Whether there is a plan, by the method that was named, for which this machine has memory now."""
    try:
        return known.prepared.plan(shots).candidates[0]["memory_bytes"] <= room
    except (MemoryError, ValueError):  # ValueError: there is no such method
        return False


def _draw(known: Known, source: Source) -> Executed:
    """Draws the shots of a program on the native core, in this process. Raises MemoryError."""
    cpu, began = time.process_time(), time.perf_counter()
    known.prepared.plan(source.shots)
    planned = time.perf_counter()
    drawn = known.prepared.draw(source.shots, source.seed)
    ended = time.perf_counter()
    if source.options.report is not None:
        source.options.report(source.shots)
    method = (source.options.engine or "").partition(":")[2] or "auto"
    seconds = known.prepared.plan(source.shots).seconds
    usage = {
        "engine_seconds": ended - began,
        "prepare_seconds": planned - began,
        "run_seconds": ended - planned,
        "cpu_seconds": time.process_time() - cpu,
    }
    return Executed(
        engine="native",
        method=method,
        version=native_version(),
        predicted_s=seconds,
        uncertainty=UNCERTAINTY,
        reasons=[],
        usage=usage,
        notes={**known.notes, **drawn.notes, **_accounts(known.notes, source, usage)},
        drawn=drawn,
    )


def _accounts(notes: dict[str, Any], source: Source, usage: dict[str, Any]) -> dict[str, Any]:
    """What the program's channels delivered in these shots; ``usage`` gets the pairs."""
    if not notes:
        return {}
    from qmk.host.results import pairs_of
    from qmk.ir.channels import count_raw_pairs

    found = count_raw_pairs(notes, source.shots, source.seed)
    usage.update(pairs_of(found))
    return found


def native_version() -> str:
    import qmk_native

    return qmk_native.__version__


UNCERTAINTY = 3.0
"""The native core's predictions are right within this factor."""


def _of_done(
    done: Done,
    engine: str,
    method: str,
    version: str,
    seconds: float,
    uncertainty: float,
    reasons: list[dict[str, Any]],
    left: list[dict[str, Any]],
) -> Executed:
    from qmk.host import results

    stored = results.of_done(done, version)
    return Executed(
        engine=engine,
        method=method,
        version=version,
        predicted_s=seconds,
        uncertainty=uncertainty,
        reasons=reasons,
        usage=results.usage_of(done),
        notes=done.notes,
        stored=stored,
        values=done.values,
        fallbacks=left,
    )


def _fallback(engine: str, method: str, error: QmkError, seconds: float) -> dict[str, Any]:
    why = FALLBACKS[error.kind.name]
    message = f"engine '{engine}': {error.message}"
    return {"engine": engine, "method": method, "why": why, "message": message, "seconds": seconds}


class _Row(NamedTuple):
    """An engine to try, and what it is predicted to take."""

    engine: str
    method: str
    seconds: float
    uncertainty: float
    memory_bytes: int


def _rows(choice: Choice, named: bool, skip: str) -> Iterator[_Row]:
    """The engines to try, in order."""
    for row in (choice, *choice.alternatives[: LIMITS.fallbacks])[: 1 if named else None]:
        if row.engine != skip:
            yield _Row(row.engine, row.method, row.seconds, row.uncertainty, row.memory_bytes)


def _here(runner: Runner, source: Source, outputs: Outputs | None, method: str) -> tuple[Done, str]:
    """Runs the engine in this process. An exception that is not a ``QmkError`` is reported as the engine's failure."""
    from qmk.worker.failure import failure

    load(runner)
    try:
        done = runner.execute(
            None if runner.holds(source.digest, method) else source.graph,
            method,
            source.shots,
            source.seed,
            digest=source.digest,
            keep_events=source.keep_events,
            progress=source.options.report,
            outputs=outputs,
            packed=source.packed_graph,
        )
    except QmkError:
        raise
    except Exception as error:
        failed = failure(0, error)
        raise QmkError(failed.kind, failed.message, **failed.fields) from error
    return done, runner.version


_LOADING = threading.RLock()
"""Held over a fork: the new process then has an engine that is loaded whole or not at all. In one that was forked while
another thread imports a module, that module could never be imported."""
os.register_at_fork(before=_LOADING.acquire, after_in_parent=_LOADING.release, after_in_child=_LOADING.release)
_RUNNERS: dict[str, Runner] = {}
"""Engines loaded into this process, with the plans they keep."""
_LOADED: set[int] = set()
_ROUTING: list[tuple[Any, Routing]] = []


def _runner(declaration: Any) -> Runner:
    from qmk.worker.runner import Runner

    with _LOADING:
        found = _RUNNERS.get(declaration.name)
        if found is None or found.declaration.load != declaration.load:
            found = _RUNNERS[declaration.name] = Runner(declaration)
        return found


def load(runner: Runner) -> None:
    """Loads an engine before its first run, in one thread at a time: two threads that import or initialise a library at
    the same time may deadlock."""
    if id(runner) in _LOADED:
        return
    with _LOADING:
        if id(runner) not in _LOADED:
            runner.warm_up()
            _LOADED.add(id(runner))


def _routing_of(external: dict[str, External]) -> Routing:
    """The router of this process. It is rebuilt when the engines or their measured rates have changed."""
    from qmk.host.routing import Routing
    from qmk.router import rates

    if external:
        return Routing(memory_bytes(), 1, external)
    rating = rates.installed_rating()
    with _LOADING:
        if not _ROUTING or _ROUTING[0][0] is not rating:
            _ROUTING[:] = [(rating, Routing(memory_bytes(), 1, {}))]
        return _ROUTING[0][1]
