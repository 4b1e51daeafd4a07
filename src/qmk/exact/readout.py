"""Plans of gates followed by one read-out, for engines whose library computes a final state and nothing else.

``ReadoutPlan(program, can, maker)`` refuses whatever is not gates, then one measurement a qubit, and draws the shots
itself: a seed gives the same bits whether or not the library's own generator can be seeded. For state vectors
``outcomes`` draws from the amplitudes without a second array of their size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from qmk.exact.rng import Rng
from qmk.exact.simulator import TINY
from qmk.ir.bits import Bits
from qmk.ir.lazy import lazy
from qmk.ir.program import Barrier, Gate, Logic, LossEvent, Measure, Noise, Program, Reset
from qmk.sdk.engine import Capabilities, Progress, Samples, Unsupported

Indexes = npt.NDArray[np.int64]
Amplitudes = npt.NDArray[np.complexfloating[Any, Any]]
"""Flat, contiguous, complex64 or complex128."""

Parts = npt.NDArray[np.floating[Any]]

BLOCK = 128
"""Amplitudes of which only the total is kept until a shot falls into them."""

PART = 1 << 18
"""How many chances are worked on at a time in the blocks where shots have fallen."""


@dataclass(frozen=True)
class Readout:
    """What a program of gates, noise, resets and final readings comes to. ``qubits[k]`` is read into ``cbits[k]``."""

    n_qubits: int
    steps: tuple[Gate | Noise | Reset, ...]
    qubits: tuple[int, ...]
    cbits: tuple[int, ...]

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The steps, for a method that has neither noise nor resets."""
        return cast("tuple[Gate, ...]", self.steps)


class Sampler(Protocol):
    """Outcomes of the read-out, shape (shots, len(qubits)); the same for the same position of the generator."""

    def __call__(self, shots: int, rng: Rng, /) -> Bits: ...


Maker = Callable[[Readout, str], Sampler]
"""(read-out, method) to what draws from it. A function of a module, so that plans can be pickled; ``Unsupported`` for
what it cannot run."""


@dataclass(frozen=True)
class ReadoutPlan:
    """Pickles as the program; what the library needs is built on first use in each process."""

    program: Program
    engine: str
    can: Capabilities
    maker: Maker
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    @lazy
    def readout(self) -> Readout:
        return readout_of(self.program, self.engine, self.can)

    @lazy
    def sampler(self) -> Sampler:
        return self.maker(self.readout, self.can.method)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("program", "engine", "can", "maker", "notes")}

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        if shots and self.readout.qubits:
            bits[:, list(self.readout.cbits)] = self.sampler(shots, Rng(seed, self.engine, self.can.method))
        if progress is not None:
            progress(shots)
        return Samples(bits, dict(self.notes))


def prepare(
    program: Program,
    method: str,
    methods: dict[str, Capabilities],
    engine: str,
    maker: Maker,
    notes: dict[str, Any] | None = None,
) -> ReadoutPlan:
    """The plan, with the library's circuit built, so that what it cannot run is refused now."""
    can = methods.get(method)
    if can is None:
        raise Unsupported(f"engine {engine} has no method '{method}'; it has {', '.join(map(repr, methods))}")
    plan = ReadoutPlan(program, engine, can, maker, notes or {})
    _ = plan.sampler
    return plan


def readout_of(program: Program, engine: str, can: Capabilities) -> Readout:
    """What changes the state, and what is read. Noise on measured qubits alone is left out: no bit notices it. Raises
    ``Unsupported`` naming what there is besides one final measurement a qubit and what ``can`` has."""
    name = f"{engine}:{can.method}" if can.method else engine
    if can.max_qubits is not None and program.n_qubits > can.max_qubits:
        raise Unsupported(f"{program.n_qubits} qubits: {name} holds at most {can.max_qubits}")
    steps: list[Gate | Noise | Reset] = []
    read: dict[int, int] = {}
    for item in program.instructions:
        if isinstance(item, Barrier):
            continue
        if isinstance(item, LossEvent) or (isinstance(item, Noise) and not can.noise):
            raise Unsupported(f"an error channel: {name} has none")
        if not isinstance(item, Noise) and item.cond is not None:
            raise Unsupported(f"a condition: {name} has no feed-forward")
        if isinstance(item, Reset) and not can.reset:
            raise Unsupported(f"a reset: {name} samples the final state only")
        if isinstance(item, Logic):
            if not can.logic:
                raise Unsupported(f"event logic: {name} computes none")
            continue
        touched = (item.qubit,) if isinstance(item, Measure | Reset) else item.qubits
        if isinstance(item, Noise) and read.keys() >= set(touched):
            continue
        if not read.keys().isdisjoint(touched):
            raise Unsupported(f"a qubit used after its measurement: {name} samples the final state only")
        if isinstance(item, Measure):
            read[item.qubit] = item.cbit
        elif isinstance(item, Gate) and item.name not in can.gates:
            raise Unsupported(f"gate {item.name}: {name} has no such gate")
        elif touched:  # a phase of the whole state is on none, and no bit can notice it
            steps.append(item)
    return Readout(program.n_qubits, tuple(steps), tuple(read), tuple(read.values()))


