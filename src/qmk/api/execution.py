"""The one executor of runs in this process: a program to the engine that the router takes, to its samples.

The native core is asked first, by its own prediction, and runs what it is done with at once without a graph, a job or a
journal. Where that takes longer, the router looks at every installed engine, as it does for the daemon; an engine that
runs out of memory or refuses gives way to the next. Engines run in this process, or in a worker process that can be
stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qmk.api import plans
from qmk.api.plans import Known, memory_bytes
from qmk.api.source import Source
from qmk.base.errors import FALLBACKS, QmkError
from qmk.base.limits import LIMITS

if TYPE_CHECKING:
    from qmk.host.isolated import Isolated
    from qmk.host.results import Result as Stored
    from qmk.host.routing import Choice, Routing
    from qmk.host.spawn import External
    from qmk.qvm.outputs import Outputs, Values
    from qmk.worker.messages import Done
    from qmk.worker.native import Drawn
    from qmk.worker.runner import Runner

CORE = ("", "native")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one run is asked for beside its program. ``isolate``: engines run in a worker process, "long" ones only, or
    none of them."""

    shots: int
    seed: int
    engine: str | None = None
    keep_events: bool = True
    outputs: Outputs | None = None
    rewrites: bool = True
    cache: bool = True
    isolate: bool | str = False
    deadline_s: float | None = None
    progress: Callable[[int], None] | None = None


@dataclass(kw_only=True)
class Executed:
    """What a run gave. ``drawn`` holds the shots in the core's memory, ``stored`` those of another engine."""

    engine: str
    method: str
    counts: dict[str, int]
    version: str
    predicted_s: float
    uncertainty: float
    reasons: list[dict[str, Any]]
    usage: dict[str, Any]
    notes: dict[str, Any]
    drawn: Drawn | None = None
    stored: Stored | None = None
    values: Values | None = None
    fallbacks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Executor:
    """Runs programs, one at a time. ``external`` engines are added to the installed. Close it to end its worker."""

    def __init__(self, external: dict[str, External] | None = None, worker: Isolated | None = None) -> None:
        self._external = external or {}
        self._worker = worker
        self._routing: Routing | None = None
        self._fence = 0

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def run(self, source: Source, wish: Wish) -> Executed:
        """Raises ``QmkError``: INVALID_GRAPH, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED, TIMEOUT,
        JOB_FAILED."""
        if wish.outputs is not None:
            return self._with_values(source, wish, wish.outputs)
        known = self._of_core(source, wish)
        if known is not None:
            try:
                return _draw(known, wish)
            except MemoryError as full:
                failed = QmkError("RESOURCE_EXHAUSTED", f"native: {full}", engine="native")
                if wish.engine is not None:
                    raise failed from full
                return self._by_router(source, wish, failed)
        return self._by_router(source, wish)

    def run_at_once(self, source: Source, wish: Wish) -> Executed | None:
        """On the native core, where it is done before another engine would be chosen; else None, with nothing run."""
        known = self._of_core(source, wish)
        try:
            return None if known is None else _draw(known, wish)
        except MemoryError:
            return None

    def _of_core(self, source: Source, wish: Wish) -> Known | None:
        """The program prepared by the native core, where that is to run it here."""
        from qmk.ir.prediction import is_short

        name, _, method = (wish.engine or "").partition(":")
        if name not in CORE or method == "tableau" or wish.isolate is True or "native" in self._external:
            return None
        known = plans.native(source, method or "auto", wish.rewrites, wish.cache)
        if known is None or (known.fenced and not name):
            return None
        room = memory_bytes()
        if name:
            return known if _fits(known, wish.shots, room) else None
        return known if is_short(known.prediction, wish.shots, room) else None

    def _with_values(self, source: Source, wish: Wish, outputs: Outputs) -> Executed:
        """Counts as without outputs, on the same engine from the same seed; then the values, on an engine for them."""
        import msgspec

        from qmk.qvm.outputs import require

        require(outputs, source.graph, wish.shots)
        if not outputs.counts or outputs.points:
            return self._by_router(source, wish)
        plain = replace(wish, outputs=None)
        counted = self.run(source, plain)
        found = self._by_router(source, replace(wish, outputs=msgspec.structs.replace(outputs, counts=False)))
        counted.values = found.values
        for name, took in found.usage.items():
            before = counted.usage.get(name, 0)
            counted.usage[name] = max(took, before) if "bytes" in name else took + before
        return counted

    def _by_router(self, source: Source, wish: Wish, failed: QmkError | None = None) -> Executed:
        """``failed``: the native engine ran out of memory."""
        choice = self._choose(source, wish, all_engines=failed is not None)
        left: list[dict[str, Any]] = []
        if failed is not None:
            left.append(_fallback("native", "auto", failed, 0.0))
        for engine, method, seconds, uncertainty in _rows(choice, wish, skip="native" if failed else ""):
            began = time.perf_counter()
            try:
                done, version = self._execute(source, wish, engine, method, seconds)
            except QmkError as error:
                failed = error
                if wish.engine is not None or error.kind.name not in FALLBACKS:
                    raise
                left.append(_fallback(engine, method, error, time.perf_counter() - began))
                continue
            return _of_done(done, engine, method, version, seconds, uncertainty, choice.reasons, left)
        assert failed is not None, "the router chose an engine, and it was tried"
        raise failed

    def _choose(self, source: Source, wish: Wish, all_engines: bool) -> Choice:
        if self._routing is None:
            self._routing = _routing_of(self._external)
        self._routing.resize(memory_bytes())
        return self._routing.choose(
            source.graph,
            source.digest,
            wish.shots,
            wish.engine,
            wish.outputs,
            source.packed,
            all_engines=all_engines,
        )

    def _execute(self, source: Source, wish: Wish, engine: str, method: str, seconds: float) -> tuple[Done, str]:
        from qmk.sdk import interpreters

        away = wish.isolate is True or (wish.isolate == "long" and not _is_brief(engine, seconds))
        if away or interpreters.path_of(engine) is not None:
            return self._in_worker(source, wish, engine, method)
        assert self._routing is not None
        return _here(_runner(self._routing.declarations[engine]), source, wish, method)

    def _in_worker(self, source: Source, wish: Wish, engine: str, method: str) -> tuple[Done, str]:
        from qmk.host import machine
        from qmk.host.isolated import Isolated
        from qmk.worker.messages import Run

        if self._worker is None:
            self._worker = Isolated(machine.cpus(), self._external)
        self._fence += 1
        run = Run(
            fence=self._fence,
            digest=source.digest,
            graph=source.packed,
            method=method,
            shots=wish.shots,
            seed=wish.seed,
            keep_events=wish.keep_events,
            outputs=wish.outputs,
        )
        return self._worker.run(engine, run, deadline_s=wish.deadline_s, progress=wish.progress)


