"""Pauli frames from fence to fence: Clifford programs with fences whose conditions are parities on Pauli gates.

All shots share one reference run; a shot is what differs from it: a Pauli frame (Gidney, Quantum 5, 497 (2021)) and the
flips of its measurements. The frame begins with, and every projection adds, a Z at random, which changes no state but
makes outcomes random where they are. stim's sampler does the same, faster, but cannot be stopped: here frames are rows
of 64-bit words, a bit a shot, and the random numbers are numpy's, whose position can be saved.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import stim

from qmk.exact.checkpoint import Body, Header, check, set_position
from qmk.exact.chunked import ChunkedPlan
from qmk.exact.chunks import CHUNK_SHOTS, STATES_BYTES
from qmk.exact.rng import Rng
from qmk.ir import bits as classical
from qmk.ir.bits import Bits
from qmk.ir.lazy import lazy
from qmk.ir.program import Logic, Program

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.intp]
WORD = np.dtype("<u8")
CHANNEL = "PAULI_CHANNEL"


class Move(msgspec.Struct, frozen=True):
    """One gate on many qubits at once. ``slots``: the frame's rows of X of its operands, then of Z of its operands."""

    name: str
    slots: tuple[Rows, ...]

    def run(self, frame: Words) -> None:
        new = [
            (out, functools.reduce(np.bitwise_xor, [frame[self.slots[k]] for k in ins])) for out, ins in sums(self.name)
        ]
        for out, value in new:
            frame[self.slots[out]] = value

    def inverse(self) -> Move:
        inverse = stim.gate_data(self.name).inverse
        assert inverse is not None
        return Move(inverse.name, self.slots)


class Observe(msgspec.Struct, frozen=True):
    """Measurements (``records``: where the flips go) or resets (no records) of many qubits."""

    xs: Rows
    zs: Rows
    records: Rows | None


class Feed(msgspec.Struct, frozen=True):
    """``frame[row]`` takes the flips of measurement ``record``: a Pauli controlled by an outcome."""

    row: int
    record: int


class Disturb(msgspec.Struct, frozen=True):
    """A Pauli product on each of many qubits or pairs, drawn for every shot. ``slots``: the frame's rows of X of the
    operands, then of Z; ``chances``: of the products but the identity, in Stim's order."""

    slots: tuple[Rows, ...]
    chances: tuple[float, ...]

    def run(self, frame: Words, rng: Rng) -> None:
        operands = len(self.slots) // 2
        bounds = np.cumsum(self.chances)
        many = len(self.slots[0])
        fell = rng.uniform(many * frame.shape[1] * 64).reshape(many, -1)
        error = (np.searchsorted(bounds, fell, side="right") + 1) % (len(bounds) + 1)
        for operand in range(operands):
            letter = error >> 2 * (operands - 1 - operand) & 3  # 1 is X, 2 is Y, 3 is Z
            frame[self.slots[operand]] ^= _pack((letter == 1) | (letter == 2))
            frame[self.slots[operands + operand]] ^= _pack(letter >= 2)


FrameStep = Move | Observe | Feed | Disturb


@functools.cache
def sums(name: str) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """How a stim gate moves a frame: each slot that changes, and the slots it becomes the sum of. Slots are X of each
    operand, then Z of each; Paulis change none."""
    tableau = stim.gate_data(name).tableau
    assert tableau is not None
    x2x, x2z, z2x, z2z, _, _ = tableau.to_numpy()
    matrix = np.block([[x2x, x2z], [z2x, z2z]])  # row: the image of a slot
    found = [(out, tuple(int(k) for k in np.flatnonzero(matrix[:, out]))) for out in range(len(matrix))]
    return tuple((out, ins) for out, ins in found if ins != (out,))


