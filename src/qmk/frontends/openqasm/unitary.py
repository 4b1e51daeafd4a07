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
from qmk.qvm import matrices as m
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Matrix

TURN = 2 * math.pi

_INVERSE = {op.short: op.inverse.removeprefix("core.") for op in FIXED_SIZE.values() if not op.params}
_SELF_INVERSE = frozenset(short for short, back in _INVERSE.items() if short == back)
_PHASE_OF = {"z": math.pi, "s": math.pi / 2, "sdg": -math.pi / 2, "t": math.pi / 4, "tdg": -math.pi / 4}
_ROTATIONS = frozenset(
    op.short for op in FIXED_SIZE.values() if op.negated == ("theta",) and op.bases and not op.controls
)
_HALF_POWERS = {("x", 0.5): "sx", ("x", -0.5): "sxdg"}


class NoPower(Exception):
    """A fractional power that has no closed form here."""


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


def shifted(u: Unitary, operands: tuple[int, ...]) -> Unitary:
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


def power(u: Unitary, exponent: float, qubits: int, limit: int) -> Unitary:
    """``u`` to the power ``exponent``, fractional ones on the principal branch of each eigenvalue.

    Raises NoPower where no closed form exists, OverflowError when more than ``limit`` primitives would be needed.
    """
    if exponent == int(exponent):
        return _whole_power(u, int(exponent), limit)
    if not u.prims:
        return Unitary((), math.remainder(u.phase, TURN) * exponent)
    if len(u.prims) == 1 and math.remainder(u.phase, TURN) == 0:
        found = _fractional(u.prims[0], exponent)
        if found is not None:
            return Unitary((found,))
    if qubits == 1 and not any(p.controls for p in u.prims):
        return _matrix_power(u, exponent)
    raise NoPower


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
    """A single-qubit gate's fractional power by its eigenvalues."""
    ((a, b), (c, d)) = matrix_of(u)
    mean, delta = (a + d) / 2, cmath.sqrt(((a - d) / 2) ** 2 + b * c)
    if abs(delta) < 1e-12:
        return Unitary((), cmath.phase(mean) * exponent)
    high, low = (cmath.exp(1j * cmath.phase(v) * exponent) for v in (mean + delta, mean - delta))
    half = [[(a - mean) / delta, b / delta], [c / delta, (d - mean) / delta]]
    total, gap = (high + low) / 2, (high - low) / 2
    return from_matrix(((total + gap * half[0][0], gap * half[0][1]), (gap * half[1][0], total + gap * half[1][1])))


def matrix_of(u: Unitary) -> Matrix:
    """The 2x2 matrix of a single-qubit gate whose primitives have no controls."""
    out = m.scale(cmath.exp(1j * u.phase), m.I2)
    for p in u.prims:
        if p.base == "barrier":
            continue
        declared = OPS[f"core.{p.base}"].matrix
        assert declared is not None
        step = declared(p.args)
        if p.base == "gphase":
            step = m.scale(step[0][0], m.I2)
        if p.power != 1:
            step = matrix_of(_matrix_power(Unitary((replace(p, power=1.0),)), p.power))
        out = m.matmul(step, out)
    return out


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


def emitted(p: Prim) -> list[Emitted]:
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
    phase = emitted(Prim("p", (*rest, p.operands[target]), {"lam": p.args["gamma"] * p.power}, values))
    if not flip:
        return phase
    around: Emitted = ("x", {}, (p.operands[target],))
    return [around, *phase, around]
