"""Answers questions of engines and lowerings about gates: the matrix of a ``core.mod``, and Clifford gates as simple
steps.

``core.mod`` takes a gate of fixed size to a power and then controls it. Its qubits are the controls first and then the
gate's own; ``state`` gives the values the controls must read, first character for the first control.
"""

from __future__ import annotations

import cmath
from functools import cache, lru_cache
from typing import Any

import msgspec

from qmk.ir import clifford
from qmk.ir.clifford import quarter_turns
from qmk.ir.names import TURNS
from qmk.qvm.families import OPS
from qmk.qvm.families.core import power_of_args
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import Args, Matrix, Op, Step

_QUARTERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "X": ((), ("sx",), ("x",), ("sxdg",)),
    "Y": ((), ("z", "h"), ("y",), ("h", "z")),
    "Z": ((), ("s",), ("z",), ("sdg",)),
}
"""Rotation by k quarter turns about an axis, up to global phase."""


class ModParts(msgspec.Struct, frozen=True):
    """``base`` is the matrix of the gate's power before control; ``state`` has one character per control."""

    base: Matrix
    controls: int
    state: str


def mod_parts(args: Args) -> ModParts:
    """What ``core.mod`` with these args (verified) is made of. Any number of controls; raises ``PowerError``."""
    base = power_of_args(args)
    controls = args.get("controls", 0)
    return ModParts(base, controls, args.get("state") or "1" * controls)


def clifford_steps(op: str, args: Args) -> tuple[Step, ...] | None:
    """A unitary core op as parameterless Clifford gates on its operands, equal up to global phase, or None when it is
    not Clifford with these args. Angles count as multiples of pi/2 within 1e-9 rad.

    Gates: x y z h s sdg sx sxdg cnot cz swap. Raises KeyError for an op that is not a unitary one.
    """
    turn = TURNS.get(op)
    if turn is not None:
        axis, name = turn
        turns = quarter_turns(args[name])
        return None if turns is None else _QUARTER_STEPS[axis][turns % 4]
    declared = OPS[op]
    if declared.op_class != "unitary":
        raise KeyError(op)
    if op == "core.mod":
        return _mod_steps(_key(args))
    if not declared.params:
        return _steps_of_fixed(op)
    return _by_lowering(declared, args)


def _step(gate: str, *operands: int) -> Step:
    return Step(f"core.{gate}", operands, {})


def _turn(axis: str, turns: int, qubit: int) -> tuple[Step, ...]:
    return tuple(_step(gate, qubit) for gate in _QUARTERS[axis][turns % 4])


_QUARTER_STEPS = {axis: tuple(_turn(axis, turns, 0) for turns in range(4)) for axis in _QUARTERS}
_DIRECT = frozenset(short for short, op in FIXED_SIZE.items() if op.flow and op.lower is None) | {"cz", "swap"}


def _fixed_steps(op: Op) -> tuple[Step, ...] | None:
    """Steps of a gate without parameters: itself, its lowering where that is Clifford, or steps with its flow."""
    if op.flow is None:
        return None
    if all(image == f"+{letters}" for letters, image in op.flow.items()):
        return ()
    if op.short in _DIRECT:
        return (_step(op.short, *range(op.vqs.low)),)
    assert op.matrix is not None
    return _by_lowering(op, {}) or _synthesise(op.matrix({}))


def _by_lowering(op: Op, args: Args) -> tuple[Step, ...] | None:
    """Steps of a gate with angles whose declared lowering is Clifford step by step. Complete for one
    angle: the lowered rotations have multiples of pi/2 exactly when the gate is Clifford; else its matrix is asked."""
    if op.vqs.high == 0:
        return ()  # a global phase
    if op.lower is None and op.params:
        return _by_matrix(op.name, tuple(sorted(args.items())))
    if op.name == "core.cp":
        turns = quarter_turns(args["lam"])
        return None if turns is None or turns % 2 else (_step("cz", 0, 1),) if turns % 4 else ()
    out: list[Step] = []
    for step in op.lower(args, op.vqs.low) if op.lower is not None else ():
        inner = clifford_steps(step.op, step.args)
        if inner is None:
            return _by_matrix(op.name, tuple(sorted(args.items()))) if len(op.params) > 1 else None
        out += (Step(s.op, tuple(step.operands[k] for k in s.operands), {}) for s in inner)
    return tuple(out)


@cache
def _steps_of_fixed(op: str) -> tuple[Step, ...] | None:
    return _fixed_steps(OPS[op])


@lru_cache(maxsize=4096)
def _by_matrix(op: str, args: tuple[tuple[str, float], ...]) -> tuple[Step, ...] | None:
    make = OPS[op].matrix
    assert make is not None
    return _synthesise(make(dict(args)))


def _synthesise(matrix: Matrix) -> tuple[Step, ...] | None:
    steps = clifford.synthesise(matrix)
    return None if steps is None else tuple(_step(gate, *qubits) for gate, qubits in steps)


_ModKey = tuple[str, tuple[tuple[str, Any], ...], float, int, str]


def _key(args: Args) -> _ModKey:
    params = tuple(sorted(args.get("params", {}).items()))
    controls = args.get("controls", 0)
    return args["gate"], params, float(args.get("power", 1.0)), controls, args.get("state") or "1" * controls


@lru_cache(maxsize=4096)
def _mod_steps(key: _ModKey) -> tuple[Step, ...] | None:
    """A controlled U is Clifford when U is; with one control, when U is a Pauli product times a power of i; with more,
    when U is a scalar, which acts on the controls alone, and that is Clifford on them."""
    gate, params, exponent, controls, state = key
    base = mod_parts({"gate": gate, "params": dict(params), "power": exponent}).base
    if controls == 0:
        return _synthesise(base)
    acting = _controlled_steps(base, controls)
    if acting is None:
        return None
    flips = tuple(_step("x", k) for k, bit in enumerate(state) if bit == "0") if acting else ()
    return (*flips, *acting, *flips)


def _controlled_steps(base: Matrix, controls: int) -> tuple[Step, ...] | None:
    """``base`` under controls that act on 1."""
    found = clifford.as_pauli(base)
    if found is None:
        return None
    phase, paulis = found
    if controls == 1:
        turns = quarter_turns(cmath.phase(phase))
        if turns is None:
            return None
        return (*_turn("Z", turns, 0), *_controlled_pauli(paulis))
    if paulis.strip("I"):
        return None
    if controls == 2 and abs(phase + 1) <= clifford.ATOL:
        return (_step("cz", 0, 1),)
    return () if abs(phase - 1) <= clifford.ATOL else None


def _controlled_pauli(paulis: str) -> tuple[Step, ...]:
    """Control qubit 0, Pauli product on qubits 1, 2, ...: one two-qubit gate per letter."""
    out: list[Step] = []
    for qubit, letter in enumerate(paulis, start=1):
        if letter == "X":
            out.append(_step("cnot", 0, qubit))
        elif letter == "Y":
            out += (_step("sdg", qubit), _step("cnot", 0, qubit), _step("s", qubit))
        elif letter == "Z":
            out.append(_step("cz", 0, qubit))
    return tuple(out)
