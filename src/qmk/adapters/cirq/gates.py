"""Cirq's gates in ours, with their exact phases.

An entry is ``(name, angles)`` for one gate on the same qubits without a phase, else a ``Steps``. The phase of a gate
``P ** e`` of Cirq's is ``e^{i pi e (shift + 1/2)}`` times our rotation by ``pi e``.
"""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import cirq

from qmk.adapters.cirq.parameters import angle
from qmk.circuit.items import Item
from qmk.ir.names import base_of, controlled_form
from qmk.ir.parameters import Angle, Expression

Step: TypeAlias = tuple[str, tuple[Angle, ...], tuple[int, ...]]
"""A gate on some of the operands, by their places."""


class Steps(NamedTuple):
    """Gates in order, times ``e^{i phase}``."""

    steps: tuple[Step, ...]
    phase: Angle = 0.0


Plain: TypeAlias = tuple[str, tuple[Angle, ...]]
Found: TypeAlias = "Plain | Steps"

_X, _Y, _Z, _H = ("x", ()), ("y", ()), ("z", ()), ("h", ())
_ROOTS_X = {1: _X, -1: _X, 0.5: ("sx", ()), -0.5: ("sxdg", ())}
_ROOTS_Z = {1: _Z, -1: _Z, 0.5: ("s", ()), -0.5: ("sdg", ()), 0.25: ("t", ()), -0.25: ("tdg", ())}
_ROOTS_ISWAP = {1: ("iswap", ()), -1: ("iswapdg", ()), 0.5: ("siswap", ()), -0.5: ("siswapdg", ())}
_QUARTER = math.pi / 4


def _rotation(name: str, roots: dict[Any, Plain]) -> Callable[[Any], Found]:
    """``P ** e`` on one or two qubits, P a product of one Pauli. ``roots``: those that have names, phase and all."""

    def read(gate: Any) -> Found:
        exponent, shift = gate.exponent, gate.global_shift
        if shift == 0 and exponent in roots:
            return roots[exponent]
        turn = angle(exponent, 1)
        if shift == -0.5:
            return name, (turn,)
        return Steps(((name, (turn,), tuple(range(gate.num_qubits()))),), angle(exponent, shift + 0.5))

    return read


def _phase(named: dict[Any, Plain], name: str, controls: int) -> Callable[[Any], Found]:
    """``Z ** e`` under controls; one that is not a gate of ours stands under its controls."""

    def read(gate: Any) -> Found:
        exponent, shift = gate.exponent, gate.global_shift
        if shift == 0 and exponent in named:
            return named[exponent]
        if shift == 0 and controls < 2:
            return name, (angle(exponent, 1),)
        if shift == -0.5 and not controls:
            return "rz", (angle(exponent, 1),)
        return Steps(((name, (angle(exponent, 1),), tuple(range(controls + 1))),), angle(exponent, shift))

    return read


def _control(whole: str, rotation: str) -> Callable[[Any], Found]:
    """``P ** e`` under one control."""

    def read(gate: Any) -> Found:
        exponent, shift = gate.exponent, gate.global_shift
        if shift == 0 and exponent in (1, -1):
            return whole, ()
        half: Step = ("p", (angle(exponent, 0.5),), (0,))
        return Steps(((rotation, (angle(exponent, 1),), (0, 1)), half), angle(exponent, shift))

    return read


def _h(gate: Any) -> Found:
    if gate.exponent in (1, -1) and gate.global_shift == 0:
        return _H
    exponent = gate.exponent
    turns: tuple[Step, ...] = (
        ("ry", (-_QUARTER,), (0,)),
        ("p", (angle(exponent, 1),), (0,)),
        ("ry", (_QUARTER,), (0,)),
    )
    return Steps(turns, angle(exponent, gate.global_shift))


