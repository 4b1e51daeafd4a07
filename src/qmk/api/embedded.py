"""``qmk.run``: a program in, a result out, in this very process. No daemon is needed and none is started."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.api.execution import Executor
    from qmk.client.result import Result
    from qmk.host import spawn
    from qmk.models.qec.logical import Machine
    from qmk.qvm.outputs import Outputs
    from qmk.request.physical import NoiseLike
    from qmk.request.program import ProgramLike


class Embedded:
    """Runs programs in this process, one at a time, as the daemon would: read, verified, routed and run.

    ``isolate`` runs engines in a worker process: the script's memory stays apart from the engine's, ``timeout_ms``
    works, and Ctrl-C really stops the run. ``engine_hint`` starts the worker of that engine at once, so that it loads
    while the program is still being read; a wrong hint costs a process start. ``engines`` are engines that are not
    installed. Close it, or use it as a context.
    """

    def __init__(
        self, *, isolate: bool = False, engine_hint: str = "", engines: dict[str, spawn.External] | None = None
    ) -> None:
        self._isolate = isolate
        self._engines = engines or {}
        self._hinted: tuple[str, spawn.Child] | None = None
        self._executor: Executor | None = None
        if isolate and engine_hint:
            self.prestart(engine_hint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker, if there is one. Results stay usable."""
        if self._executor is not None:
            self._executor.close()
        if self._hinted is not None:
            self._hinted[1].end()
        self._executor = self._hinted = None

    def prestart(self, engine: str) -> None:
        """Start the worker of ``engine`` now, beside whatever else is being done, unless there is a worker already."""
        if self._isolate and self._executor is None and self._hinted is None:
            from qmk.host import machine, spawn

            self._hinted = (engine, spawn.worker(engine, machine.cpus(), self._engines.get(engine)))

    def _ready(self) -> Executor:
        if self._executor is None:
            from qmk.api.execution import Executor

            worker = None
            if self._hinted is not None:
                from qmk.host import machine
                from qmk.host.isolated import Isolated

                worker = Isolated(machine.cpus(), self._engines, self._hinted)
            self._executor, self._hinted = Executor(self._engines, worker), None
        return self._executor

    def run(
        self,
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
        timeout_ms: int | None = None,
        keep_events: bool = True,
        outputs: Outputs | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Run a program and give its result; see ``qmk.run``."""
        if timeout_ms is not None and not self._isolate:
            raise QmkError(
                "INVALID_PARAMS",
                "a time limit needs a worker process that can be stopped",
                field="timeout_ms",
                help="use Embedded(isolate=True)",
            )
        from qmk.api.execution import Wish
        from qmk.api.results import result_of
        from qmk.api.source import Source
        from qmk.request.options import RunOptions
        from qmk.request.shots import seed_of

        options = RunOptions(
            shots=shots, seed=seed, engine=engine, params=params, format=format, noise=noise, error=error, qec=qec,
            device=device, timeout_ms=timeout_ms, keep_events=keep_events, outputs=outputs, progress=progress,
        )  # fmt: skip
        deadline_s = None if timeout_ms is None else time.monotonic() + timeout_ms / 1e3
        source = Source(program, options)
        wish = Wish(
            shots=source.shots,
            seed=seed_of(options.seed),
            engine=engine,
            keep_events=keep_events and (outputs is None or outputs.counts),
            outputs=outputs,
            isolate=self._isolate,
            deadline_s=deadline_s,
            progress=progress,
        )
        return result_of(self._ready().run(source, wish), source, wish)


def run(
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
    isolate: bool = False,
    timeout_ms: int | None = None,
    keep_events: bool = True,
    outputs: Outputs | None = None,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Run a program here and give its counts and per-shot events.

    ``program`` is a ``Graph``, the path of a file, or source text in any format QMK reads. ``shots`` None takes the
    program's own default, else 1000. The same program, shots, seed and engine give the same bits, here and on a daemon;
    ``seed`` None draws one, and the result tells it. ``engine`` forces an engine instead of the router's choice.
    ``params`` sets the program's inputs. ``noise`` is a ``NoiseModel``, the path of its JSON file or a short form
    such as "depolarizing=1e-3"; for programs of evolutions ``models.atoms.AtomNoise`` or the name of one, such as
    "aquila"; "device": that of ``device``. ``error`` in place of ``shots``: as many as keep the standard error of every
    probability at or below it. ``qec``, such as "surface(d=9)": run on logical qubits of this code, ``noise`` being
    that of their physical qubits. ``device``, such as "zoned": run what this device of neutral atoms makes of it,
    waits, moves and noise included. ``isolate`` (and ``timeout_ms``, which needs it) runs the engine in a process of
    its own. ``outputs`` (``qmk.outputs`` makes them): what ``values`` of the result shall hold beyond counts.
    ``progress`` is called with the number of shots done, now and then.

    Raises ``QmkError``: INVALID_GRAPH with findings, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED with
    the memory needed, TIMEOUT, JOB_FAILED.
    """
    with Embedded(isolate=isolate or timeout_ms is not None) as kernel:
        return kernel.run(
            program,
            shots=shots,
            seed=seed,
            engine=engine,
            params=params,
            format=format,
            noise=noise,
            error=error,
            qec=qec,
            device=device,
            timeout_ms=timeout_ms,
            keep_events=keep_events,
            outputs=outputs,
            progress=progress,
        )
