"""What a run has given so far: counts of the shots that are done, values of the points that are done.

An engine reports the bits of shots that are done; they are counted only when somebody wants them now, and never take
more than a share of the run's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from qmk.ir import bits as classical
from qmk.ir.program import Program
from qmk.worker.messages import Partial

if TYPE_CHECKING:
    import qmk_native

    from qmk.qvm.graph import Output

EVERY_S = 0.25
SHARE = 0.05
"""Most of a run's time that showing what there is so far may take."""

MOST_OUTCOMES = 10_000


class Show(Protocol):
    """Shows what a run gave so far."""

    def wants(self) -> bool:
        """Whether it is time. What then takes long is counted from here."""
        ...

    def __call__(self, partial: Partial, /) -> None: ...


class Turns:
    """A ``Show`` that is wanted as often as its share of the run's time allows; ``send`` passes on."""

    def __init__(self, send: Callable[[Partial], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send, self._clock = send, clock
        self._next_s = clock() + EVERY_S
        self._began_s: float | None = None

    def wants(self) -> bool:
        now_s = self._clock()
        if now_s < self._next_s:
            return False
        if self._began_s is None:
            self._began_s = now_s
        return True

    def __call__(self, partial: Partial, /) -> None:
        self._send(partial)
        now_s = self._clock()
        took_s = 0.0 if self._began_s is None else now_s - self._began_s
        self._next_s, self._began_s = now_s + max(EVERY_S, took_s / SHARE), None


class Reports:
    """The progress of one run as its engine reports it: ``progress`` hears the shots that are done, ``show`` what they
    gave. ``program`` None: the engine reads the graph itself, and counts."""

    def __init__(
        self,
        progress: Callable[[int], None] | None,
        show: Show | None,
        program: Program | None,
        outputs: Sequence[Output],
        seed: int,
    ) -> None:
        self._progress, self._show = progress, show
        self._program, self._outputs, self._seed = program, list(outputs), seed

    @classmethod
    def of(cls, progress: Callable[[int], None] | None, show: Show | None, *rest: Any) -> Reports | None:
        """None where nobody hears it."""
        return None if progress is None and show is None else cls(progress, show, *rest)

    def __call__(self, shots_done: int, bits: classical.Bits | None = None, /) -> bool:
        wanted = self._hear(shots_done)
        if wanted and bits is not None and self._program is not None:
            finished = classical.finish(self._program, bits[:shots_done].copy(), self._seed)
            self._tell(shots_done, classical.counts(self._program.registers, finished))
        return wanted

    def of_core(self, shots_done: int, samples: qmk_native.Samples | None = None, /) -> bool:
        """The same for the samples of our core."""
        wanted = self._hear(shots_done)
        if wanted and samples is not None:
            self._tell(shots_done, samples.counts())
        return wanted

    def _hear(self, shots_done: int) -> bool:
        if self._progress is not None:
            self._progress(shots_done)
        return self._show is not None and self._show.wants()

    def _tell(self, shots_done: int, counts: dict[str, int]) -> None:
        assert self._show is not None
        notes: dict[str, Any] = {}
        if len(counts) > MOST_OUTCOMES:
            notes = {"partial": f"{len(counts)} outcomes so far, more than {MOST_OUTCOMES}: not shown before the end"}
            counts = {}
        self._show(Partial(shots_done, counts, self._outputs, notes=notes))
