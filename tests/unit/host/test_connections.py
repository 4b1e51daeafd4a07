"""What all connections together may hold, and who gives way."""

from __future__ import annotations

from typing import Any, cast

import pytest

from qmk.base.errors import QmkError
from qmk.host.connections import ConnectionBounds, Connections
from qmk.host.transport import Connection


class Fake:
    """A connection that does what the test says."""

    def __init__(self, number: int, owner: str, operator: bool = False) -> None:
        self.number, self.owner, self.operator = number, owner, operator
        self.idle = True
        self.partial_since: float | None = None
        self.pending_bytes = self.unread_bytes = 0
        self.untaken = 0.0
        self.closed: QmkError | str | None = None

    def untaken_s(self, now_s: float) -> float:
        return self.untaken

    def close(self, why: QmkError | None = None) -> None:
        self.closed = why

    def abort(self) -> None:
        self.closed = "aborted"


class World:
    def __init__(self, **bounds: Any) -> None:
        self.connections = Connections(ConnectionBounds(**bounds))
        self.made: dict[int, Fake] = {}

    def open(self, number: int, owner: str = "user 7", tenant: str = "", **more: Any) -> QmkError | None:
        made = self.made[number] = Fake(number, owner, **more)
        refusal = self.connections.add(cast("Connection", made))
        if refusal is None:
            self.connections.use(cast("Connection", made), tenant)
        return refusal

    def use(self, number: int) -> None:
        self.connections.use(cast("Connection", self.made[number]), "")

    @property
    def gone(self) -> list[int]:
        return [number for number, made in self.made.items() if made.closed is not None]


def test_whoever_has_the_most_connections_makes_room() -> None:
    world = World(connections=4)
    for number, tenant in ((1, "lab"), (2, ""), (3, ""), (4, "")):
        assert world.open(number, tenant=tenant) is None
    world.use(2)
    for number in (5, 6):
        assert world.open(number, tenant="lab") is None
    assert world.gone == [3, 4], "of those without a session, the ones not used for longest"
    assert len(world.connections) == 4


def test_one_owner_with_more_than_half_keeps_nobody_out_although_all_its_calls_wait() -> None:
    world = World(connections=4)
    for number in (1, 2, 3):
        world.open(number, tenant="many")
        world.made[number].idle = False
    world.open(4, tenant="lab")
    assert world.open(5) is None
    assert world.gone == [1]


def test_connections_of_one_owner_alone_are_not_cut_while_in_use() -> None:
    world = World(connections=2)
    for number in (1, 2):
        world.open(number)
        world.made[number].idle = False
    refusal = world.open(3)
    assert refusal is not None
    assert refusal.kind.name == "RESOURCE_EXHAUSTED"
    assert world.gone == []


def test_operators_always_get_in_and_never_give_way() -> None:
    world = World(connections=1)
    assert world.open(1, operator=True) is None
    assert world.open(2, operator=True) is None
    assert world.open(3) is not None
    assert world.gone == []


@pytest.mark.parametrize("what", ["pending_bytes", "unread_bytes"])
def test_bytes_are_taken_from_whoever_holds_the_most(what: str) -> None:
    world = World(partial_bytes=100, unread_bytes=100)
    for number, tenant, held in ((1, "lab", 50), (2, "many", 40), (3, "many", 45), (4, "many", 10), (5, "lab", 0)):
        world.open(number, tenant=tenant)
        setattr(world.made[number], what, held)
    if what == "pending_bytes":
        world.connections.cut_late(0.0)
    else:
        world.connections.cut_unread()
    assert world.gone == [3], "the largest of the one with 95 bytes, not the one with 50"


def test_a_frame_must_arrive_in_time() -> None:
    world = World(frame_s=2.0)
    for number, since in ((1, 5.0), (2, 7.5), (3, None)):
        world.open(number)
        world.made[number].partial_since = since
    world.connections.cut_late(8.0)
    assert world.gone == [1]
    assert str(world.made[1].closed) == "a frame must arrive within 2 s; the connection is closed"


def test_who_takes_nothing_of_what_waits_is_cut() -> None:
    world = World(frame_s=2.0)
    for number, seconds in ((1, 2.5), (2, 1.5)):
        world.open(number)
        world.made[number].untaken = seconds
    world.connections.cut_late(8.0)
    assert world.gone == [1]
    assert world.made[1].closed == "aborted"
