"""States reach the store before anybody hears of them, and what a launch says keeps its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.host.blobs import MemoryBlobs, name_of
from qmk.host.states import States
from qmk.simulation.disk import Disk, SimJournal

JOB = ("job_a", 1)


def over(blobs: MemoryBlobs, in_thread: Any = None) -> States:
    journal = SimJournal(Disk())
    journal.blobs = blobs
    return States(journal, in_thread)


class Threads:
    """Work that is done when the test says so."""

    def __init__(self) -> None:
        self.work: list[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = []

    def do(self, work: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
        self.work.append((work, then))

    def run(self, error: BaseException | None = None) -> None:
        work, then = self.work.pop(0)
        if error is None:
            work()
        then(error)


def test_what_is_said_after_a_state_waits_for_it() -> None:
    threads, blobs, said = Threads(), MemoryBlobs(), []
    states = over(blobs, threads.do)
    states.in_turn(JOB, lambda: said.append("before"))
    states.put(JOB, b"one", lambda name, error: said.append((name, error)))
    states.in_turn(JOB, lambda: said.append("between"))
    states.put(JOB, b"two", lambda name, error: said.append((name, error)))
    states.in_turn(JOB, lambda: said.append("after"))
    states.in_turn(("job_b", 2), lambda: said.append("other"))
    assert said == ["before", "other"]
    threads.run()
    assert blobs.get(name_of(b"one")) == b"one"
    assert said[2:] == [(name_of(b"one"), None), "between"]
    broken = OSError("no space left on device")
    threads.run(broken)
    assert said[4:] == [(name_of(b"two"), broken), "after"]
    assert len(blobs) == 1


def test_a_state_that_is_gone_is_none() -> None:
    found: list[Any] = []
    blobs = MemoryBlobs()
    states = over(blobs)
    states.get(blobs.put(b"here"), found.append)
    states.get("0" * 64, found.append)
    assert found == [b"here", None]


def test_bytes_that_are_coming_in_again_are_not_deleted() -> None:
    threads, blobs = Threads(), MemoryBlobs()
    states = over(blobs, threads.do)
    name = blobs.put(b"state")
    states.put(JOB, b"state", lambda name, error: None)
    states.drop([name])
    assert len(threads.work) == 1, "only the writing"
    threads.run()
    states.drop([name])
    threads.run()
    assert len(blobs) == 0


def test_bytes_that_come_in_while_their_like_are_being_deleted_are_written_after_that() -> None:
    threads, blobs, said = Threads(), MemoryBlobs(), []
    states = over(blobs, threads.do)
    name = blobs.put(b"state")
    states.drop([name], said.append)
    states.put(JOB, b"state", lambda name, error: said.append((name, error)))
    assert len(threads.work) == 1, "only the deletion"
    threads.run()
    assert said == [[name]]
    threads.run()
    assert said[1:] == [(name, None)]
    assert blobs.get(name) == b"state"
