"""Launches: what a launcher says reaches the journal, whenever it says it, and a full disk is nobody's fault."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.blobs import MemoryBlobs
from qmk.host.journal import MemoryJournal
from qmk.host.launches import Launches, Sources
from qmk.host.states import States
from qmk.kernel import events as ev
from qmk.worker.messages import Done, StateSaved


class FullDisk(MemoryBlobs):
    def put(self, data: bytes) -> str:
        raise QmkError("RESOURCE_EXHAUSTED", "cannot keep 3 bytes in /a/folder: no space", errno=errno.ENOSPC)


class Desk:
    """Launches over a host that collects events, and may be amid another step."""

    def __init__(self, blobs: MemoryBlobs | None = None) -> None:
        self.turn: deque[Callable[[], None]] = deque()
        self.events: list[Any] = []
        sources = Sources(lambda: 5, lambda size: bytes(size), lambda job: b"graph", lambda blob: False)
        journal = MemoryJournal()
        journal.blobs = MemoryBlobs() if blobs is None else blobs
        self.launches = Launches(
            self.events.append,
            sources,
            States(journal),
            self.turn.append,
            lambda unwanted: False,
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
    desk.launches.done("job_1", 7, done(7), "1")
    (event,) = desk.events
    assert isinstance(event, ev.Finished)
    assert ("job_1", 7) in desk.launches.arrived, "the host has yet to come to the event"
    desk.finish_turn()
    assert desk.launches.arrived == {}, "what the kernel did not want is not kept"


def test_a_state_that_the_disk_refuses_fails_nothing_and_tells_no_folder():
    desk = Desk(FullDisk())
    desk.launches.saved("job_1", 7, state(stopped=True))
    (event,) = desk.events
    assert event == ev.NotSaved(
        now_ns=5,
        job="job_1",
        fence=7,
        message="a state of 3 bytes cannot be kept: no space left on device",
        stopped=True,
    )
    desk.launches.saved("job_1", 7, state(stopped=False))
    assert [type(event) for event in desk.events[1:]] == [ev.NotSaved, ev.NotInterrupted]
