"""Powers and controls of a gate's matrix.

A fractional power is taken on the principal branch: U^p = sum over eigenvalues e^{i phi} of e^{i p phi} times the
projector, with phi in (-pi, pi]; the convention of OpenQASM 3's ``pow``. A matrix is split into blocks of basis states.
Blocks of one or two states have eigensystems in closed form; larger ones are diagonalised by Jacobi rotations.
"""

from __future__ import annotations

import cmath
import itertools
import math

from qmk.base.limits import LIMITS
from qmk.qvm import matrices as m
from qmk.qvm.op import Matrix

ATOL = 1e-12


class PowerError(ValueError):
    """The power or the controls cannot be written out; the message says why."""


def power(matrix: Matrix, exponent: float) -> Matrix:
    """``matrix`` (unitary) to a real power, whole ones exactly where its entries are exact. Raises ``PowerError`` for a
    power that is not finite."""
    if not math.isfinite(exponent):
        raise PowerError(f"the power {exponent} is not a finite number")
    if float(exponent).is_integer():
        return _integer_power(matrix, int(exponent))
    size = len(matrix)
    out: list[list[complex]] = [[0j] * size for _ in range(size)]
    for block in _blocks(matrix):
        if len(block) == 1:
            (k,) = block
            out[k][k] = _phase_power(matrix[k][k], exponent)
        elif len(block) == 2:
            (a, b), part = block, _two_by_two(matrix, block, exponent)
            out[a][a], out[a][b], out[b][a], out[b][b] = part
        else:
            for row, values in zip(block, _larger(matrix, block, exponent), strict=True):
                for column, value in zip(block, values, strict=True):
                    out[row][column] = value
    return tuple(tuple(row) for row in out)


def _integer_power(matrix: Matrix, exponent: int) -> Matrix:
    base = matrix if exponent >= 0 else m.dagger(matrix)
    out = m.identity(len(matrix))
    left = abs(exponent)
    while left:
        if left & 1:
            out = m.matmul(out, base)
        left >>= 1
        if left:
            base = m.matmul(base, base)
    return out


def principal_angle(value: complex) -> float:
    """The argument of ``value`` in (-pi, pi], where numerical noise below -pi + 1e-12 counts as pi."""
    angle = cmath.phase(value)
    return math.pi if angle <= -math.pi + ATOL else angle


def _phase_power(value: complex, exponent: float) -> complex:
    return cmath.exp(1j * exponent * principal_angle(value))


def _two_by_two(matrix: Matrix, block: tuple[int, ...], exponent: float) -> tuple[complex, complex, complex, complex]:
    """The power of a 2x2 unitary block. With mean w = tr/2 and d = sqrt(w^2 - det), the eigenvalues are w +- d and
    the projectors (U - (w -+ d)) / (+-2d)."""
    a, b = block
    u00, u01, u10, u11 = complex(matrix[a][a]), matrix[a][b], matrix[b][a], complex(matrix[b][b])
    mean = (u00 + u11) / 2
    half = cmath.sqrt(((u00 - u11) / 2) ** 2 + u01 * u10)
    if abs(half) < ATOL:
        scalar = _phase_power(mean, exponent)
        return scalar, 0j, 0j, scalar
    plus, minus = _phase_power(mean + half, exponent), _phase_power(mean - half, exponent)
    slope = (plus - minus) / (2 * half)
    level = (plus + minus) / 2
    return level + slope * (u00 - mean), slope * u01, slope * u10, level + slope * (u11 - mean)


def _larger(matrix: Matrix, block: tuple[int, ...], exponent: float) -> Matrix:
    """The power of a block by its eigenvectors, which are those of the Hermitian cos(a) (U + U*)/2 + sin(a) (U - U*)/2i
    unless two eigenvalues lie as mirror images about the angle a: then the next angle is taken."""
    part: Matrix = tuple(tuple(complex(matrix[r][c]) for c in block) for r in block)
    for angle in (0.6180, 1.2391, 0.1437, 1.7713, 2.6457):
        turned = m.scale(cmath.exp(-1j * angle) / 2, part)
        vectors = _eigenvectors(m.add(turned, m.dagger(turned)))
        diagonal = m.matmul(m.matmul(m.dagger(vectors), part), vectors)
        off = max(abs(x) for r, row in enumerate(diagonal) for c, x in enumerate(row) if r != c)
        if off < 1e-10:
            break
    phases = [_phase_power(diagonal[k][k], exponent) for k in range(len(block))]
    scaled: Matrix = tuple(tuple(x * phase for x, phase in zip(row, phases, strict=True)) for row in vectors)
    return m.matmul(scaled, m.dagger(vectors))


def _eigenvectors(hermitian: Matrix) -> Matrix:
    """Columns that diagonalise ``hermitian``: sweeps of plane rotations (Golub and Van Loan, section 8.5)."""
    size = len(hermitian)
    a, v = [list(row) for row in hermitian], [[complex(r == c) for c in range(size)] for r in range(size)]
    for _ in range(60):
        if all(abs(a[p][q]) < 1e-15 for p in range(size) for q in range(p)):
            break
        for p, q in itertools.combinations(range(size), 2):
            angle = math.atan2(2 * abs(a[p][q]), (a[p][p] - a[q][q]).real) / 2
            cosine, sine = math.cos(angle), math.sin(angle) * cmath.exp(1j * cmath.phase(a[p][q]))
            for row in (*a, *v):
                x, y = row[p], row[q]
                row[p], row[q] = cosine * x + sine.conjugate() * y, cosine * y - sine * x
            for k in range(size):
                x, y = a[p][k], a[q][k]
                a[p][k], a[q][k] = cosine * x + sine * y, cosine * y - sine.conjugate() * x
    return tuple(tuple(row) for row in v)


def _blocks(matrix: Matrix) -> list[tuple[int, ...]]:
    """Basis states grouped by which of them the matrix mixes."""
    root = list(range(len(matrix)))

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for r, row in enumerate(matrix):
        for c, value in enumerate(row):
            if abs(value) > ATOL:
                root[find(r)] = find(c)
    groups: dict[int, list[int]] = {}
    for k in range(len(matrix)):
        groups.setdefault(find(k), []).append(k)
    return [tuple(group) for group in groups.values()]


def add_controls(matrix: Matrix, controls: int, state: str = "") -> Matrix:
    """Puts ``controls`` control qubits in front (more significant) of ``matrix``, which acts when they read ``state``
    ("" = all ones; first character = first control). Raises ``PowerError`` beyond ``LIMITS.matrix_qubits`` qubits in
    all."""
    qubits = controls + len(matrix).bit_length() - 1
    if qubits > LIMITS.matrix_qubits:
        raise PowerError(f"a matrix on {qubits} qubits is too large to write out; the limit is {LIMITS.matrix_qubits}")
    block = len(matrix)
    size = block << controls
    base = (int(state, 2) if state else (1 << controls) - 1) * block
    rows = [[0j] * size for _ in range(size)]
    for k in range(size):
        if not base <= k < base + block:
            rows[k][k] = 1
    for r in range(block):
        rows[base + r][base : base + block] = matrix[r]
    return tuple(tuple(row) for row in rows)