def _toffoli(basis: str) -> Callable[[Any], Found]:
    """``P ** e`` of the third qubit under the others, P the Z that ``basis`` turns."""

    def read(gate: Any) -> Found:
        exponent, shift = gate.exponent, gate.global_shift
        before, after = {"x": (("h",), ("h",)), "y": (("sdg", "h"), ("h", "s"))}[basis]
        if basis == "x" and shift == 0 and exponent in (1, -1):
            return "toffoli", ()
        phase: Step = ("p", (angle(exponent, 1),), (0, 1, 2))
        steps = (*((n, (), (2,)) for n in before), phase, *((n, (), (2,)) for n in after))
        return Steps(steps, angle(exponent, shift))

    return read


def _swap(gate: Any) -> Found:
    exponent, shift = gate.exponent, gate.global_shift
    if exponent in (1, -1) and shift == 0:
        return "swap", ()
    half = angle(exponent, 0.5)
    steps = tuple((name, (half,), (0, 1)) for name in ("rxx", "ryy", "rzz"))
    return Steps(steps, angle(exponent, shift + 0.25))


def _iswap(gate: Any) -> Found:
    exponent, shift = gate.exponent, gate.global_shift
    if shift == 0:
        return _ROOTS_ISWAP[exponent] if exponent in _ROOTS_ISWAP else ("fsim", (angle(exponent, -0.5), 0.0))
    return Steps((("fsim", (angle(exponent, -0.5), 0.0), (0, 1)),), angle(exponent, shift))


def _phased_iswap(gate: Any) -> Found:
    turn, back = angle(gate.phase_exponent, 1), angle(gate.phase_exponent, -1)
    around: tuple[Step, ...] = (("rz", (turn,), (0,)), ("rz", (back,), (1,)))
    undo: tuple[Step, ...] = (("rz", (back,), (0,)), ("rz", (turn,), (1,)))
    middle: Step = ("fsim", (angle(gate.exponent, -0.5), 0.0), (0, 1))
    return Steps((*around, middle, *undo), angle(gate.exponent, gate.global_shift))


def _phased_x(gate: Any) -> Found:
    phase, back = angle(gate.phase_exponent, 1), angle(gate.phase_exponent, -1)
    half = math.pi / 2
    turned: Step = ("u", (angle(gate.exponent, 1), phase - half, back + half), (0,))
    return Steps((turned,), angle(gate.exponent, gate.global_shift + 0.5))


def _phased_xz(gate: Any) -> Found:
    axis = gate.axis_phase_exponent
    half = math.pi / 2
    turned: Step = (
        "u",
        (angle(gate.x_exponent, 1), angle(axis + gate.z_exponent, 1) - half, angle(axis, -1) + half),
        (0,),
    )
    return Steps((turned,), angle(gate.x_exponent, 0.5))


def _fsim(gate: Any) -> Found:
    return "fsim", (angle(gate.theta), angle(gate.phi))


def _identity(gate: Any) -> Found:
    return Steps(tuple(("id", (), (k,)) for k in range(gate.num_qubits())))


NATIVE: dict[Any, Callable[[Any], Found]] = {
    cirq.XPowGate: _rotation("rx", _ROOTS_X),
    cirq.YPowGate: _rotation("ry", {1: _Y, -1: _Y}),
    cirq.ZPowGate: _phase(_ROOTS_Z, "p", 0),
    cirq.HPowGate: _h,
    cirq.XXPowGate: _rotation("rxx", {}),
    cirq.YYPowGate: _rotation("ryy", {}),
    cirq.ZZPowGate: _rotation("rzz", {}),
    cirq.CZPowGate: _phase({1: ("cz", ()), -1: ("cz", ())}, "cp", 1),
    cirq.CXPowGate: _control("cnot", "crx"),
    cirq.CCZPowGate: _phase({1: ("ccz", ()), -1: ("ccz", ())}, "p", 2),
    cirq.CCXPowGate: _toffoli("x"),
    cirq.CSwapGate: lambda _gate: ("cswap", ()),
    cirq.SwapPowGate: _swap,
    cirq.ISwapPowGate: _iswap,
    cirq.PhasedISwapPowGate: _phased_iswap,
    cirq.PhasedXPowGate: _phased_x,
    cirq.PhasedXZGate: _phased_xz,
    cirq.FSimGate: _fsim,
    cirq.IdentityGate: _identity,
    cirq.WaitGate: _identity,
}
"""By type; a type of Cirq's that derives from one of these, such as cirq.Rx, is read as it."""


