"""The work that launches have left, as a sum that costs the same however many there are.

A launch is expected to end when it is due or, once that has passed, after as long again as it is late. So what it has
left is the distance between the time it is due and now, on either side.
"""

from __future__ import annotations

from bisect import bisect_left, insort


class Ends:
    """When launches are due, in nanoseconds of the scheduler's clock, which never goes back: in order, with their sum
    and the sum of those that were late when it was last asked for."""

    def __init__(self) -> None:
        self._due: list[int] = []
        self._sum = self._late = self._late_sum = self._now_ns = 0

    def add(self, due_ns: int) -> None:
        insort(self._due, due_ns)
        self._sum += due_ns
        if due_ns <= self._now_ns:
            self._late += 1
            self._late_sum += due_ns

    def drop(self, due_ns: int) -> None:
        """Takes out a launch that was due then."""
        del self._due[bisect_left(self._due, due_ns)]
        self._sum -= due_ns
        if due_ns <= self._now_ns:
            self._late -= 1
            self._late_sum -= due_ns

    def left_ns(self, now_ns: int) -> int:
        """What all of them have left now, together. A launch is counted among the late ones once."""
        due = self._due
        self._now_ns = now_ns
        while self._late < len(due) and due[self._late] <= now_ns:
            self._late_sum += due[self._late]
            self._late += 1
        ahead = len(due) - self._late
        return self._late * now_ns - self._late_sum + (self._sum - self._late_sum) - ahead * now_ns
