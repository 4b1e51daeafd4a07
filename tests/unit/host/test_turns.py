"""Whose call is taken next."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import closing

import pytest

from qmk.host import turns
from qmk.host.turns import Turns


class Line:
    """Calls that take so long each, by the loop's clock, which stands still otherwise."""

    def __init__(self, owner: str, calls: int, seconds: float, taken: list[str], clock: list[float]) -> None:
        self.owner, self.calls, self.seconds, self.taken, self.clock = owner, calls, seconds, taken, clock

    def take_call(self) -> bool:
        self.clock[0] += self.seconds
        self.calls -= 1
        self.taken.append(self.owner)
        return self.calls > 0


def play(*lines: tuple[str, int, float], rounds: list[int] | None = None) -> list[str]:
    """The owners of the calls in the order in which they are taken; ``rounds``: how many by each round of the loop."""
    taken: list[str] = []
    clock = [0.0]

    async def scene() -> None:
        shared = Turns()
        for owner, calls, seconds in lines:
            shared.ask(Line(owner, calls, seconds, taken, clock))
        while len(taken) < sum(calls for _, calls, _ in lines):
            if rounds is not None:
                rounds.append(len(taken))
            await asyncio.sleep(0)

    with closing(asyncio.new_event_loop()) as loop:
        loop.time = lambda: clock[0]
        loop.run_until_complete(scene())
    return taken


def test_a_call_is_taken_at_once_when_there_is_time() -> None:
    rounds: list[int] = []
    assert play(("a", 1, 0.0), ("b", 1, 0.0), rounds=rounds) == ["a", "b"]
    assert rounds == [], "before anything else of the loop"


def test_who_has_had_the_least_time_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MEMORY_S", 1e9)
    taken = play(("long", 20, 0.004), ("short", 30, 0.0004))
    assert taken[0] == "long", "it was alone"
    assert taken[1:8] == ["short"] * 7, "about ten of these take as long as one of those"
    assert taken[-10:] == ["long"] * 10, "they come to an end first"


def test_the_loop_goes_on_between_turns() -> None:
    rounds: list[int] = []
    play(("a", 12, 0.002), rounds=rounds)
    assert max(after - before for before, after in itertools.pairwise(rounds)) <= 3
    assert len(rounds) >= 4
