"""The value of one observable and its gradient on the native core, at any values of a circuit's angles.

The circuit is prepared once: what the observable's terms depend on is found, and the terms are grouped, so that a call
costs no more than the passes over the states.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import qmk_native

from qmk.ir.affine import Affine, Vector
from qmk.ir.cone import Placed, cones, supports_of
from qmk.ir.native_circuit import GATES
from qmk.qvm.outputs import Observable
from qmk.worker.native import MEMORY_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

_KINDS = tuple(name for name, *_ in qmk_native.KINDS)


class CoreGradient:
    """``circuit`` ends in one state. ``angles`` says how its angles depend on the parameters."""

    def __init__(self, circuit: qmk_native.Circuit, angles: Affine, observable: Observable, narrow: int) -> None:
        """Up to ``narrow`` qubits the whole state is computed. Raises ValueError for a circuit without one final state,
        MemoryError for one whose states have no room."""
        self._angles = angles
        wanted = angles.is_varied
        self._parts: list[tuple[qmk_native.Adjoint, npt.NDArray[np.intp] | None]] = []
        self._constant = 0.0
        if circuit.n_qubits <= narrow:
            self._parts.append((qmk_native.Adjoint(circuit, observable, wanted.tolist(), MEMORY_BYTES), None))
            return
        terms = [(text, factor) for text, factor in observable if text.strip("I")]
        self._constant = sum(factor for text, factor in observable if not text.strip("I"))
        rows = _gate_rows(circuit)
        starts = np.cumsum([0, *(len(row[2]) for row in rows)])
        placed = [Placed(f"core.{_KINDS[row[0]]}", tuple(row[1])) for row in rows]
        for cone in cones(placed, supports_of(text for text, _ in terms), circuit.n_qubits):
            if not cone.members:
                continue
            spans = [range(int(starts[k]), int(starts[k + 1])) for k in cone.gates]
            places = np.array(list(itertools.chain(*spans)), dtype=np.intp)
            short = [("".join(terms[k][0][q] for q in cone.qubits), terms[k][1]) for k in cone.members]
            number = {qubit: at for at, qubit in enumerate(cone.qubits)}
            moved = [(rows[k][0], [number[q] for q in rows[k][1]], *rows[k][2:]) for k in cone.gates]
            part = qmk_native.Circuit(len(cone.qubits), 0, moved)
            self._parts.append((qmk_native.Adjoint(part, short, wanted[places].tolist(), MEMORY_BYTES), places))

    def value(self, angles: Vector) -> float:
        """The value at these angles of the circuit."""
        return self._constant + sum(part.value(_at(angles, places)) for part, places in self._parts)

    def gradient(self, angles: Vector) -> tuple[float, Vector]:
        """The value, and its derivatives by the parameters."""
        value, slopes = self._constant, np.zeros(len(angles))
        for part, places in self._parts:
            found, by_angle = part.gradient(_at(angles, places))
            value += found
            slopes[slice(None) if places is None else places] += by_angle
        return value, self._angles.pull(slopes)


def _at(angles: Vector, places: npt.NDArray[np.intp] | None) -> list[float]:
    return (angles if places is None else angles[places]).tolist()


def _gate_rows(circuit: qmk_native.Circuit) -> Sequence[Any]:
    """The rows of a circuit of gates. Raises ValueError for another."""
    rows = circuit.rows()[0]
    if any(row[3] != -1 or row[4] != -1 or _KINDS[row[0]] not in GATES for row in rows):
        raise ValueError("only circuits of gates have one final state")
    return rows
