"""Group commit: one write a turn, nothing is let go before it, and a journal that fails stops everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.commit import Committer
from qmk.host.journal import Batch
from qmk.kernel.events import Started
from qmk.simulation.disk import Disk, SimJournal


class Journal(SimJournal):
    """A journal that notes what happens, and fails on demand."""

    def __init__(self, waits_for_disk: bool = False, far: bool = False) -> None:
        super().__init__(Disk(), waits_for_disk)
        self.far = far
        self.log: list[Any] = []
        self.broken = False

    def write(self, batch: Batch) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.log.append([record.job for record in batch.records])  # type: ignore[attr-defined]


def record(job: str) -> Started:
    return Started(now_ns=0, job=job, fence=1)


class Desk:
    """A committer whose turns and thread are stepped by hand."""

    def __init__(self, disk: Journal, threads: bool = False) -> None:
        self.disk = disk
        self.turns: list[Callable[[], None]] = []
        self.thread: list[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = []
        self.refused: list[tuple[list[Any], QmkError]] = []
        self.broken: list[QmkError] = []
        self.committer = Committer(
            disk,
            disk.log.extend,
            lambda held, error: self.refused.append((held, error)),
            self.turns.append,
            (lambda work, then: self.thread.append((work, then))) if threads else None,
            self.broken.append,
        )

    def turn(self) -> None:
        turns, self.turns[:] = list(self.turns), []
        for call in turns:
            call()

    def finish_write(self) -> None:
        work, then = self.thread.pop(0)
        work()
        then(None)


def test_a_turn_is_one_write_and_what_waited_follows_it():
    desk = Desk(Journal())
    for name in "abc":
        desk.committer.record(record(name), durable=True)
        desk.committer.hold(f"reply {name}")
    assert desk.disk.log == []
    desk.turn()
    assert desk.disk.log == [["a", "b", "c"], "reply a", "reply b", "reply c"]
    assert desk.committer.idle


def test_the_next_batch_gathers_while_one_is_written():
    desk = Desk(Journal(waits_for_disk=True), threads=True)
    desk.committer.record(record("a"), durable=True)
    desk.committer.hold("reply a")
    desk.turn()
    desk.committer.record(record("b"), durable=True)
    desk.committer.hold("reply b")
    desk.committer.record(record("c"), durable=True)
    desk.turn()
    assert desk.disk.log == []
    assert len(desk.thread) == 1
    desk.finish_write()
    assert desk.disk.log == [["a"], "reply a"]
    desk.turn()
    desk.finish_write()
    assert desk.disk.log == [["a"], "reply a", ["b", "c"], "reply b"]


def test_records_that_need_no_disk_are_written_at_once_even_in_power_mode():
    desk = Desk(Journal(waits_for_disk=True), threads=True)
    desk.committer.record(record("a"), durable=False)
    desk.turn()
    assert desk.disk.log == [["a"]]


def test_a_journal_in_another_process_is_never_written_on_the_loop():
    desk = Desk(Journal(far=True), threads=True)
    desk.committer.record(record("a"), durable=False)
    desk.turn()
    assert desk.disk.log == []
    desk.finish_write()
    assert desk.disk.log == [["a"]]


def test_what_waited_for_a_write_alone_follows_it_without_another():
    desk = Desk(Journal(waits_for_disk=True), threads=True)
    desk.committer.record(record("a"), durable=True)
    desk.turn()
    desk.committer.hold("reply a")
    assert desk.committer.behind
    desk.finish_write()
    desk.turn()
    assert desk.disk.log == [["a"], "reply a"]
    assert not desk.thread
    assert desk.committer.idle


def test_a_held_launch_can_be_taken_back_before_and_during_the_write():
    desk = Desk(Journal(waits_for_disk=True), threads=True)
    desk.committer.record(record("a"), durable=True)
    desk.committer.hold("launch a")
    desk.turn()
    desk.committer.hold("launch b")
    assert desk.committer.drop(lambda held: held == "launch a")
    assert desk.committer.drop(lambda held: held == "launch b")
    assert not desk.committer.drop(lambda held: held == "launch b")
    desk.finish_write()
    desk.turn()
    assert desk.disk.log == [["a"]]


def test_a_journal_that_cannot_be_written_refuses_what_waited_and_stops_once():
    disk = Journal()
    disk.broken = True
    desk = Desk(disk)
    desk.committer.record(record("a"), durable=True)
    desk.committer.hold("reply a")
    desk.turn()
    disk.broken = False
    desk.committer.record(record("b"), durable=True)
    desk.committer.hold("reply b")
    desk.turn()
    assert disk.log == []
    assert [held for held, _ in desk.refused] == [["reply a"], ["reply b"]]
    assert "no space left on device" in desk.refused[0][1].message
    assert len(desk.broken) == 1


def test_after_a_failure_nothing_that_may_rest_on_the_journal_is_let_go() -> None:
    desk = Desk(Journal())
    assert not desk.committer.behind
    desk.disk.broken = True
    desk.committer.record(record("a"), durable=True)
    assert desk.committer.behind
    desk.turn()
    assert desk.committer.idle, "nothing is on its way any more"
    assert desk.committer.behind, "what was on its way is lost"
    desk.disk.broken = False
    desk.committer.hold("answer")
    desk.turn()
    assert "answer" not in desk.disk.log
    assert desk.refused[-1][0] == ["answer"]
