"""The gates of pytket by the names of its OpTypes, as gates of QMK: for its JSON and its objects alike.

pytket counts angles in half turns; the ``a``, ``b`` and ``c`` of a recipe are its parameters in radians.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from qmk.frontends.openqasm.recipes import follow
from qmk.ir.parameters import Angle

PLAIN: dict[str, str] = {
    "Z": "z", "X": "x", "Y": "y", "S": "s", "Sdg": "sdg", "T": "t", "Tdg": "tdg", "SX": "sx", "SXdg": "sxdg", "H": "h",
    "noop": "id", "Rx": "rx", "Ry": "ry", "Rz": "rz", "U1": "p", "U3": "u", "Phase": "gphase",
    "CX": "cnot", "CY": "cy", "CZ": "cz", "CH": "ch", "SWAP": "swap", "CU1": "cp", "CRx": "crx", "CRy": "cry",
    "CRz": "crz", "XXPhase": "rxx", "YYPhase": "ryy", "ZZPhase": "rzz", "ISWAPMax": "iswap", "ECR": "ecr",
    "FSim": "fsim", "CCX": "toffoli", "CSWAP": "cswap",
}  # fmt: skip
"""OpTypes that are a gate of QMK with the same parameters in the same order."""

CONTROLLED: dict[str, str] = {
    "CSX": "sx", "CSXdg": "sxdg", "CU3": "u", "CnX": "x", "CnY": "y", "CnZ": "z", "CnRx": "rx", "CnRy": "ry",
    "CnRz": "rz",
}  # fmt: skip
"""OpTypes that are a gate of QMK on the last qubit, controlled by all others."""

_RECIPES: dict[str, str] = {
    "V": "rx(theta=pi/2) 0",
    "Vdg": "rx(theta=-pi/2) 0",
    "U2": "u(theta=pi/2, phi=a, lam=b) 0",
    "GPI": "x 0; rz(theta=2*a) 0",
    "GPI2": "rz(theta=-a) 0; rx(theta=pi/2) 0; rz(theta=a) 0",
    "PhasedX": "rz(theta=-b) 0; rx(theta=a) 0; rz(theta=b) 0",
    "TK1": "rz(theta=c) 0; rx(theta=b) 0; rz(theta=a) 0",
    "TK2": "rxx(theta=a) 0 1; ryy(theta=b) 0 1; rzz(theta=c) 0 1",
    "CV": "crx(theta=pi/2) 0 1",
    "CVdg": "crx(theta=-pi/2) 0 1",
    "CS": "cp(lam=pi/2) 0 1",
    "CSdg": "cp(lam=-pi/2) 0 1",
    "BRIDGE": "cnot 0 2",
    "AAMS": "rz(theta=-b) 0; rz(theta=-c) 1; rxx(theta=a) 0 1; rz(theta=b) 0; rz(theta=c) 1",
    "PhasedXX": "rz(theta=-b) 0; rz(theta=-b) 1; rxx(theta=a) 0 1; rz(theta=b) 0; rz(theta=b) 1",
    "XXPhase3": "rxx(theta=a) 0 1; rxx(theta=a) 1 2; rxx(theta=a) 0 2",
    "ZZMax": "rzz(theta=pi/2) 0 1",
    "ISWAP": "xx_plus_yy(theta=-a, beta=0) 0 1",
    "PhasedISWAP": "xx_plus_yy(theta=-b, beta=2*a) 0 1",
    "ESWAP": "gphase(gamma=-a/4); rxx(theta=a/2) 0 1; ryy(theta=a/2) 0 1; rzz(theta=a/2) 0 1",
    "Sycamore": "fsim(theta=pi/2, phi=pi/6) 0 1",
}
"""OpTypes that are several gates, exactly, the phase included."""

GATES = frozenset({*PLAIN, *CONTROLLED, *_RECIPES, "NPhasedX", "TwinPhasedX", "PhaseGadget"})

Gate = tuple[str, tuple[Angle, ...], tuple[int, ...], str]
"""A gate's short name, its angles in radians, its qubits among those of the op, and "1" for each of its controls."""


def gates_of(name: str, angles: Sequence[Angle], n_qubits: int) -> list[Gate]:
    """An op of ``GATES`` with these angles in radians on so many qubits."""
    qubits = tuple(range(n_qubits))
    if name in PLAIN:
        return [(PLAIN[name], tuple(angles), qubits, "")]
    if name in CONTROLLED:
        return [(CONTROLLED[name], tuple(angles), qubits, "1" * (n_qubits - 1))]
    if name == "PhaseGadget":
        return _phase_gadget(angles[0], qubits)
    if name in ("NPhasedX", "TwinPhasedX"):
        return [(gate, each, (q,), "") for q in qubits for gate, each, _, _ in gates_of("PhasedX", angles, 1)]
    return [(*each, "") for each in follow(_RECIPES[name], angles)]


def _phase_gadget(angle: Angle, qubits: tuple[int, ...]) -> list[Gate]:
    """The rotation exp(-i angle/2 Z...Z), by a chain of CNOTs into the last qubit and back."""
    if not qubits:
        return [("gphase", (-angle / 2,), (), "")]
    chain: list[Gate] = [("cnot", (), pair, "") for pair in pairwise(qubits)]
    return [*chain, ("rz", (angle,), qubits[-1:], ""), *reversed(chain)]


def radians(half_turns: Angle) -> Angle:
    return math.pi * half_turns