def _is_brief(engine: str, seconds: float) -> bool:
    """Whether a run need not be stopped: our own, and over before a worker had started."""
    from qmk.ir.prediction import SHORT_S

    return engine == "native" and seconds <= SHORT_S


def _fits(known: Known, shots: int, room: int) -> bool:
    """Whether there is a plan, by the method that was named, for which this machine has memory now."""
    try:
        return known.prepared.plan(shots).candidates[0]["memory_bytes"] <= room
    except (MemoryError, ValueError):  # ValueError: there is no such method
        return False


def _draw(known: Known, wish: Wish) -> Executed:
    """The shots of a program on the native core, here. Raises MemoryError."""
    cpu, began = time.process_time(), time.perf_counter()
    known.prepared.plan(wish.shots)
    planned = time.perf_counter()
    drawn = known.prepared.draw(wish.shots, wish.seed)
    counts = drawn.counts()
    ended = time.perf_counter()
    if wish.progress is not None:
        wish.progress(wish.shots)
    method = (wish.engine or "").partition(":")[2] or "auto"
    seconds = known.prepared.plan(wish.shots).seconds
    usage = {
        "engine_seconds": ended - began,
        "prepare_seconds": planned - began,
        "run_seconds": ended - planned,
        "cpu_seconds": time.process_time() - cpu,
    }
    return Executed(
        engine="native",
        method=method,
        counts=counts,
        version=native_version(),
        predicted_s=seconds,
        uncertainty=UNCERTAINTY,
        reasons=[],
        usage=usage,
        notes={**known.notes, **drawn.notes, **_accounts(known.notes, wish, usage)},
        drawn=drawn,
    )


def _accounts(notes: dict[str, Any], wish: Wish, usage: dict[str, Any]) -> dict[str, Any]:
    """What the program's channels delivered in these shots; ``usage`` gets the pairs."""
    if not notes:
        return {}
    from qmk.host.results import pairs_of
    from qmk.ir.channels import accounted

    found = accounted(notes, wish.shots, wish.seed)
    usage.update(pairs_of(found))
    return found


def native_version() -> str:
    import qmk_native

    return qmk_native.__version__


UNCERTAINTY = 3.0
"""The factor within which the core's own prediction is believed."""


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
        counts=done.counts,
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


def _rows(choice: Choice, wish: Wish, skip: str) -> Iterator[tuple[str, str, float, float]]:
    """(engine, method, predicted seconds, uncertainty) to try, in order."""
    rows = [
        (choice.engine, choice.method, choice.seconds, choice.uncertainty),
        *((row.engine, row.method, row.seconds, row.uncertainty) for row in choice.alternatives[: LIMITS.fallbacks]),
    ]
    for row in rows[: 1 if wish.engine else None]:
        if row[0] != skip:
            yield row


def _here(runner: Runner, source: Source, wish: Wish, method: str) -> tuple[Done, str]:
    """In this process. What is not a ``QmkError`` is the engine's own failure."""
    from qmk.worker.failure import failure

    load(runner)
    try:
        done = runner.execute(
            None if runner.holds(source.digest, method) else source.graph,
            method,
            wish.shots,
            wish.seed,
            digest=source.digest,
            keep_events=wish.keep_events,
            progress=wish.progress,
            outputs=wish.outputs,
            packed=source.packed,
        )
    except QmkError:
        raise
    except Exception as error:
        failed = failure(0, error)
        raise QmkError(failed.kind, failed.message, **failed.fields) from error
    return done, runner.version


_LOADING = threading.Lock()
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
    """Load an engine before its first run, in one thread at a time: two that import a library, or let it set itself up,
    at the same time may wait for each other for ever."""
    if id(runner) in _LOADED:
        return
    with _LOADING:
        if id(runner) not in _LOADED:
            runner.warm_up()
            _LOADED.add(id(runner))


def _routing_of(external: dict[str, External]) -> Routing:
    """The router of this process, made anew when the engines or their measured rates have changed."""
    from qmk.host.routing import Routing
    from qmk.router import rates

    if external:
        return Routing(memory_bytes(), 1, external)
    rating = rates.installed()
    with _LOADING:
        if not _ROUTING or _ROUTING[0][0] is not rating:
            _ROUTING[:] = [(rating, Routing(memory_bytes(), 1, {}))]
        return _ROUTING[0][1]
