"""The supply of magic states: factories that work in turn, a buffer, and how long a program waits for states.

``Supply`` is the simulation: attempts succeed or fail by seeded dice, in the order of time. ``expected_stall`` is the
formula it is checked against.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass

from qmk.base.errors import QmkError

MAX_STATES = 1_000_000
MAX_FACTORIES = 100_000


@dataclass(frozen=True)
class Plant:
    """``count`` factories, which begin one after another so that attempts end evenly, every ``period / count``.
    ``period`` and all times are in the same unit; ``outputs`` states come of an attempt, none with chance
    ``rejection``. A factory waits while its states do not fit into the ``buffer``."""

    count: int
    period: float
    rejection: float = 0.0
    outputs: int = 1
    buffer: int = MAX_STATES

    def __post_init__(self) -> None:
        fine = 1 <= self.count <= MAX_FACTORIES and 0 < self.period < math.inf
        fine = fine and 0 <= self.rejection < 1 and 1 <= self.outputs <= self.buffer
        if not fine:
            raise QmkError(
                "INVALID_PARAMS",
                f"magic states: {self}",
                field="plant",
                help=f"give 1 to {MAX_FACTORIES} factories, a period above 0, a rejection below 1, a buffer for one "
                "attempt",
            )

    @property
    def rate(self) -> float:
        """States per unit of time, in the mean, when nothing waits for room."""
        return self.count * self.outputs * (1 - self.rejection) / self.period


class Supply:
    """States in the order in which they come; the same seed gives the same ones."""

    def __init__(self, plant: Plant, seed: int) -> None:
        self.plant = plant
        self._dice = random.Random(f"magic:{seed}")
        self._next = [plant.period * (at + 1) / plant.count for at in range(plant.count)]
        self._turn = 0
        self._ready: deque[float] = deque()
        self.taken = 0
        self.attempts = 0
        self.waited = 0.0

    def take(self, now: float) -> float:
        """The time at which the next state is there: ``now``, or later. Calls come with times that do not fall."""
        self._run(now)
        while not self._ready:
            self._attempt()
        at = max(now, self._ready.popleft())
        self.taken += 1
        self.waited += at - now
        self._resume(at)
        return at

    def _run(self, now: float) -> None:
        while self._next[self._turn] <= now and len(self._ready) + self.plant.outputs <= self.plant.buffer:
            self._attempt()

    def _attempt(self) -> None:
        end = self._next[self._turn]
        self.attempts += 1
        if self._dice.random() >= self.plant.rejection:
            self._ready.extend([end] * self.plant.outputs)
        self._next[self._turn] = end + self.plant.period
        self._turn = (self._turn + 1) % self.plant.count

    def _resume(self, now: float) -> None:
        """Factories that waited for room finish as soon as there is some."""
        behind = now - self._next[self._turn]
        if behind > 0 and len(self._ready) + self.plant.outputs == self.plant.buffer:
            self._next = [end + behind for end in self._next]


def expected_makespan(plant: Plant, states: int, demand: float) -> float:
    """The mean time in which a program takes ``states`` states, one every ``demand`` where it need not wait, and works
    for ``demand`` after the last.

    States come after independent waits: ``period / count`` times a geometric number of attempts. Where S_k is the time
    of the k-th state less ``k demand``, a program that begins to ask at ``demand`` ends at ``(states + 1) demand`` plus
    the largest of 0 and the S_k, whose mean is the sum over k of E[max(S_k, 0)] / k (Spitzer, Trans. Am. Math. Soc. 82,
    323 (1956)). Exact for one output an attempt and an unbounded buffer.
    """
    slot = plant.period / plant.count
    return (states + 1) * demand + sum(_positive(slot, plant.rejection, k, demand) / k for k in range(1, states + 1))


def expected_stall(plant: Plant, states: int, demand: float) -> float:
    """The mean time that such a program waits for states."""
    return expected_makespan(plant, states, demand) - (states + 1) * demand


def _positive(slot: float, rejection: float, k: int, demand: float) -> float:
    """E[max(slot N - k demand, 0)], N the number of attempts up to the k-th success: negative binomial."""
    success = 1 - rejection
    if rejection == 0:
        return max(0.0, k * (slot - demand))
    mean = slot * k / success - k * demand
    last = math.floor(k * demand / slot)  # what lies below zero is a finite sum: E[S+] = E[S] + E[S-]
    if last < k:
        return mean
    chance, below = k * math.log(success), 0.0
    for n in range(k, last + 1):
        below += (k * demand - slot * n) * math.exp(chance)
        chance += math.log(rejection) + math.log(n) - math.log(n - k + 1)
    return mean + below


def reaction_limited_rate_hz(d: int, round_s: float, latency_s: float) -> float:
    """T gates per second of a chain in which each must be decoded before the next: 1 / (d t_round + latency)
    (Fowler, arXiv:1210.4626: time-optimal computation is bound by the decoder's reaction)."""
    return 1 / (d * round_s + latency_s)