class _Layers:
    """Orders the ops of one segment into layers: what acts on other qubits and records goes into one step."""

    def __init__(self, n_qubits: int, records: int) -> None:
        self.n = n_qubits
        self.records = records
        self._level: dict[int, int] = {}
        self._known: dict[int, int] = {}
        self._groups: dict[tuple[int, str], list[tuple[int, ...]]] = {}

    def add(self, circuit: stim.Circuit) -> None:
        for part in circuit:
            assert isinstance(part, stim.CircuitInstruction)
            for group in part.target_groups():
                if group[0].is_measurement_record_target:
                    record, qubit = self.records + group[0].value, group[1].value
                    self._put(f"feed {part.name}", (record, qubit), (qubit,), record)
                elif part.name == "M":
                    self._put("M", (group[0].value, self.records), (group[0].value,))
                    self._known[self.records] = self._level[group[0].value]
                    self.records += 1
                elif part.name.startswith(CHANNEL):
                    chances = " ".join(map(repr, part.gate_args_copy()))
                    qubits = tuple(target.value for target in group)
                    self._put(f"{CHANNEL} {chances}", qubits, qubits)
                elif part.name == "R" or sums(part.name):
                    qubits = tuple(target.value for target in group)
                    self._put(part.name, qubits, qubits)

    def _put(self, kind: str, what: tuple[int, ...], qubits: Sequence[int], record: int = -1) -> None:
        level = max(*(self._level.get(qubit, 0) for qubit in qubits), self._known.get(record, 0)) + 1
        for qubit in qubits:
            self._level[qubit] = level
        self._groups.setdefault((level, kind), []).append(what)

    def steps(self) -> Iterable[FrameStep]:
        for (_, kind), items in sorted(self._groups.items(), key=lambda entry: entry[0]):
            columns = np.array(items, dtype=np.intp).T
            if kind == "M":
                yield Observe(columns[0], columns[0] + self.n, columns[1])
            elif kind == "R":
                yield Observe(columns[0], columns[0] + self.n, None)
            elif kind.startswith("feed "):
                for record, qubit in items:
                    for slot in {"CX": (0,), "CZ": (self.n,), "CY": (0, self.n)}[kind.removeprefix("feed ")]:
                        yield Feed(qubit + slot, record)
            elif kind.startswith(CHANNEL):
                yield Disturb((*columns, *(columns + self.n)), tuple(map(float, kind.split()[1:])))
            else:
                yield Move(kind, (*columns, *(columns + self.n)))


def segments_of(circuits: Sequence[stim.Circuit], n_qubits: int) -> tuple[tuple[FrameStep, ...], ...]:
    """The steps of each stretch between fences; records are counted through."""
    found: list[tuple[FrameStep, ...]] = []
    records = 0
    for circuit in circuits:
        layers = _Layers(n_qubits, records)
        layers.add(circuit)
        records = layers.records
        found.append(tuple(layers.steps()))
    return tuple(found)


class FrameChunk:
    """The frames (shape (2 n_qubits, words)) and flips (shape (n_records, words)) of a chunk."""

    def __init__(self, plan: FencedFramePlan, shots: int, rng: Rng, epoch: int, frame: Words, flips: Words) -> None:
        self.plan = plan
        self.shots = shots
        self.rng = rng
        self.epoch = epoch
        self.frame = frame
        self.flips = flips

    @property
    def body_bytes(self) -> int:
        return self.frame.nbytes + self.flips.nbytes

    def advance(self) -> None:
        for step in self.plan.frame_steps[self.epoch]:
            match step:
                case Move():
                    step.run(self.frame)
                case Observe(xs, zs, records):
                    if records is None:
                        self.frame[xs] = 0
                    else:
                        self.flips[records] = self.frame[xs]
                    self.frame[zs] ^= throw(self.rng, len(zs), self.frame.shape[1])
                case Feed(row, record):
                    self.frame[row] ^= self.flips[record]
                case Disturb():
                    step.run(self.frame, self.rng)
        self.epoch += 1

    def rewind(self, epoch: int) -> bool:
        steps = self.plan.frame_steps[epoch : self.epoch] if 0 <= epoch <= self.epoch else None
        if steps is None or any(isinstance(step, Observe | Disturb) for part in steps for step in part):
            return False
        for part in reversed(steps):
            for step in reversed(part):
                if isinstance(step, Feed):
                    self.frame[step.row] ^= self.flips[step.record]
                elif isinstance(step, Move):
                    step.inverse().run(self.frame)
        self.epoch = epoch
        return True

    def read_out(self, bits: Bits) -> None:
        raw = np.unpackbits(self.flips.astype(WORD, copy=False).view(np.uint8), axis=1, bitorder="little")
        bits[:, list(self.plan.record)] = raw[:, : self.shots].T ^ self.plan.reference
        for item in self.plan.logic:
            classical.compute(item, bits)

    def pack(self) -> Body:
        states = [self.frame.astype(WORD, copy=False).tobytes(), self.flips.astype(WORD, copy=False).tobytes()]
        return Body(rng=self.rng.position(), states=states)

    def distance(self, other: FrameChunk) -> float:
        """0.0 when every frame is the same, else 1.0."""
        if not np.array_equal(self.flips, other.flips):
            return 2.0
        return 0.0 if np.array_equal(self.frame, other.frame) else 1.0


