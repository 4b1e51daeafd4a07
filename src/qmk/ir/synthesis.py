"""Exact decomposition of controlled and powered gates (``core.mod``) into one-, two- and three-qubit gates.

No ancilla is used: a qubit that a step does not touch is borrowed in any state and given back. Multi-controlled X
takes O(n) Toffolis with a borrowed qubit, any other multi-controlled gate O(n^2) (Barenco et al., Phys. Rev. A 52,
3457 (1995), lemmas 7.2, 7.4, 7.5); a gate on several qubits is first factored into two-level unitaries (Reck et al.,
Phys. Rev. Lett. 73, 58 (1994)). Results are exact up to a global phase, angles at double precision.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from typing import Any

from qmk.base.errors import QmkError
from qmk.ir.modifiers import mod_parts
from qmk.ir.names import base_of
from qmk.qvm import matrices as m
from qmk.qvm.op import Args, Matrix, Step

MAX_CONTROLS = 256
"""controls of one gate that is decomposed: the step count grows with their square"""

_EPSILON = 1e-14


def _step(op: str, *operands: int, **args: Any) -> Step:
    return Step(f"core.{op}", operands, args)


def mod_steps(args: Args, qubits: int) -> tuple[Step, ...]:
    """``core.mod`` with ``args`` on ``qubits`` operands (controls first) as steps over operand indexes."""
    gate, own = base_of(args["gate"])
    controls = int(args.get("controls", 0)) + own
    if controls > MAX_CONTROLS:
        raise QmkError(
            "UNSUPPORTED",
            f"a gate with {controls} controls is not decomposed: at most {MAX_CONTROLS}",
            controls=controls,
            limit=MAX_CONTROLS,
        )
    matrix = mod_parts({"gate": gate, "power": args.get("power", 1.0), "params": args.get("params") or {}}).base
    state = args.get("state") or ""
    flips = tuple(_step("x", q) for q, value in enumerate(state) if value == "0")
    lines = tuple(range(controls))
    targets = tuple(range(controls, qubits))
    return (*flips, *_controlled(matrix, lines, targets), *flips)


def _controlled(matrix: Matrix, controls: tuple[int, ...], targets: tuple[int, ...]) -> Iterator[Step]:
    """``matrix`` on ``targets`` when all ``controls`` are 1."""
    if not targets:
        phase = m.phase(cmath.phase(matrix[0][0]))
        if controls:
            yield from _controlled_one(phase, controls[:-1], controls[-1], ())
        return
    if len(targets) == 1:
        yield from _controlled_one(matrix, controls, targets[0], ())
        return
    for low, high, block in two_level(matrix):
        yield from _two_level_steps(low, high, block, controls, targets)


def two_level(matrix: Matrix) -> list[tuple[int, int, Matrix]]:
    """Factors of a unitary in circuit order: each is a 2x2 block on basis states ``low`` and ``high``."""
    size = len(matrix)
    work = [[complex(x) for x in row] for row in matrix]
    undo: list[tuple[int, int, Matrix]] = []
    for column in range(size - 1):
        for row in range(column + 1, size):
            if abs(work[row][column]) < _EPSILON:
                continue
            a, b = work[column][column], work[row][column]
            norm = math.hypot(abs(a), abs(b))
            givens: Matrix = ((a.conjugate() / norm, b.conjugate() / norm), (-b / norm, a / norm))
            for k in range(size):
                x, y = work[column][k], work[row][k]
                work[column][k] = givens[0][0] * x + givens[0][1] * y
                work[row][k] = givens[1][0] * x + givens[1][1] * y
            undo.append((column, row, m.dagger(givens)))
    factors: list[tuple[int, int, Matrix]] = []
    for state in range(size):
        angle = cmath.phase(work[state][state])
        if abs(angle) > _EPSILON:
            other = state ^ 1
            block = ((1, 0), (0, cmath.exp(1j * angle)))
            factors.append((other, state, block))
    return factors + undo[::-1]


def _two_level_steps(
    low: int, high: int, block: Matrix, controls: tuple[int, ...], targets: tuple[int, ...]
) -> Iterator[Step]:
    """``block`` on the span of basis states ``low`` and ``high`` of ``targets`` (first target = most significant)."""
    count = len(targets)

    def value(state: int, position: int) -> int:
        return (state >> (count - 1 - position)) & 1

    differing = [p for p in range(count) if value(low, p) != value(high, p)]
    pivot = differing[0]
    if value(low, pivot) == 1:  # put the block's first basis state where the pivot is 0
        low, high = high, low
        block = ((block[1][1], block[1][0]), (block[0][1], block[0][0]))
    frame = [_step("cnot", targets[pivot], targets[p]) for p in differing[1:]]
    others = [p for p in range(count) if p != pivot]
    frame += [_step("x", targets[p]) for p in others if value(low, p) == 0]
    lines = controls + tuple(targets[p] for p in others)
    yield from frame
    yield from _controlled_one(block, lines, targets[pivot], ())
    yield from reversed(frame)


def _controlled_one(matrix: Matrix, controls: tuple[int, ...], target: int, spare: tuple[int, ...]) -> Iterator[Step]:
    """A single-qubit ``matrix`` under ``controls``; ``spare`` are borrowed qubits."""
    if _equal(matrix, m.I2):
        return
    if not controls:
        yield _one_qubit(matrix, target)
    elif _equal(matrix, m.X):
        yield from _multi_x(controls, target, spare)
    elif len(controls) == 1:
        yield from _controlled_once(matrix, controls[0], target)
    else:
        root = square_root(matrix)
        rest, last = controls[:-1], controls[-1]
        yield from _controlled_once(root, last, target)
        yield from _multi_x(rest, last, (*spare, target))
        yield from _controlled_once(m.dagger(root), last, target)
        yield from _multi_x(rest, last, (*spare, target))
        yield from _controlled_one(root, rest, target, (*spare, last))


def _multi_x(controls: tuple[int, ...], target: int, spare: tuple[int, ...]) -> Iterator[Step]:
    """X on ``target`` under ``controls``: linear with a borrowed qubit, quadratic without one."""
    count = len(controls)
    if count <= 2:
        yield _step(("x", "cnot", "toffoli")[count], *controls, target)
    elif len(spare) >= count - 2:
        yield from _chain(controls, target, spare)
    elif spare:
        half = (count + 1) // 2
        left, right = controls[:half], controls[half:]
        first = (left, spare[0], (*right, target))
        second = ((*right, spare[0]), target, left)
        for lines, aim, free in (first, second, first, second):
            yield from _multi_x(lines, aim, free)
    else:
        root = square_root(m.X)
        rest, last = controls[:-1], controls[-1]
        yield from _controlled_once(root, last, target)
        yield from _multi_x(rest, last, (target,))
        yield from _controlled_once(m.dagger(root), last, target)
        yield from _multi_x(rest, last, (target,))
        yield from _controlled_one(root, rest, target, (last,))


def _chain(controls: tuple[int, ...], target: int, spare: tuple[int, ...]) -> Iterator[Step]:
    """Lemma 7.2: a ladder of Toffolis over ``len(controls) - 2`` borrowed qubits, run twice."""
    work = spare[: len(controls) - 2]
    rungs = [
        _step("toffoli", control, lower, upper)
        for control, lower, upper in zip(controls[:1:-1], work[::-1], (target, *work[:0:-1]), strict=True)
    ]
    foot = _step("toffoli", controls[0], controls[1], work[0])
    yield from (*rungs, foot, *reversed(rungs))
    yield from (*rungs[1:], foot, *reversed(rungs[1:]))


def _controlled_once(matrix: Matrix, control: int, target: int) -> Iterator[Step]:
    """One control: ABC decomposition (Nielsen and Chuang, corollary 4.2), diagonal gates shorter."""
    if abs(matrix[0][1]) < _EPSILON:
        first, second = cmath.phase(matrix[0][0]), cmath.phase(matrix[1][1])
        if abs(first) > _EPSILON:
            yield _step("p", control, lam=first)
        yield _step("cp", control, target, lam=second - first)
        return
    if _equal(matrix, m.X):
        yield _step("cnot", control, target)
        return
    alpha, beta, gamma, delta = zyz(matrix)
    yield _step("rz", target, theta=(delta - beta) / 2)
    yield _step("cnot", control, target)
    yield _step("rz", target, theta=-(delta + beta) / 2)
    yield _step("ry", target, theta=-gamma / 2)
    yield _step("cnot", control, target)
    yield _step("ry", target, theta=gamma / 2)
    yield _step("rz", target, theta=beta)
    yield _step("p", control, lam=alpha)


def _one_qubit(matrix: Matrix, target: int) -> Step:
    _alpha, beta, gamma, delta = zyz(matrix)
    return _step("u", target, theta=gamma, phi=beta, lam=delta)


def zyz(matrix: Matrix) -> tuple[float, float, float, float]:
    """(alpha, beta, gamma, delta) with ``matrix = e^{i alpha} RZ(beta) RY(gamma) RZ(delta)``."""
    (a, b), (c, d) = matrix
    gamma = 2 * math.atan2(abs(c), abs(a))
    if abs(a) < _EPSILON:  # anti-diagonal: only beta - delta is fixed
        beta, delta = cmath.phase(c) - cmath.phase(0 - b), 0.0  # 0 - b: the phase of -1 is pi, however 1 is written
        return cmath.phase(c) - beta / 2, beta, gamma, delta
    if abs(c) < _EPSILON:  # diagonal: only beta + delta is fixed
        beta, delta = cmath.phase(d) - cmath.phase(a), 0.0
    else:
        beta, delta = cmath.phase(c) - cmath.phase(a), cmath.phase(0 - b) - cmath.phase(a)
    return cmath.phase(a) + (beta + delta) / 2, beta, gamma, delta


def square_root(matrix: Matrix) -> Matrix:
    """A unitary whose square is the 2x2 unitary ``matrix`` (Cayley-Hamilton)."""
    (a, b), (c, d) = matrix
    root = cmath.sqrt(a * d - b * c)
    if abs(a + d + 2 * root) < abs(a + d - 2 * root):
        root = -root
    scale = cmath.sqrt(a + d + 2 * root)
    return ((a + root) / scale, b / scale), (c / scale, (d + root) / scale)


def _equal(a: Matrix, b: Sequence[Sequence[complex]]) -> bool:
    return all(abs(x - y) < _EPSILON for ra, rb in zip(a, b, strict=True) for x, y in zip(ra, rb, strict=True))
