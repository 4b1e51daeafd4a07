"""Clifford gates as matrices: recognise one, and write it as steps of h, s and cnot.

A gate is Clifford when it carries every Pauli product to a signed Pauli product. The images of X and Z of each qubit
(its tableau) fix it up to global phase; Stim finds steps with the same tableau. Meant for gates of a few qubits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

from qmk.qvm import matrices as m
from qmk.qvm.op import Matrix

ATOL = 1e-9
"""How far an entry of a matrix (and an angle, in radians) may be from the Clifford one."""

Step = tuple[str, tuple[int, ...]]
"""Short gate name and the qubits it acts on."""

_STEPS = {"H": "h", "S": "s", "CX": "cnot"}
"""Gates of Stim's decompositions by our names."""


def as_pauli(matrix: Matrix) -> tuple[complex, str] | None:
    """``(phase, paulis)`` with ``matrix == phase * paulis`` (first letter = most significant qubit), or None."""
    size = len(matrix)
    qubits = size.bit_length() - 1
    flip = next((r for r in range(size) if abs(matrix[r][0]) > 0.5), None)
    if flip is None:
        return None
    phase = first = complex(matrix[flip][0])
    letters: list[str] = []
    for qubit in range(qubits):
        bit = 1 << (qubits - 1 - qubit)
        signed = (complex(matrix[bit ^ flip][bit]) / first).real < 0
        flipped = bool(flip & bit)
        letters.append("Y" if signed and flipped else "Z" if signed else "X" if flipped else "I")
        if letters[-1] == "Y":
            phase /= 1j
    paulis = "".join(letters)
    if abs(abs(phase) - 1) > ATOL or not close(matrix, m.scale(phase, m.pauli_string(paulis))):
        return None
    return phase, paulis


def close(a: Matrix, b: Matrix) -> bool:
    return all(abs(x - y) <= ATOL for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True))


def tableau(matrix: Matrix) -> list[tuple[int, str]] | None:
    """Images of X_0, Z_0, X_1, Z_1, ... as (sign, letters), or None when the gate is not Clifford."""
    qubits = len(matrix).bit_length() - 1
    inverse = m.dagger(matrix)
    images: list[tuple[int, str]] = []
    for qubit in range(qubits):
        for letter in "XZ":
            paulis = "I" * qubit + letter + "I" * (qubits - 1 - qubit)
            image = as_pauli(m.matmul(m.matmul(matrix, m.pauli_string(paulis)), inverse))
            if image is None or abs(abs(image[0].real) - 1) > ATOL:
                return None
            images.append((1 if image[0].real > 0 else -1, image[1]))
    return images


def synthesise(matrix: Matrix) -> tuple[Step, ...] | None:
    """Steps equal to ``matrix`` up to global phase, or None when it is not Clifford. A scalar gives no steps."""
    found = tableau(matrix)
    if not found:
        return None if found is None else ()
    import stim

    images = [stim.PauliString(f"{'+' if sign > 0 else '-'}{letters}") for sign, letters in found]
    circuit = stim.Tableau.from_conjugated_generators(xs=images[::2], zs=images[1::2]).to_circuit("elimination")
    return tuple(
        (_STEPS[gate.name], tuple(target.value for target in group))
        for gate in cast("Iterable[stim.CircuitInstruction]", circuit)
        for group in gate.target_groups()
    )


def quarter_turns(angle: float) -> int | None:
    """``angle / (pi/2)`` modulo 8 (a rotation has period 4 pi) when it is a whole number within ``ATOL``, else None."""
    turns = round(angle / (math.pi / 2))
    return turns % 8 if abs(angle - turns * (math.pi / 2)) <= ATOL * max(1.0, abs(turns) * 1e-6) else None
