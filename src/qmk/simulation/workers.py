"""The simulated launcher: workers that start, progress, finish, fail, die, and speak when nobody listens any more."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from qmk.host.host import Listener
from qmk.kernel.effects import Launch
from qmk.sdk.messages import Failed
from qmk.simulation.programs import done_of

REMEMBERED = 30
"""Launches of the past whose workers may still be heard."""


class Work:
    """One launch on its worker."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.started = False
        self.shots_done = 0

    def done(self, listener: Listener) -> None:
        launch = self.launch
        done = done_of(launch.fence, launch.digest, launch.seed, launch.shots, launch.keep_events)
        listener.done(launch, done, "1")


class SimLauncher:
    """Implements ``host.Launcher``. ``launched`` is told of every launch before anything else."""

    def __init__(self, listener: Listener, launched: Callable[[Launch, bytes], None]) -> None:
        self._listener = listener
        self._launched = launched
        self.running: dict[tuple[str, int], Work] = {}
        self.past: list[Work] = []

    def launch(self, launch: Launch, graph: bytes) -> None:
        self._launched(launch, graph)
        self.running[launch.job, launch.fence] = Work(launch)

    def kill(self, job: str, fence: int) -> None:
        work = self.running.pop((job, fence), None)
        if work is not None:
            self._remember(work)

    def _remember(self, work: Work) -> None:
        self.past.append(work)
        del self.past[:-REMEMBERED]

    def step(self, rng: Random, faults: float) -> str:
        """One worker does what it does next; what that was."""
        if not self.running:
            return ""
        work = rng.choice(list(self.running.values()))
        chance = rng.random()
        if not work.started and chance > 0.05 * faults:
            return self._start(work)
        if chance < 0.10 * faults:
            return self._end(work, "dies")
        if chance < 0.14 * faults:
            return self._end(work, "fails")
        if chance < 0.6 and work.shots_done < work.launch.shots:
            work.shots_done = rng.randint(work.shots_done + 1, work.launch.shots)
            self._listener.progressed(work.launch, work.shots_done)
            return f"{_name(work)} has {work.shots_done} shots"
        return self._end(work, "finishes")

    def finish_one(self, work: Work) -> None:
        """Without any fault: start if need be, then finish."""
        if not work.started:
            self._start(work)
        if (work.launch.job, work.launch.fence) in self.running:
            self._end(work, "finishes")

    def haunt(self, rng: Random) -> str:
        """A worker of a launch that is over is heard, or one that is out says something twice."""
        works = [*self.past, *(work for work in self.running.values() if work.started)]
        if not works:
            return ""
        work = rng.choice(works)
        launch, alive = work.launch, work not in self.past
        what = rng.choice(("started", "progressed") if alive else ("started", "progressed", "done", "failed", "died"))
        if what == "started":
            self._listener.started(launch)
        elif what == "progressed":
            self._listener.progressed(launch, rng.randint(1, launch.shots))
        elif what == "done":
            work.done(self._listener)
        else:
            self._listener.failed(launch, Failed(launch.fence, "JOB_FAILED", "late"), died=what == "died")
        return f"{_name(work)} says late: {what}"

    def _start(self, work: Work) -> str:
        work.started = True
        self._listener.started(work.launch)
        return f"{_name(work)} starts"

    def _end(self, work: Work, how: str) -> str:
        del self.running[work.launch.job, work.launch.fence]
        self._remember(work)
        if how == "finishes":
            work.done(self._listener)
        else:
            message = Failed(work.launch.fence, "JOB_FAILED", f"it {how}")
            self._listener.failed(work.launch, message, died=how == "dies")
        return f"{_name(work)} {how}"


def _name(work: Work) -> str:
    return f"worker of {work.launch.job[:8]}/{work.launch.fence}"
