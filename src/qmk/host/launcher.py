"""The launch port: six calls, and one to stop at a fence, between the host and whatever runs the work.

The local pool of worker processes is one launcher; a cluster's engine (Ray, Slurm, a vendor's queue) is another. A
launcher is muscle without memory: the truth is the journal, so it may lose everything it runs, and may run nothing that
it was not told to. ``host.launcher_kit`` holds the contract as tests that any launcher can be put through.

The rules:

1. A launch is named by its job and its fence number, which is never used twice, over restarts too.
2. Of every launch the listener hears ``started``, then any number of ``progressed``, ``saved`` and ``not_done``, then
   one end: ``done``, ``failed``, or ``saved`` with ``stopped``. Nothing after an end, nothing after ``cancel``, but
   for the system calls that were refused.
3. Several launches of one job may exist for a moment (a lost node comes back). The listener tells them apart by fence;
   the launcher need not.
4. A launcher with an idle worker may start ``Launch.hedge`` beside the launch; the first result is the launch's. It
   may as well not.
5. Calls return at once; whatever takes long is told to the listener later, on the host's own thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.events import Cause
from qmk.kernel.objects.alternative import Alternative
from qmk.worker.messages import Ask, Blocks, Done, Failed, NotDone, Partial, Run, StateSaved


class Capacity(msgspec.Struct, frozen=True):
    """``slots`` launches can run at once, ``running`` do, ``waiting`` were accepted and do not yet. ``workers``:
    processes, or slots of a cluster, that exist."""

    slots: int
    running: int
    waiting: int
    workers: int = 0


class Loss(msgspec.Struct, frozen=True):
    """A launch that was lost with its process or node, so that the work may be tried again: why, and how many went down
    at once."""

    cause: Cause = "crashed"
    workers: int = 1


class Launcher(Protocol):
    """Runs launches."""

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        """Run it as soon as there is room. ``graph`` is packed; ``state`` is what ``launch.start_from`` names, None for
        a run from the start. With ``launch.elsewhere`` it runs in another process than the job's last launch."""
        ...

    def interrupt(self, interrupt: Interrupt) -> None:
        """Have the launch save, yield or rewind at its next fence; answered by ``saved`` or ``not_done``, or by the
        launch's end. One that is no longer there is not answered."""
        ...

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        """Stop that launch wherever it is; within ``grace_s`` it may be left to end by itself."""
        ...

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        """The daemon has started. ``fences`` are the jobs that have not ended, each with the launch that the journal
        knows of, or 0. Gives the launches of these jobs that still run or are about to, whose events will come; stops
        all others."""
        ...

    def capacity(self) -> Capacity:
        """How much room there is."""
        ...

    def waited_s(self, job: str, fence: int) -> float:
        """Seconds for which the launch was ready to run and had no processor, 0 where that is not known. They count for
        nothing in its time slice, so that a busy machine is not taken for a slow engine."""
        ...


class Listener(Protocol):
    """Hears what becomes of launches; the host is a listener."""

    def on_started(self, job: str, fence: int) -> None: ...
    def on_progressed(
        self, job: str, fence: int, shots_done: int, epoch: int = 0, partial: Partial | None = None
    ) -> None:
        """``epoch``: epochs of the program behind the shots under way, in a fenced run. ``partial``: what they gave so
        far, where it is told."""
        ...

    def on_saved(self, job: str, fence: int, saved: StateSaved) -> None: ...
    def on_not_done(self, job: str, fence: int, refusal: NotDone) -> None: ...
    def on_done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        """``hedge``: the launch's second engine (``Launch.hedge``) gave it."""
        ...

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        """``loss`` None: the engine itself says so."""
        ...

    def on_calls_refused(self, launch: Launch, calls: dict[str, int]) -> None:
        """The isolation of its worker refused so many system calls of each name; soon after its end at the latest."""
        ...


def plan_name(launch: Launch) -> str:
    """The name under which a worker keeps its plan of the launch's program: a tenant has its own, see
    ``Runner.prepare``."""
    return f"{launch.tenant} {launch.digest}"


def run_of(launch: Launch, graph: bytes | None, state: bytes | None) -> Run:
    """The launch as a worker reads it; ``graph`` None when the worker holds it."""
    return Run(
        fence=launch.fence,
        digest=launch.digest,
        graph=graph,
        method=launch.method,
        shots=launch.shots,
        seed=launch.seed,
        keep_events=launch.keep_events,
        start=state,
        save_fences=launch.save_fences,
        outputs=launch.outputs,
        partials=True,
        scope=launch.tenant,
        blocks=Blocks(launch.blocks, launch.engine, launch.policy) if launch.blocks else None,
    )


def ask_of(interrupt: Interrupt) -> Ask:
    """The interrupt as a worker reads it."""
    return Ask(interrupt.fence, interrupt.ref, interrupt.kind, interrupt.epoch)
