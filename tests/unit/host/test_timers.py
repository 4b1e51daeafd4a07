"""Timers at times of a wall clock that may be set."""

from __future__ import annotations

import asyncio

from qmk.host.timers import LONGEST_SLEEP_S, LoopTimers

HOUR_NS = 3_600_000_000_000
PATIENCE_S = 30.0


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * HOUR_NS

    def read(self) -> int:
        return self.now_ns


async def fired(set_back_ns: int) -> list[str]:
    """What comes of a timer that is a moment away when the clock is set back, and of one that is far."""
    clock, came, first = Clock(), list[str](), asyncio.Event()
    timers = LoopTimers(asyncio.get_running_loop(), clock.read)

    def told(key: str) -> None:
        came.append(key)
        first.set()

    timers.connect(told)
    timers.set("near", clock.now_ns + 1_000_000)
    timers.set("far", clock.now_ns + 3 * HOUR_NS)
    clock.now_ns -= set_back_ns
    await asyncio.wait_for(first.wait(), PATIENCE_S)
    timers.close()
    return came


def test_a_clock_that_is_set_back_puts_off_no_timer() -> None:
    for set_back_ns in (0, HOUR_NS, 500 * HOUR_NS):
        assert asyncio.run(fired(set_back_ns)) == ["near"]


def test_a_far_timer_follows_the_clock() -> None:
    """It is looked at again now and then: a clock that was set forward brings it nearer."""
    slept: list[tuple[float, tuple[object, ...]]] = []

    class Loop(asyncio.SelectorEventLoop):
        def call_later(self, delay: float, callback: object, *args: object, context: object = None) -> object:  # type: ignore[override]
            slept.append((delay, (callback, *args)))
            return super().call_later(delay, lambda: None)

    loop, clock, came = Loop(), Clock(), list[str]()
    timers = LoopTimers(loop, clock.read)
    timers.connect(came.append)
    due_ns = clock.now_ns + 3 * HOUR_NS
    timers.set("far", due_ns)
    clock.now_ns = due_ns
    for at in (0, 1):
        callback, *args = slept[at][1]
        assert callable(callback)
        callback(*args)
    loop.close()
    assert [delay for delay, _ in slept] == [LONGEST_SLEEP_S, 0.0]
    assert came == ["far"]
