"""What peers that read slowly, or never, may have made for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from qmk.base.errors import QmkError
from qmk.host import large_answers
from qmk.host.large_answers import AnswerBounds, LargeAnswer, LargeAnswers
from qmk.host.transport import WRITE_HIGH_BYTES, Batch, Connection

LARGE = WRITE_HIGH_BYTES + 1
Work = tuple[Callable[[], None], Callable[[BaseException | None], None]]


class Peer:
    """The connection of somebody who reads when the test says so."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.unread_bytes = 0
        self.waiting = 0

    def await_large(self, count: int) -> None:
        self.waiting += count


class World:
    """``threads`` is what threads have to do; ``made`` says what was made, in order, for whom, and whether it was
    wanted."""

    def __init__(self, **bounds: Any) -> None:
        self.threads: list[Work] = []
        self.made: list[tuple[str, bool]] = []
        self.answers = LargeAnswers(lambda do, then: self.threads.append((do, then)), AnswerBounds(**bounds))

    def ask(self, peer: Peer, name: str = "", batch: Batch | None = None) -> QmkError | None:
        def done(wanted: bool) -> None:
            self.made.append((name or peer.owner, wanted))
            if wanted and batch is not None:
                batch.missing -= 1
            if wanted:
                peer.unread_bytes += LARGE

        return self.answers.put(LargeAnswer(cast("Connection", peer), batch, lambda: None, done))

    def work(self) -> int:
        """Lets the threads end what they have begun; how much that was."""
        begun, self.threads = self.threads, []
        for do, then in begun:
            do()
            then(None)
        return len(begun)

    def work_on(self) -> list[str]:
        """Lets the threads do all that may be done, and gives what they made."""
        before = len(self.made)
        while self.work():
            pass
        return [name for name, _ in self.made[before:]]

    def read(self, peer: Peer) -> None:
        peer.unread_bytes = 0
        self.answers.go_on()


def play(scene: Callable[..., None], **bounds: Any) -> None:
    async def main() -> None:
        scene(World(**bounds))

    asyncio.run(main())


def test_a_peer_that_does_not_read_has_one_answer_made() -> None:
    def scene(world: World) -> None:
        peer = Peer("lab")
        for _ in range(16):
            assert world.ask(peer) is None
        assert world.work_on() == ["lab"]
        assert peer.waiting == 15
        world.read(peer)
        assert world.work_on() == ["lab"]
        assert peer.unread_bytes == LARGE

    play(scene)


def test_one_owner_has_one_answer_made_at_a_time_and_whoever_had_less_time_goes_first() -> None:
    def scene(world: World) -> None:
        for number in range(3):
            world.ask(Peer("many"), f"many {number}")
        world.ask(Peer("lab"))
        assert len(world.threads) == 2, "one of each"
        assert world.work_on() == ["many 0", "lab", "many 1", "many 2"]

    play(scene)


def test_who_waits_holds_up_nobody_else() -> None:
    def scene(world: World) -> None:
        slow, other, lab = Peer("many"), Peer("many"), Peer("lab")
        for name in ("first", "second"):
            world.ask(slow, name)
        world.ask(other, "third")
        world.ask(lab)
        assert sorted(world.work_on()) == ["first", "lab", "third"]

    play(scene, making=1)


def test_what_the_peers_of_one_owner_leave_unread_is_bounded() -> None:
    def scene(world: World) -> None:
        peers = [Peer("many") for _ in range(12)]
        for peer in peers:
            world.ask(peer)
        world.ask(Peer("lab"))
        assert sorted(world.work_on()) == ["lab", *["many"] * 4]
        world.read(peers[0])
        assert world.work_on() == ["many"]

    play(scene, untaken_bytes=4 * LARGE)


def test_a_batch_is_made_to_its_end_although_nobody_can_have_read_any_of_it() -> None:
    def scene(world: World) -> None:
        peer = Peer("lab")
        first, second = Batch(3), Batch(2)
        for batch, name in ((first, "first"), (second, "second")):
            for _ in range(batch.missing):
                world.ask(peer, name, batch)
        assert world.work_on() == ["first"] * 3
        world.read(peer)
        assert world.work_on() == ["second"] * 2

    play(scene, untaken_bytes=LARGE)


def test_too_many_that_wait_are_refused_with_when_to_come_again() -> None:
    def scene(world: World) -> None:
        peer = Peer("lab")
        refusals = [world.ask(peer) for _ in range(5)]
        assert refusals[:4] == [None] * 4, "one is being made, three wait"
        refusal = refusals[4]
        assert refusal is not None
        assert refusal.to_dict()["data"]["retryable"]
        assert refusal.fields["retry_after_ms"] == 1000
        assert world.ask(Peer("other")) is None

    play(scene, waiting=3)


def test_what_a_lost_connection_waits_for_is_told_to_be_unwanted() -> None:
    def scene(world: World) -> None:
        gone, stays = Peer("lab"), Peer("lab")
        for name in ("begun", "waiting"):
            world.ask(gone, name)
        world.ask(stays, "wanted")
        world.answers.drop(cast("Connection", gone))
        assert world.made == [("waiting", False)]
        world.work_on()
        assert world.made[1:] == [("begun", False), ("wanted", True)]

    play(scene)


def test_nothing_waits_that_could_be_made() -> None:
    def scene(world: World) -> None:
        peer = Peer("lab")
        assert world.answers.idle
        for _ in range(2):
            world.ask(peer)
        assert not world.answers.idle
        world.work()
        assert world.answers.idle, "the second waits for the peer"
        peer.unread_bytes = 0
        assert not world.answers.idle

    play(scene)


def test_memory_goes_back_to_the_system_when_no_more_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    returned: list[int] = []
    monkeypatch.setattr(large_answers, "return_memory", lambda: returned.append(1))

    def scene(world: World) -> None:
        def rest() -> int:
            world.answers.rest()
            world.work()
            return len(returned)

        assert rest() == 0
        world.ask(Peer("lab"))
        world.work()
        assert rest() == 0, "another may follow"
        assert rest() == 1
        assert rest() == 1

    play(scene)
