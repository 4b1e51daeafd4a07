"""``qmk.run`` runs a program in this process and gives its result. No daemon is needed and none is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast, overload

from qmk.base.errors import QmkError
from qmk.base.isolation import parse
from qmk.request import arguments
from qmk.request.batches import is_batch
from qmk.request.options import RunOptions, read_options
from qmk.request.progress import showing
from qmk.request.signature import takes
from qmk.request.warn import warn_of_no_bits

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.api.execution import Executor
    from qmk.client.batch import CountsBatch
    from qmk.client.result import Result
    from qmk.host import spawn
    from qmk.request.batches import BatchLike
    from qmk.request.keywords import EmbeddedRunKeywords, RunKeywords
    from qmk.request.program import ProgramLike
    from qmk.request.sweeps import PointsLike


class Embedded:
    """Runs programs in this process, one at a time, as the daemon would: read, verified, routed and run.

    ``isolate`` runs engines in a worker process: the script's memory stays apart from the engine's, ``timeout_ms``
    works, and Ctrl-C really stops the run. ``engine_hint`` starts the worker of that engine at once, so that it loads
    while the program is still being read; a wrong hint costs a process start. ``engines`` are engines that are not
    installed. ``isolation`` is the level of the worker: ``process``, ``jail``, or ``auto`` for the strongest that the
    host and the engine have; a level that cannot be had is refused with the reason. Close it, or use it as a context.
    """

    def __init__(
        self,
        *,
        isolate: bool = False,
        engine_hint: str = "",
        engines: dict[str, spawn.External] | None = None,
        isolation: str = "",
    ) -> None:
        arguments.switch("isolate", isolate)
        arguments.text("isolation", isolation)
        parse(isolation)
        arguments.text("engine_hint", engine_hint)
        if engines is not None:
            arguments.mapping("engines", engines)
        self._isolate = isolate or bool(isolation)
        self._isolation = isolation
        self._engines = engines or {}
        self._hinted: tuple[str, spawn.Child] | None = None
        self._executor: Executor | None = None
        if isolate and engine_hint:
            self.prestart(engine_hint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker, if there is one. Results stay usable."""
        if self._executor is not None:
            self._executor.close()
        if self._hinted is not None:
            self._hinted[1].end()
        self._executor = self._hinted = None

    def prestart(self, engine: str) -> None:
        """Starts the worker of ``engine`` in the background, unless there is a worker already."""
        if self._isolate and not self._isolation and self._executor is None and self._hinted is None:
            from qmk.host import machine, spawn

            with spawn.hold_interrupts():
                self._hinted = (engine, spawn.worker(engine, machine.cpus(), self._engines.get(engine)))

    def _ready(self) -> Executor:
        if self._executor is None:
            from qmk.api.execution import Executor

            worker = None
            if self._hinted is not None:
                from qmk.host import machine
                from qmk.host.isolated import Isolated

                worker = Isolated(machine.cpus(), self._engines, self._hinted)
            self._executor = Executor(self._engines, worker, self._isolate, self._isolation)
            self._hinted = None
        return self._executor

    @takes("Embedded.run")
    def run(self, program: ProgramLike, **keywords: Unpack[EmbeddedRunKeywords]) -> Result:
        """Run a program and give its result; see ``qmk.run``."""
        return self._run(program, read_options("Embedded.run", keywords))

    def _run(self, program: ProgramLike, options: RunOptions) -> Result:
        if options.timeout_ms is not None and not self._isolate:
            raise QmkError(
                "INVALID_PARAMS",
                "a time limit needs a worker process that can be stopped",
                field="timeout_ms",
                help="use Embedded(isolate=True)",
            )
        from qmk.api.results import result_of
        from qmk.api.source import Source

        with showing(options) as options:
            source = Source(program, options)
            executed = self._ready().run(source)
            if options.outputs is None and executed.prints_nothing:
                warn_of_no_bits()
            return result_of(executed, source)


@overload
def run(program: ProgramLike, points: None = None, **keywords: Unpack[RunKeywords]) -> Result: ...


@overload
def run(program: ProgramLike, points: PointsLike, **keywords: Unpack[RunKeywords]) -> CountsBatch[Result]: ...


@overload
def run(
    program: BatchLike, points: PointsLike | None = None, **keywords: Unpack[RunKeywords]
) -> CountsBatch[Result]: ...


@takes("qmk.run")
def run(program: ProgramLike | BatchLike, points: PointsLike | None = None, **keywords: Unpack[RunKeywords]) -> Any:
    """Run a program here and give its counts and per-shot events.

    ``program`` is a ``Circuit``, the path of a file, source text in any format QMK reads, or a ``Graph``. The same
    program, shots, seed and engine give the same bits, here and on a daemon. ``noise`` may also be a ``NoiseModel``, or
    for programs of evolutions a ``models.atoms.AtomNoise``. ``timeout_ms`` runs the engine in a process of its own, as
    ``isolate`` does.

    A list or tuple of programs gives a ``Batch``: a sequence with the result of each. ``points``, as those of
    ``qmk.sweep``, gives one with a result for each point of the program or programs; a pair ``(program, points)`` in
    the list has points of its own. Entry i gives the bits of a run with the seed ``substream(seed, "batch", i)``.

    Raises ``QmkError``: INVALID_GRAPH with findings, INVALID_PARAMS for an option that cannot be honoured, UNSUPPORTED
    with the gaps of every engine, RESOURCE_EXHAUSTED with the memory needed, TIMEOUT, JOB_FAILED; of a batch the first
    one, with its entry in the field ``entry``.
    """
    options = read_options("qmk.run", keywords)
    with Embedded(isolate=options.isolate or options.timeout_ms is not None) as kernel:
        run_one = kernel._run  # pyright: ignore[reportPrivateUsage]  # of the class above
        if is_batch(program, points):
            from qmk.api.batches import draw_batch

            return draw_batch(program, points, options, run_one)
        return run_one(cast("ProgramLike", program), options)
