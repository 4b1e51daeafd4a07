"""Seals are kept beside the journal one at a time, and the newest is the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.host.seals import InTurn, Seal


class Shelf:
    """Stands for a sealer: notes what is stored."""

    def __init__(self) -> None:
        self.kept: list[int] = []

    def seal(self, effect: Any) -> Seal:
        raise AssertionError("no seal is made here")

    def keep_seal(self, seal: Seal) -> None:
        self.kept.append(seal.number)


def seal(number: int) -> Seal:
    return Seal(number, b"", b"")


def test_seals_that_come_while_one_is_kept_give_way_to_the_newest() -> None:
    shelf = Shelf()
    thread: list[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = []
    turns = InTurn(shelf, lambda work, then: thread.append((work, then)))
    for number in (1, 2, 3):
        turns.keep_seal(seal(number))
    assert len(thread) == 1
    while thread:
        work, then = thread.pop()
        work()
        then(None)
    assert shelf.kept == [1, 3]
    turns.keep_seal(seal(4))
    thread.pop()[1](OSError("the disk is full"))
    turns.keep_seal(seal(5))
    thread.pop()[0]()
    assert shelf.kept == [1, 3, 5]


def test_without_threads_a_seal_is_kept_at_once() -> None:
    shelf = Shelf()
    InTurn(shelf, None).keep_seal(seal(1))
    assert shelf.kept == [1]
