"""Matrices of the declared gates, as plain tuples (the trusted base has no array library).

First operand = most significant bit; see ``qvm/op.py``. Conventions are those of the OpenQASM 3 standard library:
``P = diag(1, e^{i l})``, ``RZ = diag(e^{-i t/2}, e^{i t/2})``, ``U(t, p, l)`` with ``U[0][0] = cos(t/2)``.
"""

from __future__ import annotations

import cmath
import math

from qmk.qvm.op import Matrix

_R2 = 1 / math.sqrt(2)

I2: Matrix = ((1, 0), (0, 1))
X: Matrix = ((0, 1), (1, 0))
Y: Matrix = ((0, -1j), (1j, 0))
Z: Matrix = ((1, 0), (0, -1))
H: Matrix = ((_R2, _R2), (_R2, -_R2))
S: Matrix = ((1, 0), (0, 1j))
SDG: Matrix = ((1, 0), (0, -1j))
T: Matrix = ((1, 0), (0, cmath.exp(0.25j * math.pi)))
TDG: Matrix = ((1, 0), (0, cmath.exp(-0.25j * math.pi)))
SX: Matrix = ((0.5 + 0.5j, 0.5 - 0.5j), (0.5 - 0.5j, 0.5 + 0.5j))
SXDG: Matrix = ((0.5 - 0.5j, 0.5 + 0.5j), (0.5 + 0.5j, 0.5 - 0.5j))
PAULI: dict[str, Matrix] = {"I": I2, "X": X, "Y": Y, "Z": Z}


def dim(m: Matrix) -> int:
    return len(m)


def identity(n: int) -> Matrix:
    return tuple(tuple(1 if r == c else 0 for c in range(n)) for r in range(n))


def matmul(a: Matrix, b: Matrix) -> Matrix:
    cols = tuple(zip(*b, strict=True))
    return tuple(tuple(sum(x * y for x, y in zip(row, col, strict=True)) for col in cols) for row in a)


def scale(factor: complex, m: Matrix) -> Matrix:
    return tuple(tuple(factor * x for x in row) for row in m)


def add(a: Matrix, b: Matrix) -> Matrix:
    return tuple(tuple(x + y for x, y in zip(r, s, strict=True)) for r, s in zip(a, b, strict=True))


def kron(a: Matrix, b: Matrix) -> Matrix:
    """Tensor product; ``a`` acts on the more significant qubits."""
    return tuple(tuple(x * y for x in ra for y in rb) for ra in a for rb in b)


def dagger(m: Matrix) -> Matrix:
    return tuple(tuple(complex(m[r][c]).conjugate() for r in range(len(m))) for c in range(len(m)))


def add_controls(m: Matrix, controls: int = 1) -> Matrix:
    """Puts ``controls`` control qubits in front (more significant) of ``m``, which acts when all of them are 1."""
    size = len(m) << controls
    base = size - len(m)
    return tuple(
        tuple(m[r - base][c - base] if r >= base and c >= base else (1 if r == c else 0) for c in range(size))
        for r in range(size)
    )


def permutation(images: tuple[int, ...]) -> Matrix:
    """The matrix that sends basis state c to ``images[c]``."""
    n = len(images)
    return tuple(tuple(1 if images[c] == r else 0 for c in range(n)) for r in range(n))


def rx(theta: float) -> Matrix:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return ((c, -1j * s), (-1j * s, c))


def ry(theta: float) -> Matrix:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return ((c, -s), (s, c))


def rz(theta: float) -> Matrix:
    return ((cmath.exp(-0.5j * theta), 0), (0, cmath.exp(0.5j * theta)))


def phase(lam: float) -> Matrix:
    return ((1, 0), (0, cmath.exp(1j * lam)))


def u(theta: float, phi: float, lam: float) -> Matrix:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return ((c, -cmath.exp(1j * lam) * s), (cmath.exp(1j * phi) * s, cmath.exp(1j * (phi + lam)) * c))


def pauli_string(paulis: str) -> Matrix:
    """Tensor product of single-qubit Paulis, first character on the first operand."""
    out: Matrix = ((1,),)
    for p in paulis:
        out = kron(out, PAULI[p])
    return out


def pauli_rotation(paulis: str, theta: float) -> Matrix:
    """``exp(-i theta/2 P)``."""
    p = pauli_string(paulis)
    return add(scale(math.cos(theta / 2), identity(len(p))), scale(-1j * math.sin(theta / 2), p))
