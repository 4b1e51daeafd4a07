"""The simulated launcher and its workers: they start, pass fences, save, yield, rewind, progress, finish, fail, refuse,
die, go on without their daemon, and speak when nobody listens any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from random import Random

import msgspec

from qmk.host.launcher import Capacity, Listener, Loss
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.events import Cause
from qmk.qvm.graph import unpack
from qmk.simulation.programs import done_of
from qmk.worker.messages import Failed, NotDone, StateSaved

REFUSALS = ("UNSUPPORTED", "RESOURCE_EXHAUSTED")
"""Failures after which a job goes on with another engine."""

CAUSES: tuple[Cause, ...] = ("crashed", "crashed", "killed", "memory")
"""Why a worker dies, by the number of its launch."""

REMEMBERED = 30
"""Launches of the past whose workers may still be heard."""


class State(msgspec.Struct, frozen=True):
    """What a saved state holds: whoever goes on from it gives the bits of this program and seed, and no others.
    ``sent``: the name of what was sent, however a machine has written it since."""

    digest: str
    seed: int
    epoch: int
    sent: str = ""


@cache
def _fences_and_bytes(digest: str, graph: bytes) -> tuple[int, str]:
    """Fences of a program, and the name of what was sent if a machine has written it."""
    found = unpack(graph)
    fences = sum(node.op == "core.fence" for node in found.nodes)
    return fences, str(found.metadata.get("name", "")) if "qec" in found.metadata else ""


class Work:
    """One launch on its worker. ``epoch``: epochs of the program that are behind it. ``stale``: the state that it was
    to go on from is of the program before it was written anew."""

    def __init__(self, launch: Launch, graph: bytes, state: bytes | None) -> None:
        self.launch = launch
        fences, self.sent = _fences_and_bytes(launch.digest, graph)
        self.fences = fences if launch.save_fences else 0
        found = State(launch.digest, launch.seed, 0) if state is None else msgspec.json.decode(state, type=State)
        self.digest, self.seed, self.epoch = found.digest, found.seed, found.epoch
        self.stale = bool(found.sent) and found.sent == self.sent and found.digest != launch.digest
        self.started = False
        self.shots_done = 0
        self.asked: list[Interrupt] = []

    @property
    def name(self) -> str:
        return f"worker of {self.launch.job[:12]}/{self.launch.fence & 0xFFFF}"

    @property
    def key(self) -> tuple[str, int]:
        return self.launch.job, self.launch.fence

    def state(self, epoch: int) -> bytes:
        return msgspec.json.encode(State(self.digest, self.seed, epoch, self.sent))

    def state_saved(self, ref: str, epoch: int, stopped: bool = False) -> StateSaved:
        return StateSaved(self.launch.fence, ref, epoch, self.shots_done, self.state(epoch), stopped)

    def tell_done(self, listener: Listener, hedged: bool = False) -> None:
        """``hedged``: the launch's second engine, if it has one, is done first."""
        launch = self.launch
        done = done_of(launch.fence, self.digest, self.seed, launch.shots, launch.keep_events)
        listener.on_done(*self.key, done, "1", launch.hedge if hedged else None)

    def tell_failed(self, listener: Listener, died: bool, kind: str = "JOB_FAILED") -> None:
        cause = CAUSES[self.launch.fence % len(CAUSES)]
        if died and cause == "memory":
            kind = "RESOURCE_EXHAUSTED"
        failed = Failed(self.launch.fence, kind, "it died" if died else "it failed")
        listener.on_failed(*self.key, failed, Loss(cause) if died else None)


class Cluster:
    """Where launches run. It may outlive daemons (``outlives``), as a cluster does and a pool of processes does not."""

    def __init__(self, outlives: bool) -> None:
        self.outlives = outlives
        self.running: dict[tuple[str, int], Work] = {}
        self.past: list[Work] = []

    def end(self, work: Work) -> None:
        del self.running[work.key]
        self.past.append(work)
        del self.past[:-REMEMBERED]

    def daemon_gone(self) -> None:
        for work in [] if self.outlives else list(self.running.values()):
            self.end(work)


