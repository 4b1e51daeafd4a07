"""Programs of lattice surgery at the logical level: one qubit a patch, every operation with the channel of a table.

Joint measurements go over an ancilla. Preparing and measuring cost less than nothing where the rounds next to them err
less than those of a patch that waits (``channels``): what they save is taken from its first cycles of waiting. A merge
right at an end has no such rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from qmk.base.errors import QmkError
from qmk.ir import program as ops
from qmk.ir.program import Cond
from qmk.models.qec.surgery import (
    Correct,
    Idle,
    Inject,
    Measure,
    Merge,
    Phase,
    Prepare,
    Program,
    Timed,
    certain,
    timeline,
)
from qmk.models.qec.surgery.program import Basis, Op, patches_of
from qmk.models.qec.tables.angles import probability
from qmk.models.qec.tables.channels import BASES, Channels

OTHER: dict[Basis, Basis] = {"X": "Z", "Z": "X"}
"""The basis that sees a flip, and the flip that a basis sees."""


@dataclass(frozen=True)
class Lowered:
    """``program`` for a Clifford simulator; ``parities``: cbits whose sum is the value beside them without errors."""

    program: ops.Program
    parities: tuple[tuple[tuple[int, ...], int], ...]
    cycles: int
    patch_cycles: int


def lower(program: Program, channels: Channels) -> Lowered:
    """``program`` with the errors of ``channels``. Raises UNSUPPORTED for an injected T or the S that mends it, and for
    any injected state where the channels know none."""
    if any(isinstance(op, Phase) or (isinstance(op, Inject) and op.state == "T") for op in program.ops):
        raise QmkError(
            "UNSUPPORTED",
            f"'{program.name}' injects T, or has an S that depends on outcomes: its outcomes are not certain",
            help="inject '+' or '0', which suffer what a T suffers, or run the program as gates with qmk.run(qec=...)",
        )
    if channels.inject is None and any(isinstance(op, Inject) for op in program.ops):
        raise QmkError(
            "UNSUPPORTED",
            f"'{program.name}' injects states, and the table has no rows of them at distance {channels.counted_d}",
            help="measure 'inject_t' in both bases, or prepare the patches",
        )
    program = msgspec.structs.replace(program, ops=tuple(map(msgspec.structs.replace, program.ops)))  # each its own
    times = timeline(program)
    writer = _Writer(program, channels, times)
    for op in program.ops:
        writer.op(op)
    record = {key: at for at, key in enumerate(program.keys())}
    parities = tuple((tuple(record[key] for key in parity), parity.value) for parity in certain(program))
    made = ops.Program(
        len(program.floor.patches) + 1,
        len(record),
        tuple(writer.made),
        (ops.Register("", tuple(range(len(record)))),),
        {},
    )
    patch_cycles = sum((timed.end_cycle - timed.start_cycle) * len(timed.patches) for timed in times)
    return Lowered(made, parities, max((timed.end_cycle for timed in times), default=0), patch_cycles)


class _Writer:
    def __init__(self, program: Program, channels: Channels, times: tuple[Timed, ...]) -> None:
        self.program, self.channels = program, channels
        self.qubit = {name: at for at, name in enumerate(program.floor.patches)}
        self.ancilla = len(self.qubit)
        self.record = {key: at for at, key in enumerate(program.keys())}
        self.timed = {id(timed.op): timed for timed in times if timed.op is not None}
        self.lives: dict[str, list[Op]] = {name: [] for name in self.qubit}
        self.place: dict[tuple[str, int], int] = {}
        for op in program.ops:
            for name in () if isinstance(op, Correct) else patches_of(op):
                self.place[name, id(op)] = len(self.lives[name])
                self.lives[name].append(op)
        self.waits = {name: [t for t in times if t.op is None and t.patches == (name,)] for name in self.qubit}
        self.debt: dict[tuple[str, Basis], float] = {}
        self.made: list[ops.Instruction] = []

    def op(self, op: Op) -> None:
        if isinstance(op, Correct):
            parts: tuple[Cond, ...] = tuple(("bit", self.record[key]) for key in op.keys)
            self._gate(op.pauli.lower(), self.qubit[op.patch], cond=("xor", *parts))
            return
        timed = self.timed[id(op)]
        for name in patches_of(op):
            self._wait(name, timed.start_cycle)
        if isinstance(op, Prepare | Inject):
            self._begin(op)
        elif isinstance(op, Idle):
            self._cycles(op.patch, op.cycles)
        elif isinstance(op, Merge):
            self._merge(op, timed)
        elif isinstance(op, Measure):
            self._in_basis(op.patch, op.basis, ops.Measure(self.qubit[op.patch], self.record[op.key], None))

    def _wait(self, name: str, until: int) -> None:
        """The waits of a patch that are over by then."""
        left = self.waits[name]
        while left and left[0].end_cycle <= until:
            timed = left.pop(0)
            self._cycles(name, timed.end_cycle - timed.start_cycle)

    def _cycles(self, name: str, cycles: int) -> None:
        angles: dict[Basis, float] = {}
        for flip in BASES:
            angles[flip] = cycles * self.channels.cycle[flip] + self.debt.pop((name, flip), 0.0)
            if angles[flip] < 0:
                self.debt[name, flip] = angles[flip]
        self._strike(name, angles)

    def _begin(self, op: Prepare | Inject) -> None:
        self.made.append(ops.Reset(self.qubit[op.patch], None))
        basis = op.basis if isinstance(op, Prepare) else "Z" if op.state == "0" else "X"
        if basis == "X":
            self._gate("h", self.qubit[op.patch])
        life = self._life(op)
        waits = [not isinstance(other, Merge) for other in life]
        last = life[-1]
        prepared = basis if isinstance(op, Prepare) and waits[1:2] != [False] else None
        measured = last.basis if isinstance(last, Measure) and waits[-2:-1] != [False] else None
        for flip in BASES:
            ends = int(OTHER[flip] == prepared) + int(OTHER[flip] == measured)
            self.debt[op.patch, flip] = ends * self.channels.ends[flip] / 2
        if isinstance(op, Inject) and self.channels.inject is not None:
            self._strike(op.patch, self.channels.inject)

    def _life(self, begin: Prepare | Inject) -> list[Op | None]:
        """What a patch does until it is measured; None: it waits."""
        name = begin.patch
        found: list[Op | None] = [begin]
        clock = self.timed[id(begin)].start_cycle
        for op in self.lives[name][self.place[name, id(begin)] + 1 :]:
            timed = self.timed[id(op)]
            if timed.start_cycle > clock:
                found.append(None)
            found.append(op)
            clock = timed.end_cycle
            if isinstance(op, Measure):
                break
        return found

    def _merge(self, op: Merge, timed: Timed) -> None:
        channels, tiles, joints = self.channels, 0, len(op.paulis) - 1
        if timed.route is not None:
            tiles, joints = len(timed.route.tiles), max(joints, len(timed.route.joints))
        outcome = 0.0
        merges = channels.merge
        if channels.wall is not None and len(set(op.paulis.values())) > 1:
            merges = dict.fromkeys(BASES, channels.wall)
        for name, pauli in op.paulis.items():
            outcome += self._bare(op, timed, name, pauli) * channels.away[pauli]
            near, tile = merges[pauli], channels.tile[pauli]
            self._strike(name, {OTHER[pauli]: near.before})
            outcome += (near.outcome * (joints - tiles) + tile.outcome * tiles) / len(op.paulis)
        self.made.append(ops.Reset(self.ancilla, None))
        for name, pauli in op.paulis.items():
            self._in_basis(name, pauli, ops.Gate("cnot", (self.qubit[name], self.ancilla), (), None), back=True)
        self.made.append(ops.PauliNoise(self.ancilla, probability(outcome), 0.0, 0.0))
        self.made.append(ops.Measure(self.ancilla, self.record[op.key], None))
        for name, pauli in op.paulis.items():
            near, tile = merges[pauli], channels.tile[pauli]
            other = near.other / 2 + tile.other * tiles / len(op.paulis)
            self._strike(name, {OTHER[pauli]: near.after, pauli: other})

    def _bare(self, op: Merge, timed: Timed, name: str, pauli: Basis) -> int:
        """At how many of its ends the merge has nothing of this patch that shows the checks it is read from."""
        mine, at = self.lives[name], self.place[name, id(op)]
        before, after = mine[at - 1], mine[at + 1] if at + 1 < len(mine) else None
        fresh = isinstance(before, Prepare) and before.basis != pauli
        gone = isinstance(after, Measure) and after.basis != pauli
        return int(fresh and self.timed[id(before)].start_cycle == timed.start_cycle) + int(
            gone and after is not None and self.timed[id(after)].start_cycle == timed.end_cycle
        )

    def _in_basis(self, name: str, basis: Basis, inner: ops.Instruction, back: bool = False) -> None:
        qubit = self.qubit[name]
        if basis == "X":
            self._gate("h", qubit)
        self.made.append(inner)
        if basis == "X" and back:
            self._gate("h", qubit)

    def _gate(self, name: str, qubit: int, cond: Cond | None = None) -> None:
        self.made.append(ops.Gate(name, (qubit,), (), cond))

    def _strike(self, name: str, angles: dict[Basis, float]) -> None:
        """X and Z flips, independent of each other."""
        x, z = (probability(angles.get(flip, 0.0)) for flip in BASES)
        if x or z:
            self.made.append(ops.PauliNoise(self.qubit[name], x * (1 - z), x * z, z * (1 - x)))
