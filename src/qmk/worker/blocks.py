"""Blocks: the parts of one job that may run beside each other, and what they give, joined in order.

How a job is divided follows from its request alone: shots into as many blocks as it asks for (``Outputs.split``), each
with a seed by its number; points, whose seeds are by their numbers anyway, into blocks of almost the same size. So it
gives the same bits whether one worker runs its blocks one after another, or many run them as jobs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec import structs

from qmk.base.seeds import substream
from qmk.qvm.outputs import Outputs, Values
from qmk.worker.messages import Done, Partial


class Block(NamedTuple):
    """One part of a job, a run by itself. ``outputs`` None: counts alone."""

    shots: int
    seed: int
    outputs: Outputs | None


def sizes(total: int, count: int) -> list[int]:
    """``count`` whole numbers that add up to ``total``, the larger first, none more than one larger than another."""
    each, more = divmod(total, count)
    return [each + (at < more) for at in range(count)]


def divide(shots: int, seed: int, outputs: Outputs, count: int) -> list[Block]:
    """The blocks of a job: of its shots if it asks for that, else at most ``count`` of its points."""
    if outputs.split:
        parts = enumerate(sizes(shots, outputs.split))
        return [Block(size, substream(seed, "block", number), None) for number, size in parts]
    sweep = outputs.sweep
    assert sweep is not None
    ends = accumulate(sizes(len(sweep.points), min(count, len(sweep.points))), initial=0)
    parts = (
        structs.replace(sweep, points=sweep.points[start:end], first=sweep.first + start)
        for start, end in pairwise(ends)
    )
    return [Block(shots, seed, structs.replace(outputs, sweep=part)) for part in parts]


class Joined:
    """What the first blocks of a job gave, together. ``total``: shots of the whole job."""

    def __init__(self, fence: int, total: int, outputs: Outputs) -> None:
        self._fence, self._total, self._outputs = fence, total, outputs
        self._first: Done | None = None
        self._counts: dict[str, int] = {}
        self._events: list[bytes] = []
        self._values: Values | None = None
        self.shots = 0
        """Those that are done; of points, the share of them that is."""
        self.run_s = self.cpu_s = self.prepare_s = 0.0
        self._peak = 0

    def add(self, done: Done) -> None:
        """Takes the answer of the next block."""
        self._first = self._first or done
        for key, number in done.counts.items():
            self._counts[key] = self._counts.get(key, 0) + number
        self._events.append(done.event_bits)
        self.prepare_s += done.prepare_s
        self.run_s += done.run_s
        self.cpu_s += done.cpu_s
        self._peak = max(self._peak, done.peak_rss_bytes)
        if self._outputs.split:
            self.shots += done.shots
        elif done.values is not None:
            values = self._values
            if values is None:
                self._values = structs.replace(done.values, points=list(done.values.points))
            else:
                values.points.extend(done.values.points)
                self._values = structs.replace(values, exact=values.exact and done.values.exact)
            assert self._values is not None
            self.shots = self._total * len(self._values.points) // len(self._outputs.points)

    def partial(self) -> Partial:
        """What there is so far."""
        registers = [] if self._first is None else self._first.registers
        return Partial(self.shots, self._counts, registers, self._values)

    def answer(self) -> Done:
        """The answer of the whole job; ``add`` has had each block."""
        first = self._first
        assert first is not None
        assert self.shots == self._total
        whole = all(self._events)  # a block may have dropped its events, which its notes say
        return structs.replace(
            first,
            fence=self._fence,
            counts=dict(sorted(self._counts.items())),
            event_bits=b"".join(self._events) if whole else b"",
            shots=self._total,
            prepare_s=self.prepare_s,
            run_s=self.run_s,
            cpu_s=self.cpu_s,
            peak_rss_bytes=self._peak,
            values=self._values,
        )


def run_in_turn(
    run: Callable[[Block], Done], blocks: Sequence[Block], joined: Joined, tell: Callable[[Joined], None]
) -> Done:
    """Runs the blocks one after another; ``tell`` hears of each."""
    for block in blocks:
        joined.add(run(block))
        tell(joined)
    return joined.answer()
