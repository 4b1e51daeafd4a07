"""IQM's native instructions, angles in radians: PRX(angle, phase) = RZ(phase) RX(angle) RZ(-phase), CZ, MOVE.

A turn about Z is kept as a phase of what follows, since CZ and measurements commute with it: each turn is one PRX. A
measurement is labelled ``m<cbit>``, so that bits keep their places whatever order the results come in.
"""

from __future__ import annotations

import math
from typing import Any

from qmk.cloud import native
from qmk.engines.iqm.architecture import Architecture
from qmk.ir.program import Program, Unsupported

Instruction = dict[str, Any]


def instructions_of(program: Program, device: Architecture) -> list[Instruction]:
    """Raises ``Unsupported`` for what has no place or no form."""
    writer = _Writer(device)
    native.write(program, writer.ways, device.sites(), writer)
    return writer.out


class _Writer:
    def __init__(self, device: Architecture) -> None:
        self.device = device
        self.ways = device.ways()
        self.phase: dict[int, float] = {}
        """Angle of the turn about Z that is still to come."""
        self.out: list[Instruction] = []

    def turn(self, site: int, b: float, c: float, d: float) -> None:
        """RZ(b) RY(c) RZ(d) is PRX(c, pi/2 - d), then RZ(b + d)."""
        held = self.phase.get(site, 0.0)
        if abs(math.remainder(c, 4 * math.pi)) > native.TINY:
            phase = math.remainder(math.pi / 2 - d - held, 2 * math.pi)
            self._add("prx", self.device.qubits[site], angle=c, phase=phase)
        self.phase[site] = math.remainder(b + d + held, 2 * math.pi)

    def cz(self, a: int, b: int) -> None:
        way = self.ways[a, b]
        if way:
            mover, resonator, other = way
            self._add("move", mover, resonator)
            self._add("cz", other, resonator)
            self._add("move", mover, resonator)
        else:
            self._add("cz", self.device.qubits[a], self.device.qubits[b])

    def measure(self, site: int, cbit: int) -> None:
        self._add("measure", self.device.qubits[site], key=f"m{cbit}")

    def reset(self, site: int) -> None:
        if not self.device.loci("cc_prx"):
            raise Unsupported("a reset: this quantum computer has none; measure each qubit once, at the end")
        self.phase.pop(site, None)
        self._add("reset", self.device.qubits[site])

    def _add(self, name: str, *locus: str, **args: Any) -> None:
        self.out.append({"name": name, "locus": list(locus), "args": args})