@dataclass(frozen=True)
class VectorSampler:
    """``simulate`` gives the amplitudes of the final state. ``first_highest``: qubit 0 is the most significant bit of
    an index, else the least."""

    readout: Readout
    simulate: Callable[[], Amplitudes]
    first_highest: bool

    def __call__(self, shots: int, rng: Rng) -> Bits:
        found = outcomes(self.simulate(), shots, rng)
        last = self.readout.n_qubits - 1
        places = [last - qubit if self.first_highest else qubit for qubit in self.readout.qubits]
        return bits_of(found, places)


def bits_of(indexes: Indexes, places: Sequence[int]) -> Bits:
    """Bit ``places[k]`` of every index as column k."""
    return ((indexes[:, None] >> np.array(places, dtype=np.int64)) & 1).astype(np.uint8)


def outcomes(amplitudes: Amplitudes, shots: int, rng: Rng) -> Indexes:
    """Indexes drawn by the squares of ``amplitudes``, one throw a shot.

    The array is read twice: once for the total of each block, then only where shots have fallen. What is less probable
    than rounding leaves of an impossible outcome never happens; the threshold falls with the size of the state.
    """
    size = len(amplitudes)
    width = min(BLOCK, size)
    single = amplitudes.dtype == np.complex64
    parts: Parts = amplitudes.view(np.float32 if single else np.float64).reshape(-1, 2 * width)
    totals = np.einsum("ij,ij->i", parts, parts).astype(np.float64)
    floor = min(TINY, 1e-4 / size)
    totals[totals < floor] = 0
    ends = np.cumsum(totals)
    total = float(ends[-1])
    places = rng.uniform(shots) * total
    blocks = np.minimum(np.searchsorted(ends, places, side="right"), np.searchsorted(ends, total))
    shares = np.clip((places - (ends - totals)[blocks]) / totals[blocks], 0.0, np.nextafter(1.0, 0.0))
    hit, which = np.unique(blocks, return_inverse=True)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(len(hit) + 1))
    found = np.empty(shots, dtype=np.int64)
    step = max(1, PART // width)
    for first in range(0, len(hit), step):
        rows = hit[first : first + step]
        mine = order[starts[first] : starts[first + len(rows)]]
        inside = _index_in_block(parts[rows], floor, shares[mine], which[mine] - first)
        found[mine] = rows[which[mine] - first] * width + inside
    return found


def _index_in_block(
    parts: Parts, floor: float, shares: npt.NDArray[np.float64], row: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Where in its block each share falls; ``parts`` are the blocks' real and imaginary parts, one block a row."""
    chances = np.square(parts, dtype=np.float64).reshape(len(parts), -1, 2).sum(axis=2)
    chances[chances < floor] = 0
    ends = np.cumsum(chances, axis=1)
    width = chances.shape[1]
    with np.errstate(invalid="ignore"):  # a block of impossible outcomes, whose total was not: 0/0, dealt with below
        ends /= ends[:, -1:]
    line = (ends + np.arange(len(ends))[:, None]).reshape(-1)  # ascending through all rows: one search for all
    inside = np.clip(np.searchsorted(line, shares + row, side="right") - row * width, 0, width - 1)
    for shot in np.flatnonzero(chances[row, inside] == 0):  # rounding may step onto what cannot happen
        inside[shot] = np.square(parts[row[shot]]).reshape(-1, 2).sum(axis=1).argmax()
    return inside
