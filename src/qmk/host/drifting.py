"""Answers to the kernel's ``Recalibrate``: has a calibration come into force since, and the program written anew.

The kernel asks at every fence it hears of, so that a look at the calibration must be cheap: here only its times are
read. It was read in full when the job's program was written first.
"""

from __future__ import annotations

import bisect
import functools
import logging
from collections.abc import Callable
from functools import partial

import msgspec

from qmk.base.errors import QmkError
from qmk.host.patches import Wish, Writing, Written
from qmk.host.translations import Wanted
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.rewriting import Recalibrated
from qmk.worker.messages import Rewrite

log = logging.getLogger("qmk.host")


class _Point(msgspec.Struct):
    time_s: float


class _Times(msgspec.Struct):
    points: list[_Point]


@functools.lru_cache(maxsize=64)
def times_of(calibration: str) -> tuple[float, ...]:
    """Seconds at which a calibration as JSON has points."""
    return tuple(point.time_s for point in msgspec.json.decode(calibration, type=_Times).points)


class Drifting:
    """``graph`` reads a job's packed graph. One program of a job is written at a time."""

    def __init__(
        self,
        graph: Callable[[str], bytes],
        writing: Writing,
        feed: Callable[[ev.Event], None],
        clock_ns: Callable[[], int],
    ) -> None:
        self._graph = graph
        self._writing = writing
        self._feed = feed
        self._clock_ns = clock_ns
        self._at_work: set[tuple[str, int]] = set()

    def look(self, effect: fx.Recalibrate) -> None:
        launch = effect.job, effect.fence
        began, now_s = effect.qec.began, self._clock_ns() / 1e9
        if began is None or launch in self._at_work:
            return
        if effect.keep:
            in_force = effect.since_s
        else:
            times = times_of(effect.qec.noise)
            in_force = times[max(0, bisect.bisect_right(times, now_s - began) - 1)]
            if in_force <= effect.since_s:  # a clock that was set back calls no older point into force
                return
        rewrite = Rewrite(effect.epoch, effect.footprint, in_force, effect.keep, effect.others)
        self._at_work.add(launch)
        try:
            wanted = Wanted(None, effect.tenant, all_rights=True)
            wish = Wish(self._graph(effect.job), effect.qec, effect.tenant, now_s, rewrite, wanted)
            self._writing.write(wish, partial(self._answer_written, effect, in_force))
        except Exception:
            log.exception("writing the program of %s anew failed", effect.job)
            self._at_work.discard(launch)

    def _answer_written(
        self, effect: fx.Recalibrate, in_force: float, written: Written | None, error: QmkError | None
    ) -> None:
        self._at_work.discard((effect.job, effect.fence))
        event = partial(Recalibrated, now_ns=self._clock_ns(), job=effect.job, fence=effect.fence, epoch=effect.epoch)
        if written is None:
            assert error is not None
            self._feed(event(calibrated_s=in_force, reason=error.message))
            return
        self._feed(
            event(calibrated_s=in_force, reason=written.reason, graph=written.graph, footprint=written.footprint)
        )
