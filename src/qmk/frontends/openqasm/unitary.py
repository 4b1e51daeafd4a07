"""Gates as lists of primitive operations with an exact global phase, and ``inv``, ``ctrl`` and ``pow`` of them.

A ``Prim`` is a core gate with no control of its own (``base``), under controls, raised to a power; operands are numbers
of the surrounding gate's qubits, controls first. Phases are exact: under a control they are physics.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from qmk.ir.inverse import inverse_args
from qmk.ir.names import base_of, controlled_form
from qmk.ir.synthesis import unitary_steps
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Matrix

TURN = 2 * math.pi
ROOT_QUBITS = 3
ROOT_OPERATIONS = 4096
"""Largest gate of several operations whose fractional power is computed, by the eigenvalues of its matrix."""

_INVERSE = {op.short: op.inverse.removeprefix("core.") for op in FIXED_SIZE.values() if not op.params}
_SELF_INVERSE = frozenset(short for short, back in _INVERSE.items() if short == back)
_PHASE_OF = {"z": math.pi, "s": math.pi / 2, "sdg": -math.pi / 2, "t": math.pi / 4, "tdg": -math.pi / 4}
_ROTATIONS = frozenset(
    op.short for op in FIXED_SIZE.values() if op.negated == ("theta",) and op.bases and not op.controls
)
_HALF_POWERS = {("x", 0.5): "sx", ("x", -0.5): "sxdg"}


class NoPower(Exception):
    """A fractional power of a gate that is too large."""


class Prim(msgspec.Struct, frozen=True):
    """``base`` is a short core name without controls, "gphase" or "barrier"; ``controls`` are the control values."""

    base: str
    operands: tuple[int, ...]
    args: Mapping[str, float] = {}
    controls: str = ""
    power: float = 1.0


class Unitary(msgspec.Struct, frozen=True):
    """Primitives in order of application, times ``e^{i phase}``."""

    prims: tuple[Prim, ...]
    phase: float = 0.0


def prim(op: str, operands: tuple[int, ...], args: Mapping[str, float]) -> Prim:
    """A core gate by its short name as a primitive."""
    base, controls = base_of(op)
    return Prim(base, operands, args, "1" * controls)


def move_operands(u: Unitary, operands: tuple[int, ...]) -> Unitary:
    """``u`` with its qubit k renamed ``operands[k]``."""
    moved = [Prim(p.base, tuple([operands[k] for k in p.operands]), p.args, p.controls, p.power) for p in u.prims]
    return Unitary(tuple(moved), u.phase)


# -- inverse ---------------------------------------------------------------------------------------------------------


def inverse(u: Unitary) -> Unitary:
    return Unitary(tuple(_inverse(p) for p in reversed(u.prims)), -u.phase)


def _inverse(p: Prim) -> Prim:
    if p.power != 1:
        return replace(p, power=-p.power)
    if p.base in _SELF_INVERSE or p.base == "barrier":
        return p
    if p.base in _INVERSE:
        return replace(p, base=_INVERSE[p.base])
    return replace(p, args=inverse_args(OPS[f"core.{p.base}"], p.args))


# -- control ---------------------------------------------------------------------------------------------------------


def control(u: Unitary, values: str) -> Unitary:
    """``u`` under ``len(values)`` controls, which become qubits 0, 1, ...; ``values[k]`` ("1" or "0") is what qubit k
    must hold. The global phase becomes a primitive of its own."""
    count = len(values)
    front = tuple(range(count))
    prims: list[Prim] = []
    for p in u.prims:
        moved = tuple(k + count for k in p.operands)
        if p.base == "barrier":
            prims.append(replace(p, operands=moved))
        else:
            prims.append(replace(p, operands=front + moved, controls=values + p.controls))
    if math.remainder(u.phase, TURN) != 0:
        prims.append(Prim("gphase", front, {"gamma": u.phase}, values))
    return Unitary(tuple(prims))


# -- power -----------------------------------------------------------------------------------------------------------


def power(u: Unitary, exponent: float, limit: int) -> Unitary:
    """``u`` to the power ``exponent``, fractional ones on the principal branch of each eigenvalue.

    Raises NoPower for a fractional power of several operations on more than ``ROOT_QUBITS`` qubits, or of more than
    ``ROOT_OPERATIONS``; OverflowError when more than ``limit`` primitives would be needed.
    """
    if exponent == int(exponent):
        return _whole_power(u, int(exponent), limit)
    if not u.prims:
        return Unitary((), math.remainder(u.phase, TURN) * exponent)
    if len(u.prims) == 1 and math.remainder(u.phase, TURN) == 0:
        found = _fractional(u.prims[0], exponent)
        if found is not None:
            return Unitary((found,))
    return _matrix_power(u, exponent)


def _whole_power(u: Unitary, exponent: int, limit: int) -> Unitary:
    if exponent < 0:
        return _whole_power(inverse(u), -exponent, limit)
    phase = math.remainder(u.phase, TURN) * exponent
    if len(u.prims) == 1:
        found = _whole(u.prims[0], exponent)
        return Unitary(() if found is None else (found,), phase)
    if exponent * len(u.prims) > limit:
        raise OverflowError
    return Unitary(u.prims * exponent, phase)


def _whole(p: Prim, exponent: int) -> Prim | None:
    """One primitive repeated; None when nothing is left."""
    if exponent == 0:
        return None
    if exponent == 1 or p.base in ("barrier", "id"):
        return p
    if p.power != 1:
        return replace(p, power=p.power * exponent)
    if p.base in _PHASE_OF:
        turns = {"z": 2, "s": 4, "sdg": 4, "t": 8, "tdg": 8}[p.base]
        left = exponent % turns
        return replace(p, base="p", args={"lam": _PHASE_OF[p.base] * left}) if left else None
    if p.base in _SELF_INVERSE:
        return p if exponent % 2 else None
    if p.base in _ROTATIONS or p.base in ("p", "gphase"):
        return replace(p, args={name: angle * exponent for name, angle in p.args.items()})
    return replace(p, power=float(exponent))


def _fractional(p: Prim, exponent: float) -> Prim | None:
    """A primitive on the principal branch; None where its eigenvalues are not known in closed form."""
    if p.base in ("barrier", "id"):
        return p
    if not -1 < p.power <= 1:
        return None
    if p.power != 1:
        return replace(p, power=p.power * exponent)
    if p.base in ("p", "gphase"):
        return replace(p, args={name: math.remainder(angle, TURN) * exponent for name, angle in p.args.items()})
    if p.base in _PHASE_OF:
        return replace(p, base="p", args={"lam": _PHASE_OF[p.base] * exponent})
    if (p.base, exponent) in _HALF_POWERS:
        return replace(p, base=_HALF_POWERS[p.base, exponent])
    if p.base in _ROTATIONS:
        angle = math.remainder(p.args["theta"], 2 * TURN)
        if abs(angle) < TURN - 1e-12:
            return replace(p, args={"theta": angle * exponent})
    return replace(p, power=exponent)


def _matrix_power(u: Unitary, exponent: float) -> Unitary:
    """A fractional power by eigenvalues, as gates that have exactly its matrix."""
    used = tuple(sorted({k for p in u.prims if p.base != "barrier" for k in p.operands}))
    if len(used) > ROOT_QUBITS or len(u.prims) > ROOT_OPERATIONS:
        raise NoPower
    numbers = {qubit: k for k, qubit in enumerate(used)}
    own = [replace(p, operands=tuple(numbers[k] for k in p.operands)) for p in u.prims if p.base != "barrier"]
    wanted = powers.power(matrix_of(Unitary(tuple(own), u.phase), len(used)), exponent)
    return move_operands(synthesise(wanted), used)


def synthesise(wanted: Matrix) -> Unitary:
    """A unitary on at most ``ROOT_QUBITS`` qubits as gates that have exactly its matrix."""
    if len(wanted) == 2 and max(abs(wanted[0][1]), abs(wanted[1][0]), abs(wanted[0][0] - wanted[1][1])) > 1e-12:
        return from_matrix(wanted)
    qubits = len(wanted).bit_length() - 1
    steps = tuple(prim(step.op.removeprefix("core."), step.operands, step.args) for step in unitary_steps(wanted))
    column = _act(Unitary(steps), [_basis(0, len(wanted))], qubits)[0]
    overlap = sum(x.conjugate() * row[0] for x, row in zip(column, wanted, strict=True))
    return Unitary(steps, cmath.phase(overlap))


def matrix_of(u: Unitary, qubits: int) -> Matrix:
    """The matrix of a gate on so many qubits, the first of them the highest bit of an index."""
    size = 1 << qubits
    return tuple(zip(*_act(u, [_basis(k, size) for k in range(size)], qubits), strict=True))


def _basis(k: int, size: int) -> list[complex]:
    return [complex(j == k) for j in range(size)]


def _act(u: Unitary, columns: list[list[complex]], qubits: int) -> list[list[complex]]:
    """The gate on vectors."""
    factor = cmath.exp(1j * u.phase)
    columns = [[factor * x for x in column] for column in columns]
    for p in u.prims:
        if p.base == "barrier":
            continue
        declared = OPS[f"core.{p.base}"].matrix
        assert declared is not None
        matrix = powers.add_controls(powers.power(declared(p.args), p.power), len(p.controls), p.controls)
        bits = [1 << (qubits - 1 - k) for k in p.operands]
        own = [sum(bit for at, bit in enumerate(reversed(bits)) if k >> at & 1) for k in range(len(matrix))]
        for rest in (k for k in range(1 << qubits) if not k & sum(bits)):
            for column in columns:
                before = [column[rest + k] for k in own]
                for k, row in zip(own, matrix, strict=True):
                    column[rest + k] = sum(x * y for x, y in zip(row, before, strict=True))
    return columns


def from_matrix(matrix: Matrix) -> Unitary:
    """A 2x2 unitary as one ``u`` gate and its phase."""
    ((a, b), (c, d)) = matrix
    theta = 2 * math.atan2(abs(c), abs(a))
    if abs(a) > 1e-12:
        phase = cmath.phase(a)
        phi = cmath.phase(c) - phase if abs(c) > 1e-12 else 0.0
        lam = cmath.phase(d) - phase - phi if abs(d) > 1e-12 else cmath.phase(-b) - phase
    else:
        phase, phi = cmath.phase(c), 0.0
        lam = cmath.phase(-b) - phase
    return Unitary((Prim("u", (0,), {"theta": theta, "phi": phi, "lam": lam}),), phase)


# -- to core ops -----------------------------------------------------------------------------------------------------

Emitted = tuple[str, dict[str, Any], tuple[int, ...]]


def ops_of(p: Prim) -> list[Emitted]:
    """The core ops of a primitive: (short name, args, operands). A controlled phase becomes a phase gate."""
    if p.base == "barrier":
        return [("barrier", {}, p.operands)]
    if p.base == "gphase" and p.controls:
        return _controlled_phase(p)
    if p.base == "gphase" or (not p.controls and p.power == 1):
        return [(p.base, dict(p.args), p.operands)]
    plain = controlled_form(p.base, len(p.controls)) if p.power == 1 and "0" not in p.controls else ""
    if plain:
        return [(plain, dict(p.args), p.operands)]
    args: dict[str, Any] = {"gate": p.base, "controls": len(p.controls)}
    if "0" in p.controls:
        args["state"] = p.controls
    if p.power != 1:
        args["power"] = float(p.power)
    if p.args:
        args["params"] = dict(p.args)
    return [("mod", args, p.operands)]


def _controlled_phase(p: Prim) -> list[Emitted]:
    """``e^{i gamma}`` when the controls hold their values: a phase gate on one of them, under the others."""
    target = p.controls.rfind("1")
    flip = target < 0
    target = max(target, 0)
    rest = p.operands[:target] + p.operands[target + 1 :]
    values = p.controls[:target] + p.controls[target + 1 :]
    phase = ops_of(Prim("p", (*rest, p.operands[target]), {"lam": p.args["gamma"] * p.power}, values))
    if not flip:
        return phase
    around: Emitted = ("x", {}, (p.operands[target],))
    return [around, *phase, around]
