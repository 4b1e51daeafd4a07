"""Clifford gates as matrices: recognise one, and write it as steps of h, s, sdg, x, z, cnot.

A gate is Clifford when it carries every Pauli product to a signed Pauli product. The images of X and Z of each qubit
(its tableau) fix it up to global phase; ``synthesise`` finds steps with the same tableau by the elimination of
Aaronson and Gottesman, arXiv:quant-ph/0406196, section VI. Meant for gates of a few qubits.
"""

from __future__ import annotations

import math

from qmk.qvm import matrices as m
from qmk.qvm.op import Matrix

ATOL = 1e-9
"""How far an entry of a matrix (and an angle, in radians) may be from the Clifford one."""

Step = tuple[str, tuple[int, ...]]
"""Short gate name and the qubits it acts on."""

_FLOW: dict[str, dict[str, str]] = {
    "h": {"X": "+Z", "Y": "-Y", "Z": "+X"},
    "s": {"X": "+Y", "Y": "-X", "Z": "+Z"},
}


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


def same_up_to_phase(a: Matrix, b: Matrix) -> bool:
    """Whether two unitaries of one size are equal up to a global phase."""
    r, c = max(((r, c) for r in range(len(a)) for c in range(len(a))), key=lambda at: abs(a[at[0]][at[1]]))
    if abs(b[r][c]) < ATOL:
        return False
    return close(a, m.scale(complex(a[r][c]) / b[r][c], b))


class _Images:
    """Images of X_k and Z_k under a Clifford gate, as (sign, letters); gates are applied to all of them at once."""

    def __init__(self, images: list[tuple[int, list[str]]]) -> None:
        self.images = images
        self.steps: list[Step] = []

    def apply(self, gate: str, *qubits: int) -> None:
        """Conjugate every image by a gate: h, s, x, z on one qubit, or cnot."""
        self.steps.append((gate, qubits))
        for k, (sign, letters) in enumerate(self.images):
            self.images[k] = (sign * _conjugate(gate, letters, qubits), letters)


def _conjugate(gate: str, letters: list[str], qubits: tuple[int, ...]) -> int:
    """Conjugate a Pauli product in place; the sign it gains."""
    if gate == "cnot":
        return _conjugate_cnot(letters, *qubits)
    letter = letters[qubits[0]]
    if letter == "I":
        return 1
    if gate in ("x", "z"):
        return 1 if letter == gate.upper() else -1
    image = _FLOW[gate][letter]
    letters[qubits[0]] = image[1]
    return -1 if image[0] == "-" else 1


def _conjugate_cnot(letters: list[str], control: int, target: int) -> int:
    a, b = letters[control], letters[target]
    x_a, z_a, x_b, z_b = a in "XY", a in "ZY", b in "XY", b in "ZY"
    sign = -1 if x_a and z_b and x_b == z_a else 1
    letters[control] = _letter(x_a, z_a != z_b)
    letters[target] = _letter(x_b != x_a, z_b)
    return sign


def _letter(x: bool, z: bool) -> str:
    return ("Y" if z else "X") if x else ("Z" if z else "I")


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
    if found is None:
        return None
    images = _Images([(sign, list(letters)) for sign, letters in found])
    qubits = len(found) // 2
    for qubit in range(qubits):
        _reduce_x(images, qubit, qubits)
        _reduce_z(images, qubit, qubits)
    for qubit in range(qubits):
        if images.images[2 * qubit][0] < 0:
            images.apply("z", qubit)
        if images.images[2 * qubit + 1][0] < 0:
            images.apply("x", qubit)
    return _shorten([("sdg" if gate == "s" else gate, at) for gate, at in reversed(images.steps)])


def _reduce_x(images: _Images, qubit: int, qubits: int) -> None:
    """Make the image of X on ``qubit`` X there and I elsewhere, up to sign."""
    letters = images.images[2 * qubit][1]
    for other in range(qubit, qubits):
        if letters[other] == "Y":
            images.apply("s", other)
        elif letters[other] == "Z":
            images.apply("h", other)
    if letters[qubit] == "I":
        source = letters.index("X", qubit)
        images.apply("cnot", source, qubit)
    for other in range(qubit + 1, qubits):
        if letters[other] == "X":
            images.apply("cnot", qubit, other)


def _reduce_z(images: _Images, qubit: int, qubits: int) -> None:
    """Make the image of Z on ``qubit`` Z there and I elsewhere, up to sign, leaving the image of X alone."""
    letters = images.images[2 * qubit + 1][1]
    if letters[qubit] == "Y":
        for gate in ("h", "s", "h"):
            images.apply(gate, qubit)
    for other in range(qubit + 1, qubits):
        if letters[other] == "Y":
            images.apply("s", other)
        if letters[other] == "X":
            images.apply("h", other)
        if letters[other] == "Z":
            images.apply("cnot", other, qubit)


def _shorten(steps: list[Step]) -> tuple[Step, ...]:
    """Cancel neighbours that undo each other and join two equal phase gates: h h, sdg sdg -> z, cnot cnot, ..."""
    out: list[Step] = []
    for step in steps:
        if out and out[-1] == step:
            gate, at = out.pop()
            if gate == "sdg":
                out.append(("z", at))
        elif out and out[-1][1] == step[1] and {out[-1][0], step[0]} == {"z", "sdg"}:
            out[-1] = ("s", step[1])
        else:
            out.append(step)
    return tuple(out)


def quarter_turns(angle: float) -> int | None:
    """``angle / (pi/2)`` modulo 8 (a rotation has period 4 pi) when it is a whole number within ``ATOL``, else None."""
    turns = round(angle / (math.pi / 2))
    return turns % 8 if abs(angle - turns * (math.pi / 2)) <= ATOL * max(1.0, abs(turns) * 1e-6) else None
