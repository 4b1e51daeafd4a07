"""Launches: what a launcher says reaches the journal, whenever it says it, and a full disk is nobody's fault."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.host.blobs import MemoryBlobs
from qmk.host.launcher import Loss
from qmk.host.launches import Launches, Sources
from qmk.host.states import States
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.effects import Kill
from qmk.simulation.disk import Disk, SimJournal
from qmk.worker.messages import Done, Failed, Partial, StateSaved


class FullDisk(MemoryBlobs):
    def put(self, data: bytes, tenant: str = "") -> str:
        raise QmkError("RESOURCE_EXHAUSTED", "cannot keep 3 bytes in /a/folder: no space", errno=errno.ENOSPC)


class Killer:
    """A launcher that only kills."""

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        assert (job, fence) == ("job_1", 7)


class Desk:
    """Launches over a host that collects events, and may be amid another step."""

    def __init__(self, blobs: MemoryBlobs | None = None) -> None:
        self.turn: deque[Callable[[], None]] = deque()
        self.later: list[Callable[[], None]] = []
        self.events: list[Any] = []
        sources = Sources(lambda: 5, lambda size: bytes(size), lambda job: b"graph", lambda blob: False)
        journal = SimJournal(Disk())
        journal.blobs = MemoryBlobs() if blobs is None else blobs
        self.launches = Launches(
            self.events.append,
            sources,
            States(journal),
            self.turn.append,
            lambda unwanted: False,
            self.later.append,
        )

    def finish_turn(self) -> None:
        while self.turn:
            self.turn.popleft()()


def done(fence: int) -> Done:
    return Done(
        fence=fence,
        counts={"0": 1},
        registers=[],
        event_names=[],
        event_widths=[],
        event_bits=b"",
        shots=1,
        prepare_s=0.0,
        run_s=0.1,
        cpu_s=0.1,
        peak_rss_bytes=1,
        notes={},
    )


def state(stopped: bool) -> StateSaved:
    return StateSaved(fence=7, ref="chk_1", epoch=2, shots_done=0, state=b"abc", stopped=stopped)


def test_a_result_said_amid_another_step_is_there_when_its_end_is_recorded():
    desk = Desk()
    desk.launches.on_done("job_1", 7, done(7), "1")
    (event,) = desk.events
    assert isinstance(event, ev.Finished)
    assert ("job_1", 7) in desk.launches.arrived, "the host has yet to come to the event"
    desk.finish_turn()
    assert desk.launches.arrived == {}, "what the kernel did not want is not kept"


def test_a_state_that_the_disk_refuses_fails_nothing_and_tells_no_folder():
    desk = Desk(FullDisk())
    desk.launches.on_saved("job_1", 7, state(stopped=True))
    (event,) = desk.events
    assert event == ev.NotSaved(
        now_ns=5,
        job="job_1",
        fence=7,
        message="a state of 3 bytes cannot be kept: no space left on device",
        stopped=True,
    )
    desk.launches.on_saved("job_1", 7, state(stopped=False))
    assert [type(event) for event in desk.events[1:]] == [ev.NotSaved, ev.NotInterrupted]


def test_a_launch_that_is_over_soon_has_its_start_told_with_its_end():
    desk = Desk()
    desk.launches.on_started("job_1", 7)
    assert desk.events == []
    desk.launches.on_done("job_1", 7, done(7), "1")
    (event,) = desk.events
    assert isinstance(event, ev.Finished)
    assert event.began_ns == 5
    for action in desk.later:
        action()
    assert len(desk.events) == 1, "nothing is left to tell"


def test_the_start_of_a_longer_launch_is_told_before_its_end():
    desk = Desk()
    desk.launches.on_started("job_1", 7)
    desk.later.pop()()
    desk.launches.on_done("job_1", 7, done(7), "1")
    start, end = desk.events
    assert isinstance(start, ev.Started)
    assert isinstance(end, ev.Finished)
    assert end.began_ns == 0
    assert not desk.later


def test_a_start_is_told_before_anything_else_of_its_launch():
    desk = Desk()
    desk.launches.on_started("job_1", 7)
    desk.launches.on_progressed("job_1", 7, 1)
    desk.launches.on_started("job_2", 8)
    desk.launches.on_failed("job_2", 8, Failed(8, "JOB_FAILED", "why"), Loss())
    kinds = [type(event) for event in desk.events]
    assert kinds == [ev.Started, ev.Progressed, ev.Started, ev.Failed]


def test_the_start_of_a_launch_that_was_killed_is_not_told():
    desk = Desk()
    desk.launches.launcher = cast(Any, Killer())
    desk.launches.on_started("job_1", 7)
    desk.launches.kill(Kill("job_1", 7))
    desk.later.pop()()
    assert desk.events == []


def test_what_a_launch_gave_so_far_is_kept_while_it_is_out():
    desk = Desk()
    desk.launches.launcher = cast("Any", Killer())
    seven = ("job_1", 7)
    ends: list[Callable[[], object]] = [
        lambda: desk.launches.on_done(*seven, done(7), "1"),
        lambda: desk.launches.on_failed(*seven, Failed(7, "JOB_FAILED", "it fell"), None),
        lambda: desk.launches.on_saved(*seven, state(stopped=True)),
        lambda: desk.launches.kill(fx.Kill(*seven)),
    ]
    for end in ends:
        desk.launches.on_progressed(*seven, 3, 0, Partial(3, {"0": 3}))
        desk.launches.on_progressed(*seven, 4)
        desk.launches.on_saved(*seven, state(stopped=False))
        assert desk.launches.partials == {seven: Partial(3, {"0": 3})}
        end()
        assert desk.launches.partials == {}
