"""Readings of measurements that may be wrong.

Most of them only change what is printed: they become ``Program.post``, computed from an engine's samples, so that every
engine runs them. One that a condition depends on must be drawn while the program runs: it becomes a random bit on a
qubit of its own (|0> that suffers an X with the probability of a wrong reading, and is measured) and event logic, so
that an engine needs nothing beyond Pauli errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from qmk.ir import conditions as c
from qmk.ir.program import Barrier, Instruction, Logic, LossEvent, Measure, Misread, Noise, PauliNoise, Reset

XOR = 0b0110
SKEWED = 0b01001110
"""Bit s + 2 a + 4 b: s read with a where it is 0 and not b where it is 1 (a, b: random bits of either error)"""


class PlacedReadings(NamedTuple):
    """The program with its readings. ``n_qubits`` and ``n_cbits`` count those of the random bits too."""

    instructions: list[Instruction]
    post: tuple[Logic | Misread, ...]
    n_qubits: int
    n_cbits: int


def place_readings(items: Sequence[Instruction | Misread], n_qubits: int, n_cbits: int) -> PlacedReadings:
    """Puts every reading where it belongs: into the program, or after it. Event logic that depends on a reading after
    the program goes there too."""
    if not any(isinstance(item, Misread) for item in items):
        return PlacedReadings([item for item in items if not isinstance(item, Misread)], (), n_qubits, n_cbits)
    needed = _find_needed(items)
    late: set[int] = set()
    post: list[Logic | Misread] = []
    random_bits = RandomBits(n_qubits, n_cbits)
    out: list[Instruction] = []
    for item in items:
        if isinstance(item, Misread) and item.cbit in needed:
            out.extend(random_bits.read(item))
        elif isinstance(item, Misread) or (isinstance(item, Logic) and not late.isdisjoint(_reads(item))):
            late.add(item.cbit)
            post.append(item)
        else:
            out.append(item)
    return PlacedReadings(out, tuple(post), n_qubits + random_bits.used, random_bits.n_cbits)


def _reads(item: Logic | Misread) -> set[int]:
    inputs = set(item.inputs) if isinstance(item, Logic) else {item.source}
    return inputs if item.cond is None else inputs | set(c.cbits(item.cond))


def _find_needed(items: Sequence[Instruction | Misread]) -> set[int]:
    """The cbits that a gate, measurement or reset depends on, directly or through logic and readings."""
    needed: set[int] = set()
    for item in reversed(items):
        if isinstance(item, Logic | Misread):
            if item.cbit in needed:
                needed |= _reads(item)
        elif not isinstance(item, Barrier | Noise | LossEvent) and item.cond is not None:
            needed.update(c.cbits(item.cond))
    return needed


class RandomBits:
    """Draws random bits with one qubit beside ``n_qubits`` others, which it uses again and again; they go into cbits
    from ``n_cbits`` on."""

    def __init__(self, n_qubits: int, n_cbits: int) -> None:
        self.qubit = n_qubits
        self.n_cbits = n_cbits
        self.used = False

    def draw(self, chance: float) -> Iterable[Instruction]:
        """Draws a bit that is 1 with probability ``chance``, into the next cbit."""
        if self.used:
            yield Reset(self.qubit)
        self.used = True
        yield PauliNoise(self.qubit, chance, 0.0, 0.0)
        yield Measure(self.qubit, self.n_cbits)
        self.n_cbits += 1

    def read(self, item: Misread) -> Iterable[Instruction]:
        """Writes the reading as instructions."""
        first = self.n_cbits
        yield from self.draw(item.p01)
        if item.p01 == item.p10:
            yield Logic(XOR, (item.source, first), item.cbit, item.cond)
        else:
            yield from self.draw(item.p10)
            yield Logic(SKEWED, (item.source, first, first + 1), item.cbit, item.cond)
