"""Drives a fenced run in a worker: at every fence it reads the host's requests, saves the state if that is worth it,
and goes on."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from qmk.base.limits import LIMITS
from qmk.base.units import bytes_text
from qmk.sdk.engine import Execution, FencedPlan, Unsupported
from qmk.worker.messages import Ask, NotDone, Run, RunProgress, StateSaved, ToWorker
from qmk.worker.wire import Channel

PROGRESS_EVERY_S = 0.05
SAVING_SHARE = 0.05
"""The share of a run's time that automatic saving may take."""

SAVING_FREE_S = 4e-3
"""Seconds of saving that any run may take, however short."""

SAVE_LEAST_S = 1e-3
"""The least time that one save counts for, since the host has work with it too."""

KEPT_BYTES = 64 << 20
"""Bytes of saved states that the worker keeps for rewinding."""


class Stopped(Exception):
    """A run ended at a fence because the host asked for it. Its state has been sent, and there is no result."""


class SavingBudget:
    """Decides when to save automatically: saving takes at most ``SAVING_SHARE`` of the run's time, judged by the last
    save."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_s = clock()
        self._spent_s = 0.0
        self._last_s = SAVE_LEAST_S

    def allows(self) -> bool:
        earned_s = SAVING_FREE_S + SAVING_SHARE * (self._clock() - self._began_s)
        return self._spent_s + self._last_s <= earned_s

    def spend(self, seconds: float) -> None:
        """Records how long a save took."""
        self._last_s = max(seconds, SAVE_LEAST_S)
        self._spent_s += self._last_s


class FenceDriver:
    """The worker's ``Drive`` of one ``Run``."""

    def __init__(self, channel: Channel[ToWorker], run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._run = run
        self._clock = clock
        self._budget = SavingBudget(clock)
        self._next_progress_s = clock() + PROGRESS_EVERY_S
        self._kept: OrderedDict[int, StateSaved] = OrderedDict()

    def __call__(self, plan: FencedPlan, execution: Execution, /) -> Execution:
        while execution.advance():
            self._progress(execution)
            if execution.shots_done == self._run.shots:
                continue  # nothing is left to save or stop: what is asked now, the result answers
            self._listen(execution)
            if self._run.save_fences and self._budget.allows():
                self._save_unasked(execution)
        return execution

    def _progress(self, execution: Execution) -> None:
        now_s = self._clock()
        if now_s >= self._next_progress_s:
            self._next_progress_s = now_s + PROGRESS_EVERY_S
            self._channel.send(RunProgress(self._run.fence, execution.shots_done, execution.epoch))

    def _listen(self, execution: Execution) -> None:
        """Carries out the requests that came since the last fence. Raises ``Stopped``."""
        while (message := self._channel.waiting()) is not None:
            if not isinstance(message, Ask):
                self._channel.put_back(message)  # for after this run
                return
            if message.fence == self._run.fence:
                self._do(execution, message)

    def _do(self, execution: Execution, ask: Ask) -> None:
        if ask.kind == "save":
            self._save(execution, ask.ref)
        elif ask.kind == "yield":
            if self._save(execution, ask.ref, stopped=True):
                raise Stopped
        elif ask.kind == "rewind":
            self._rewind(execution, ask)
        else:
            self._refuse(ask.ref, f"a worker cannot '{ask.kind}'; it can save, yield and rewind")

    def _rewind(self, execution: Execution, ask: Ask) -> None:
        """Undoes gates back to the fence, or else restores the state saved there."""
        here = execution.epoch
        if ask.epoch > here:
            self._refuse(
                ask.ref, f"the run is at the end of epoch {here} and has not come to that of {ask.epoch}", here
            )
        elif execution.rewind(ask.epoch):
            if self._save(execution, ask.ref, stopped=True):
                raise Stopped
        elif (kept := self._kept.get(ask.epoch)) is not None:
            self._channel.send(
                StateSaved(self._run.fence, ask.ref, kept.epoch, kept.shots_done, kept.state, stopped=True)
            )
            raise Stopped
        else:
            self._refuse(
                ask.ref,
                f"the run cannot go back from the end of epoch {here} to that of {ask.epoch}: a measurement, a reset "
                "or a random choice lies between, and no state saved there is at hand",
                here,
            )

    def _save(self, execution: Execution, ref: str, stopped: bool = False) -> bool:
        """Sends the state. If that is impossible, says why and gives False."""
        try:
            state = state_of(execution)
        except Unsupported as error:
            self._refuse(ref, f"the state cannot be saved: {error}")
            return False
        self._send(execution, state, ref, stopped)
        return True

    def _save_unasked(self, execution: Execution) -> None:
        began_s = self._clock()
        try:
            self._send(execution, state_of(execution))
        except Unsupported:
            self._budget.spend(math.inf)  # it will be no smaller later, and nobody waits for an answer
        else:
            self._budget.spend(self._clock() - began_s)

    def _send(self, execution: Execution, state: bytes, ref: str = "", stopped: bool = False) -> None:
        saved = StateSaved(self._run.fence, ref, execution.epoch, execution.shots_done, state, stopped)
        self._channel.send(saved)
        self._keep(saved)

    def _keep(self, saved: StateSaved) -> None:
        """Keep the newest states, as many as ``KEPT_BYTES`` hold."""
        self._kept[saved.epoch] = saved
        self._kept.move_to_end(saved.epoch)
        while sum(len(kept.state) for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)

    def _refuse(self, ref: str, why: str, epoch: int = -1) -> None:
        self._channel.send(NotDone(self._run.fence, ref, why, epoch))


def state_of(execution: Execution) -> bytes:
    """The saved state of a run. Raises ``Unsupported`` when it is too large to keep."""
    try:
        state = execution.save()
    except MemoryError:
        raise Unsupported("memory is short") from None
    if len(state) > LIMITS.checkpoint_bytes:
        allowed = bytes_text(LIMITS.checkpoint_bytes)
        raise Unsupported(f"it takes {bytes_text(len(state))}, and the limit 'checkpoint_bytes' is {allowed}")
    return state
