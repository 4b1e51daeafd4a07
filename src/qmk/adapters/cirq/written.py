"""Our gates and channels in Cirq's."""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import cirq
import numpy as np
import sympy

from qmk.adapters.sympy_angles import write as value
from qmk.ir.parameters import Angle, Expression
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.qvm.families.noise import PAIRS
from qmk.qvm.op import PauliChannel


def _turns(angle: Angle) -> Any:
    """An angle in radians as an exponent: in half turns."""
    if isinstance(angle, Expression):
        return value(angle) / sympy.pi
    return angle / math.pi


def _rotation(kind: Any) -> Callable[..., cirq.Gate]:
    return lambda theta: kind(exponent=_turns(theta), global_shift=-0.5)


def phasor(paulis: str, theta: Angle) -> cirq.Gate:
    """``exp(-i theta/2 P)``."""
    half = _turns(theta) / 2
    return cirq.PauliStringPhasorGate(cirq.DensePauliString(paulis), exponent_neg=half, exponent_pos=-half)


def _turn_by_phases(theta: Angle, phi: Angle, lam: Angle) -> cirq.Gate:
    turns, out, back = _turns(theta), _turns(phi), _turns(lam)
    return cirq.PhasedXZGate(x_exponent=turns, z_exponent=out + back, axis_phase_exponent=0.5 - back)


_PHASED_ISWAP: Any = cirq.PhasedISwapPowGate

_FIXED: dict[str, cirq.Gate] = {
    "id": cirq.I,
    "x": cirq.X,
    "y": cirq.Y,
    "z": cirq.Z,
    "h": cirq.H,
    "s": cirq.S,
    "sdg": cirq.S**-1,
    "sx": cirq.X**0.5,
    "sxdg": cirq.X**-0.5,
    "t": cirq.T,
    "tdg": cirq.T**-1,
    "cnot": cirq.CX,
    "cy": cirq.Y.controlled(),
    "cz": cirq.CZ,
    "ch": cirq.ControlledGate(cirq.H),
    "swap": cirq.SWAP,
    "iswap": cirq.ISWAP,
    "iswapdg": cirq.ISWAP_INV,
    "siswap": cirq.SQRT_ISWAP,
    "siswapdg": cirq.SQRT_ISWAP_INV,
    "toffoli": cirq.CCX,
    "ccz": cirq.CCZ,
    "cswap": cirq.CSWAP,
}

_TURNING: dict[str, Callable[..., cirq.Gate]] = {
    "rx": _rotation(cirq.XPowGate),
    "ry": _rotation(cirq.YPowGate),
    "rz": _rotation(cirq.ZPowGate),
    "rxx": _rotation(cirq.XXPowGate),
    "ryy": _rotation(cirq.YYPowGate),
    "rzz": _rotation(cirq.ZZPowGate),
    "p": lambda lam: cirq.ZPowGate(exponent=_turns(lam)),
    "cp": lambda lam: cirq.CZ ** _turns(lam),
    "crx": lambda theta: cirq.ControlledGate(_rotation(cirq.XPowGate)(theta)),
    "cry": lambda theta: cirq.ControlledGate(_rotation(cirq.YPowGate)(theta)),
    "crz": lambda theta: cirq.ControlledGate(_rotation(cirq.ZPowGate)(theta)),
    "rzx": lambda theta: phasor("ZX", theta),
    "fsim": lambda theta, phi: cirq.FSimGate(value(theta), value(phi)),
    "xx_plus_yy": lambda theta, beta: _PHASED_ISWAP(phase_exponent=_turns(beta) / 2, exponent=-_turns(theta)),
    "u": _turn_by_phases,
    "qasm_u": _turn_by_phases,
}

_POWERS = frozenset({"x", "y", "z", "h", "s", "t", "swap", "iswap"})
"""Gates whose powers in Cirq are on the principal branch, as ours are."""

_CHANNELS: dict[str, Callable[[Mapping[str, Any], int], cirq.Gate | None]] = {
    "noise.depolarize": lambda args, n: cirq.DepolarizingChannel(args["p"], n_qubits=n),
    "noise.amplitude_damping": lambda args, _n: cirq.AmplitudeDampingChannel(args["gamma"]),
    "noise.phase_damping": lambda args, _n: cirq.PhaseDampingChannel(args["lam"]),
    "noise.pauli": lambda args, _n: _pauli(*(float(args.get(f"p{axis}", 0.0)) for axis in "xyz")),
    "noise.pauli2": lambda args, _n: _pauli2({pair: float(args.get(f"p{pair.lower()}", 0.0)) for pair in PAIRS}),
}


def gate(name: str, angles: tuple[Angle, ...], power: float = 1.0) -> tuple[cirq.Gate, Angle]:
    """The gate, and the angle of the global phase that it lacks."""
    if power != 1.0 and name not in _POWERS:
        numbers = [float(each) for each in angles]  # which refuses open ones
        return _matrix(name, tuple(numbers), power), 0.0
    found = _FIXED.get(name)
    if found is not None:
        return (found if power == 1.0 else found**power), 0.0
    make = _TURNING.get(name)
    if make is None:
        return _matrix(name, tuple(map(float, angles)), power), 0.0
    return make(*angles), -angles[0] / 2 if name == "u" else 0.0


@functools.lru_cache(maxsize=1024)
def _matrix(name: str, angles: tuple[float, ...], power: float) -> cirq.Gate:
    op = OPS[f"core.{name}"]
    assert op.matrix is not None
    made = op.matrix({param.name: angle for param, angle in zip(op.params, angles, strict=True)})
    return cirq.MatrixGate(np.array(powers.power(made, power)), name=name)


def channel(name: str, args: Mapping[str, Any], qubits: int) -> cirq.Gate | None:
    """The channel of an op of family noise; None where it is not a channel on qubits."""
    if name in _CHANNELS:
        return _CHANNELS[name](args, qubits)
    op = OPS[name]
    if op.channel is None:
        return None
    found = op.channel(dict(args), qubits)
    if isinstance(found, PauliChannel):
        return _pauli(*found.chances[1:]) if qubits == 1 else None
    return cirq.KrausChannel([np.array(each) for each in found.operators])


def _pauli(px: float, py: float, pz: float) -> cirq.Gate:
    if not py and not pz:
        return cirq.BitFlipChannel(px)
    return cirq.PhaseFlipChannel(pz) if not px and not py else cirq.asymmetric_depolarize(px, py, pz)


def _pauli2(chances: dict[str, float]) -> cirq.Gate:
    given = {pair: chance for pair, chance in chances.items() if chance}
    return cirq.asymmetric_depolarize(error_probabilities={"II": 1 - sum(given.values()), **given})