class SimLauncher:
    """Implements ``host.launcher.Launcher``. ``launched`` is told of every launch before anything else."""

    def __init__(
        self, cluster: Cluster, listener: Listener, slots: int, launched: Callable[[Launch, bytes], None]
    ) -> None:
        self._cluster = cluster
        self._listener = listener
        self._slots = slots
        self._launched = launched

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        self._launched(launch, graph)
        work = Work(launch, graph, state)
        self._cluster.running[work.key] = work

    def interrupt(self, interrupt: Interrupt) -> None:
        work = self._cluster.running.get((interrupt.job, interrupt.fence))
        if work is not None:
            work.asked.append(interrupt)

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        work = self._cluster.running.get((job, fence))
        if work is not None:
            self._cluster.end(work)

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        for work in list(self._cluster.running.values()):
            if work.launch.job not in fences:
                self._cluster.end(work)
        return list(self._cluster.running)

    def capacity(self) -> Capacity:
        return Capacity(self._slots, len(self._cluster.running), 0)

    def waited_s(self, job: str, fence: int) -> float:
        """Every simulated worker has a processor of its own."""
        return 0.0

    def step(self, rng: Random, faults: float) -> str:
        """One worker does what it does next; what that was."""
        works = list(self._cluster.running.values())
        if not works:
            return ""
        work = rng.choice(works)
        chance = rng.random()
        if not work.started and chance > 0.05 * faults:
            return self._start(work)
        if chance < 0.08 * faults:
            return self._fail(work, died=True)
        if chance < 0.14 * faults:
            return self._fail(work, died=False, kind=rng.choice(("JOB_FAILED", *REFUSALS)))
        if work.started and work.epoch < work.fences:
            return self._pass_fence(work, rng)
        if work.asked and chance < 0.5:
            return self._decline(work)
        if chance < 0.6 and work.shots_done < work.launch.shots:
            work.shots_done = rng.randint(work.shots_done + 1, work.launch.shots)
            self._listener.on_progressed(*work.key, work.shots_done, work.epoch)
            return f"{work.name} has {work.shots_done} shots"
        return self._finish(work, hedged=rng.random() < 0.5)

    def finish_one(self, work: Work) -> None:
        """Without any fault: do the next thing that brings it nearer to its end."""
        if not work.started:
            self._start(work)
        elif work.epoch < work.fences:
            self._pass_fence(work, Random(0))
        else:
            self._finish(work)

    def _start(self, work: Work) -> str:
        work.started = True
        self._listener.on_started(*work.key)
        if work.stale and work.key in self._cluster.running:
            self._cluster.end(work)
            failed = Failed(work.launch.fence, "UNSUPPORTED", "the state is of another program", {"start": True})
            self._listener.on_failed(*work.key, failed, None)
        return f"{work.name} starts"

    def _finish(self, work: Work, hedged: bool = False) -> str:
        if not work.started:
            self._start(work)
        if work.key in self._cluster.running:
            self._cluster.end(work)
            work.tell_done(self._listener, hedged)
        return f"{work.name} finishes"

    def _fail(self, work: Work, died: bool, kind: str = "JOB_FAILED") -> str:
        self._cluster.end(work)
        work.tell_failed(self._listener, died, kind)
        return f"{work.name} {'dies' if died else f'fails: {kind}'}"

    def _decline(self, work: Work) -> str:
        """It has no fence left at which it could do what it was asked."""
        asked = work.asked.pop(0)
        refusal = NotDone(work.launch.fence, asked.ref, "no fence is left", work.epoch)
        self._listener.on_not_done(*work.key, refusal)
        return f"{work.name} declines to {asked.kind}"

    def _pass_fence(self, work: Work, rng: Random) -> str:
        work.epoch += 1
        did: list[str] = []
        while work.asked and work.key in self._cluster.running:
            did.append(self._obey(work, work.asked.pop(0), rng))
        idle = not did
        if work.key in self._cluster.running and Random(f"told {work.key} {work.epoch}").random() < 0.9:
            self._listener.on_progressed(*work.key, work.shots_done, work.epoch)
            did.append("says so")
        if idle and rng.random() < 0.5 and work.key in self._cluster.running:
            self._listener.on_saved(*work.key, work.state_saved("", work.epoch))
            did.append("saves")
        return f"{work.name} passes fence {work.epoch} of {work.fences} {', '.join(did)}"

    def _obey(self, work: Work, asked: Interrupt, rng: Random) -> str:
        if asked.kind == "save":
            self._listener.on_saved(*work.key, work.state_saved(asked.ref, work.epoch))
        elif asked.kind == "yield":
            self._cluster.end(work)
            self._listener.on_saved(*work.key, work.state_saved(asked.ref, work.epoch, stopped=True))
        elif asked.epoch <= work.epoch and rng.random() < 0.6:
            self._cluster.end(work)
            self._listener.on_saved(*work.key, work.state_saved(asked.ref, asked.epoch, stopped=True))
        else:
            refusal = NotDone(work.launch.fence, asked.ref, "it cannot be undone", work.epoch)
            self._listener.on_not_done(*work.key, refusal)
        return f"{asked.kind} as asked"

    def haunt(self, rng: Random) -> str:
        """A worker of a launch that is over is heard, or one that is out says something twice."""
        past = self._cluster.past
        works = [*past, *(work for work in self._cluster.running.values() if work.started)]
        if not works:
            return ""
        work = rng.choice(works)
        alive = work not in past
        says = ("started", "progressed")
        what = rng.choice(says if alive else (*says, "done", "failed", "refused", "died", "saved", "no"))
        if what == "started":
            self._listener.on_started(*work.key)
        elif what == "progressed":
            self._listener.on_progressed(*work.key, rng.randint(0, work.launch.shots), rng.randint(0, work.fences))
        elif what == "done":
            work.tell_done(self._listener)
        elif what == "saved":
            stopped = rng.random() < 0.5
            self._listener.on_saved(*work.key, work.state_saved("", rng.randint(0, work.fences), stopped))
        elif what == "no":
            self._listener.on_not_done(*work.key, NotDone(work.launch.fence, "chk_none", "late"))
        else:
            kind = "UNSUPPORTED" if what == "refused" else "JOB_FAILED"
            work.tell_failed(self._listener, died=what == "died", kind=kind)
        return f"{work.name} says late: {what}"