if hasattr(cirq, "CYPowGate"):  # Cirq 1.5, which TensorFlow Quantum pins, has neither
    NATIVE.update({cirq.CYPowGate: _control("cy", "cry"), cirq.CCYPowGate: _toffoli("y")})


@functools.cache
def reader_of(kind: type) -> Callable[[Any], Found] | None:
    """What reads gates of this type; None where there is no entry for it."""
    own = kind.__module__.partition(".")[0] == "cirq"
    return next((NATIVE[base] for base in kind.__mro__ if base in NATIVE), None) if own else None


def items(step: Step, qubits: tuple[int, ...], controls: tuple[int, ...] = (), values: str = "") -> list[Item]:
    """A step on these qubits, under controls that hold ``values``. A phase on several places is under all but one. An
    open angle stays that of a gate with no more than one control, so that derivatives and sweeps see it."""
    name, angles, places = step
    base, own = base_of(name)
    extra = len(places) - 1 if name == "p" else 0
    targets = (*controls, *(qubits[k] for k in places))
    state = values + "1" * (own + extra)
    if not values and not extra:
        return [(name, angles, targets)]
    plain = controlled_form(base, len(state)) if "0" not in state else ""
    if plain:
        return [(plain, angles, targets)]
    if base in _UNDONE_BY and isinstance(angles[0], Expression):
        return _open_rotation(base, angles[0], targets, state)
    return [(base, angles, targets, state, 1.0)]


_UNDONE_BY = {"p": "", "rx": "z", "ry": "z", "rz": "x", "rxx": "z", "ryy": "z", "rzz": "x"}
"""Gates of one angle, and the Pauli on their first qubit that turns them back."""


def _open_rotation(base: str, angle: Expression, qubits: tuple[int, ...], state: str) -> list[Item]:
    """A rotation under controls from two by half of its angle, one of them turned back where the controls hold. Source,
    for a phase: Barenco et al., Phys. Rev. A 52, 3457 (1995), lemma 7.5."""
    half, last = angle * 0.5, len(state)
    if base != "p":
        turn: Item = (_UNDONE_BY[base], (), qubits[: last + 1], state, 1.0)
        return [(base, (half,), qubits[last:]), turn, (base, (-half,), qubits[last:]), turn]
    if state == "1":
        return [("cp", (angle,), qubits)]
    if last == 1:
        flip: Item = ("x", (), qubits[:1])
        return [flip, ("cp", (angle,), qubits), flip]
    pair, rest = qubits[last - 1 :], (*qubits[: last - 1], qubits[last])
    turn = ("x", (), qubits[:last], state[:-1], 1.0)
    around: list[Item] = [("x", (), pair[:1])] if state[-1] == "0" else []
    both: list[Item] = [("cp", (half,), pair), turn, ("cp", (-half,), pair), turn]
    return [*around, *both, *around, *_open_rotation("p", half, rest, state[:-1])]


def phase_items(phase: Angle, controls: tuple[int, ...], values: str) -> list[Item]:
    """``e^{i phase}`` where the controls hold ``values``."""
    if not isinstance(phase, Expression) and not phase:
        return []
    at = max(values.rfind("1"), 0)
    order = (*controls[:at], *controls[at + 1 :], controls[at])
    flip: Item = ("x", (), order[-1:])
    made = items(("p", (phase,), (0,)), order[-1:], order[:-1], values[:at] + values[at + 1 :])
    return made if "1" in values else [flip, *made, flip]
