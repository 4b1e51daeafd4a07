"""The contract of the launch port as checks that any launcher can be put through.

    import asyncio
    from qmk.host.launcher_kit import CHECKS

    for check in CHECKS:
        asyncio.run(check(make_launcher))

``make_launcher(listener)`` gives a fresh launcher that can run engine ``reference``; it is called on a running loop,
and its ``close`` method, if it has one, is awaited at the end. A check raises ``AssertionError``
naming the rule broken.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from qmk.host.launcher import Launcher, Listener, Loss
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.graph import Graph, Node, digest, pack
from qmk.worker.messages import Done, Failed, NotDone, Partial, StateSaved

PATIENCE_S = 60.0
SHOTS, SEED = 20, 3
Make = Callable[[Listener], Launcher]
Check = Callable[[Make], Awaitable[None]]


class Heard:
    """A listener that writes down what is said, launch by launch."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, int], list[Any]] = {}

    def _note(self, job: str, fence: int, what: Any) -> None:
        self.said.setdefault((job, fence), []).append(what)

    def on_started(self, job: str, fence: int) -> None:
        self._note(job, fence, "started")

    def on_progressed(
        self, job: str, fence: int, shots_done: int, epoch: int = 0, partial: Partial | None = None
    ) -> None:
        self._note(job, fence, "progressed")

    def on_saved(self, job: str, fence: int, saved: StateSaved) -> None:
        self._note(job, fence, saved)

    def on_not_done(self, job: str, fence: int, refusal: NotDone) -> None:
        self._note(job, fence, refusal)

    def on_done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        self._note(job, fence, done)

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        self._note(job, fence, failed)

    def on_calls_refused(self, launch: Launch, calls: dict[str, int]) -> None:
        pass  # no program of the kit makes any

    def of(self, launch: Launch) -> list[Any]:
        """All messages about a launch but progress and automatically saved states."""
        said = self.said.get((launch.job, launch.fence), [])
        return [what for what in said if what != "progressed" and not (isinstance(what, StateSaved) and not what.ref)]

    def has_ended(self, launch: Launch) -> bool:
        return any(is_end(what) for what in self.of(launch))


def is_end(what: Any) -> bool:
    """Whether a launch is over with this message."""
    return isinstance(what, (Done, Failed)) or (isinstance(what, StateSaved) and what.stopped)


def program(fences: int, gates: int = 1) -> Graph:
    """A program of two qubits, with this many fences, some work between them, and two random bits at the end."""
    nodes = [Node("a", "core.alloc", vqs=("q0", "q1")), Node("h", "core.h", vqs=("q0",))]
    for epoch in range(fences):
        nodes += [Node(f"x{epoch}_{n}", "core.cnot", vqs=("q0", "q1")) for n in range(gates)]
        nodes.append(Node(f"f{epoch}", "core.fence"))
    nodes += [Node(f"m{n}", "core.mx", vqs=(f"q{n}",), produces=(f"m{n}",)) for n in range(2)]
    nodes.append(Node("d", "core.free", vqs=("q0", "q1")))
    return Graph(nodes=tuple(nodes), vqs=("q0", "q1"), events=("m0", "m1"))


SHORT = program(1)
LONG = program(2000, 20)
"""A number of shots that takes long enough to be stopped on the way, and still ends."""


def launch_of(job: str, fence: int, graph: Graph) -> Launch:
    return Launch(job, fence, "reference", "", digest(graph), SHOTS, SEED, True, 1 << 20)


@asynccontextmanager
async def _under_test(make: Make) -> AsyncGenerator[tuple[Launcher, Heard]]:
    heard = Heard()
    launcher = make(heard)
    try:
        yield launcher, heard
    finally:
        close = getattr(launcher, "close", None)
        closing = close() if close is not None else None
        if inspect.isawaitable(closing):
            await closing


async def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        await asyncio.sleep(0.005)


async def a_launch_is_begun_once_and_ended_once(make: Make) -> None:
    async with _under_test(make) as (launcher, heard):
        launch = launch_of("job_a", 1, SHORT)
        launcher.launch(launch, pack(SHORT))
        await _until(lambda: heard.has_ended(launch), "the end of a launch")
        begun, end = heard.of(launch)
        assert begun == "started", "rule 2: a launch is begun before anything else is said of it"
        assert isinstance(end, Done), f"rule 2: it ends with its result, not with {end}"
        assert end.fence == launch.fence, "rule 1: what is said carries the number of the launch"
        assert sum(end.counts.values()) == SHOTS


