"""A program of gates "u", "cz" and "swap" on coupled sites as IQM's native instructions.

PRX(angle, phase) = RZ(phase) RX(angle) RZ(-phase), angles in radians. All gates on a qubit up to the next CZ become
one PRX: a turn about Z is kept as a phase of what follows, since CZ and measurements commute with it. A measurement is
labelled ``m<cbit>``, so that bits keep their places whatever order the results come in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qmk.engines.iqm.architecture import Architecture
from qmk.ir.program import Gate, Measure, Program, Reset, Unsupported
from qmk.ir.synthesis import zyz
from qmk.ir.unitary import Array, matrix_of

TINY = 1e-12
"""Radians of a turn that is left out."""

Instruction = dict[str, Any]


def instructions_of(program: Program, device: Architecture) -> list[Instruction]:
    """``program``, whose qubits are places in ``device.qubits``. Raises ``Unsupported`` for what has no form."""
    return _Writer(device).write(program)


class _Writer:
    def __init__(self, device: Architecture) -> None:
        self.device = device
        self.ways: Mapping[tuple[int, int], tuple[str, ...]] = device.ways()
        self.waiting: dict[int, Array] = {}
        """One-qubit gates not written yet, as one matrix."""
        self.phase: dict[int, float] = {}
        """Angle of the turn about Z that is still to come."""
        self.out: list[Instruction] = []

    def write(self, program: Program) -> list[Instruction]:
        for item in program.instructions:
            if isinstance(item, Gate) and item.cond is None:
                self._gate(item)
            elif isinstance(item, Measure) and item.cond is None:
                self._flush(item.qubit)
                self._add("measure", self.device.qubits[item.qubit], key=f"m{item.cbit}")
            elif isinstance(item, Reset) and item.cond is None:
                if not self.device.loci("cc_prx"):
                    raise Unsupported("a reset: this quantum computer has none; measure each qubit once, at the end")
                self.waiting.pop(item.qubit, None)
                self.phase.pop(item.qubit, None)
                self._add("reset", self.device.qubits[item.qubit])
            elif getattr(item, "cond", None) is not None:
                raise Unsupported("a condition: engine iqm has no feed-forward")
        return self.out

    def _gate(self, gate: Gate) -> None:
        if gate.name == "cz":
            self._cz(*gate.qubits)
        elif gate.name == "swap":
            a, b = gate.qubits
            for control, target in ((a, b), (b, a), (a, b)):
                self._turn(target, matrix_of(Gate("h", (target,))))
                self._cz(control, target)
                self._turn(target, matrix_of(Gate("h", (target,))))
        elif len(gate.qubits) == 1:
            self._turn(gate.qubits[0], matrix_of(gate))
        elif gate.qubits:
            raise Unsupported(f"gate {gate.name}: the native gates are PRX and CZ")

    def _turn(self, qubit: int, matrix: Array) -> None:
        before = self.waiting.get(qubit)
        self.waiting[qubit] = matrix if before is None else matrix @ before

    def _flush(self, qubit: int) -> None:
        """Writes the gates that wait on ``qubit``: RZ(b) RY(c) RZ(d) is PRX(c, pi/2 - d), then RZ(b + d)."""
        matrix = self.waiting.pop(qubit, None)
        if matrix is None:
            return
        _, b, angle, d = zyz(tuple(map(tuple, np.asarray(matrix).tolist())))
        held = self.phase.get(qubit, 0.0)
        if abs(math.remainder(angle, 4 * math.pi)) > TINY:
            phase = math.remainder(math.pi / 2 - d - held, 2 * math.pi)
            self._add("prx", self.device.qubits[qubit], angle=angle, phase=phase)
        self.phase[qubit] = math.remainder(b + d + held, 2 * math.pi)

    def _cz(self, a: int, b: int) -> None:
        self._flush(a)
        self._flush(b)
        way = self.ways[a, b]
        if not way:
            self._add("cz", self.device.qubits[a], self.device.qubits[b])
            return
        mover, resonator, other = way
        self._add("move", mover, resonator)
        self._add("cz", other, resonator)
        self._add("move", mover, resonator)

    def _add(self, name: str, *locus: str, **args: Any) -> None:
        self.out.append({"name": name, "locus": list(locus), "args": args})