def _pack(mask: npt.NDArray[np.bool_]) -> Words:
    """Rows of bits as words, the first bit lowest."""
    return np.packbits(mask, axis=1, bitorder="little").view(WORD).astype(np.uint64, copy=False)


def throw(rng: Rng, rows: int, words: int) -> Words:
    """Random bits."""
    return rng.words(rows * words).reshape(rows, words)


@dataclass(frozen=True, eq=False)
class FencedFramePlan(ChunkedPlan[FrameChunk]):
    """``circuits``: one a stretch between fences. ``record[k]``: the cbit that the k-th measurement writes;
    ``reference[k]``: its outcome in the reference run."""

    program: Program
    circuits: tuple[stim.Circuit, ...]
    reference: npt.NDArray[np.uint8]
    record: tuple[int, ...]
    logic: tuple[Logic, ...]
    version: str

    @property
    def head(self) -> Header:
        return self._head

    @lazy
    def _head(self) -> Header:
        return Header.of(self.program, "stabilizer", "", self.version)

    @lazy
    def frame_steps(self) -> tuple[tuple[FrameStep, ...], ...]:
        return segments_of(self.circuits, self.program.n_qubits)

    def __getstate__(self) -> dict[str, Any]:
        names = ("program", "circuits", "reference", "record", "logic", "version")
        return {name: getattr(self, name) for name in names}

    @property
    def segments(self) -> int:
        return len(self.circuits)

    @property
    def n_cbits(self) -> int:
        return self.program.n_cbits

    @property
    def rows(self) -> int:
        return 2 * self.program.n_qubits + len(self.record)

    def chunk(self, shots: int) -> int:
        words = STATES_BYTES // (8 * max(1, self.rows))
        return max(1, min(shots, 64 * max(1, words), CHUNK_SHOTS))

    def first(self, shots: int, rng: Rng) -> FrameChunk:
        n, words = self.program.n_qubits, (shots + 63) // 64
        frame = np.zeros((2 * n, words), dtype=np.uint64)
        frame[n:] = throw(rng, n, words)
        return FrameChunk(self, shots, rng, 0, frame, np.zeros((len(self.record), words), dtype=np.uint64))

    def load(self, body: Body, epoch: int, shots: int, rng: Rng) -> FrameChunk:
        n, words = self.program.n_qubits, (shots + 63) // 64
        sizes = [8 * words * 2 * n, 8 * words * len(self.record)]
        check([len(state) for state in body.states] == sizes, "frames of another size")
        check(not body.bits and not body.owners, "branches where there are none")
        frame, flips = (np.frombuffer(state, dtype=WORD).astype(np.uint64).reshape(-1, words) for state in body.states)
        return FrameChunk(self, shots, set_position(rng, body.rng), epoch, frame, flips)