async def launches_beyond_the_room_wait_and_run(make: Make) -> None:
    async with _under_test(make) as (launcher, heard):
        slots = launcher.capacity().slots
        launches = [launch_of(f"job_{n}", n + 1, SHORT) for n in range(slots + 2)]
        for launch in launches:
            launcher.launch(launch, pack(SHORT))
        now = launcher.capacity()
        assert now.running <= slots, "it says that more run than there is room for"
        assert now.running + now.waiting <= len(launches), "it counts launches that nobody made"
        await _until(lambda: all(heard.has_ended(launch) for launch in launches), "the end of every launch")
        counts = {tuple(sorted(heard.of(launch)[-1].counts.items())) for launch in launches}
        assert len(counts) == 1, "the same program, shots and seed give the same bits"
        assert launcher.capacity().running == launcher.capacity().waiting == 0


async def nothing_is_said_after_a_cancel(make: Make) -> None:
    async with _under_test(make) as (launcher, heard):
        first, second = launch_of("job_a", 1, LONG), launch_of("job_b", 2, SHORT)
        launcher.launch(first, pack(LONG))
        await _until(lambda: "started" in heard.of(first), "the start of a launch")
        launcher.cancel(first.job, first.fence)
        before = list(heard.said[first.job, first.fence])
        launcher.cancel(first.job, first.fence)
        launcher.cancel("job_none", 99)
        launcher.launch(second, pack(SHORT))
        await _until(lambda: heard.has_ended(second), "the end of the launch after it")
        assert heard.said[first.job, first.fence] == before, "rule 2: nothing after cancel"


async def a_launch_yields_at_a_fence_and_goes_on_from_its_state(make: Make) -> None:
    async with _under_test(make) as (launcher, heard):
        whole, part = launch_of("job_whole", 1, LONG), launch_of("job_part", 2, LONG)
        launcher.launch(whole, pack(LONG))
        launcher.launch(part, pack(LONG))
        launcher.interrupt(Interrupt(part.job, part.fence, "yield", "chk_a"))
        await _until(lambda: heard.has_ended(part), "the end of a launch that was asked to yield")
        begun, stopped = heard.of(part)
        assert begun == "started"
        assert isinstance(stopped, StateSaved), f"asked to yield, it ended with {stopped}"
        assert stopped.ref == "chk_a", "the answer names what was asked for"
        rest = launch_of("job_part", 3, LONG)
        launcher.launch(rest, pack(LONG), stopped.state)
        await _until(lambda: heard.has_ended(rest) and heard.has_ended(whole), "the end of both")
        ours, theirs = heard.of(rest)[-1], heard.of(whole)[-1]
        assert isinstance(ours, Done), f"from its state it ended with {ours}"
        assert (ours.counts, ours.event_bits) == (theirs.counts, theirs.event_bits), "bits of an undisturbed run"
        launcher.interrupt(Interrupt("job_none", 99, "save", "chk_b"))  # nobody answers for what is not there


async def what_runs_is_told_and_what_nobody_wants_is_stopped(make: Make) -> None:
    async with _under_test(make) as (launcher, heard):
        wanted, orphan = launch_of("job_wanted", 1, LONG), launch_of("job_orphan", 2, LONG)
        assert launcher.reconcile({"job_wanted": 1}) == [], "what was never launched does not run"
        launcher.launch(wanted, pack(LONG))
        launcher.launch(orphan, pack(LONG))
        kept = launcher.reconcile({"job_wanted": 0})
        assert kept == [(wanted.job, wanted.fence)], "what runs is told by job and number"
        said = list(heard.said.get((orphan.job, orphan.fence), []))
        await _until(lambda: heard.has_ended(wanted), "the end of the launch that was kept")
        assert heard.said.get((orphan.job, orphan.fence), []) == said, "a job that is no more is spoken of no more"


CHECKS: tuple[Check, ...] = (
    a_launch_is_begun_once_and_ended_once,
    launches_beyond_the_room_wait_and_run,
    nothing_is_said_after_a_cancel,
    a_launch_yields_at_a_fence_and_goes_on_from_its_state,
    what_runs_is_told_and_what_nobody_wants_is_stopped,
)
