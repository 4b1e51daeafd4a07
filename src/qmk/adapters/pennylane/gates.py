"""Which classes of PennyLane are which gates and channels of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.adapters.pennylane import templates
from qmk.adapters.pennylane.library import qml
from qmk.circuit.items import Item, Step
from qmk.ir.names import names

_MORE = {
    "CH": "ch",
    "CCZ": "ccz",
    "ISWAP": "iswap",
    "SISWAP": "siswap",
    "ECR": "ecr",
    "U1": "p",
    "U3": "u",
}
"""Beside the names that lightning's kernels have."""

GATES: dict[type, str] = {
    getattr(qml, name): short for short, name in names("lightning").items() if hasattr(qml, name)
} | {getattr(qml, name): short for name, short in _MORE.items()}
"""Classes whose angles and wires stand in the order of ours."""

CLASSES: dict[str, type] = {short: kind for kind, short in reversed(GATES.items())}
"""The other way; the usual class where there are two."""

_CONTROLLED = frozenset(kind for kind in GATES if getattr(kind, "wires", None) is qml.ops.Controlled.wires)


def labels_of(op: Any) -> tuple[Any, ...]:
    """The labels of an operator's wires. PennyLane makes the wires of a gate under controls anew at each call."""
    if op.__class__ in _CONTROLLED:
        parts = op.hyperparameters
        return parts["control_wires"].labels + parts["base"].wires.labels
    return op.wires.labels


INVERSES = {"s": "sdg", "t": "tdg", "sx": "sxdg", "iswap": "iswapdg", "siswap": "siswapdg"}
"""Gates whose adjoint is another gate of ours, and no angle of theirs."""

Form = Callable[[tuple[Any, ...], tuple[int, ...], Any], list[Item]]
"""Angles, qubits and the operator to items."""


def _rot(angles: tuple[Any, ...], qubits: tuple[int, ...], _op: Any) -> list[Item]:
    phi, theta, omega = angles
    return [("u", (theta, omega, phi), qubits), ("gphase", (-0.5 * (phi + omega),), ())]


def _u2(angles: tuple[Any, ...], qubits: tuple[int, ...], _op: Any) -> list[Item]:
    return [("u", (1.5707963267948966, *angles), qubits)]


def _exchange(angles: tuple[Any, ...], qubits: tuple[int, ...], _op: Any) -> list[Item]:
    return [("xx_plus_yy", (-1.0 * angles[0], 0.0), qubits)]


def _phase(angles: tuple[Any, ...], _qubits: tuple[int, ...], _op: Any) -> list[Item]:
    return [("gphase", (-1.0 * angles[0],), ())]


def _pauli_rotation(angles: tuple[Any, ...], qubits: tuple[int, ...], op: Any) -> list[Item]:
    word = op.hyperparameters["pauli_word"] if isinstance(op, qml.PauliRot) else "Z" * len(qubits)
    kept = [(letter, qubit) for letter, qubit in zip(word, qubits, strict=True) if letter != "I"]
    if not kept:
        return [("gphase", (-0.5 * angles[0],), ())]
    args = {"paulis": "".join(letter for letter, _ in kept), "theta": angles[0]}
    return [Step("core.paulirot", args, tuple(qubit for _, qubit in kept))]


def _identity(_angles: tuple[Any, ...], qubits: tuple[int, ...], _op: Any) -> list[Item]:
    return [("id", (), (qubit,)) for qubit in qubits]


def _flips(_angles: tuple[Any, ...], qubits: tuple[int, ...], op: Any) -> list[Item]:
    """An X with controls, or one on each qubit that a basis state has a 1 on."""
    values = "".join("1" if value else "0" for value in op.control_values)
    return [("x", (), qubits, values, 1.0)]


def _barrier(_angles: tuple[Any, ...], qubits: tuple[int, ...], _op: Any) -> list[Item]:
    return [Step("core.barrier", {}, qubits)]


FORMS: dict[type, Form] = {
    qml.Rot: _rot,
    qml.U2: _u2,
    qml.IsingXY: _exchange,
    qml.GlobalPhase: _phase,
    qml.PauliRot: _pauli_rotation,
    qml.MultiRZ: _pauli_rotation,
    qml.Identity: _identity,
    qml.MultiControlledX: _flips,
    qml.Barrier: _barrier,
    **dict.fromkeys(templates.KINDS, templates.expand),
}
"""Classes that are written another way; angles may be expressions of parameters."""

CHANNELS: dict[type, Callable[[tuple[float, ...]], tuple[str, dict[str, float]]]] = {
    qml.BitFlip: lambda data: ("noise.pauli", {"px": data[0]}),
    qml.PhaseFlip: lambda data: ("noise.pauli", {"pz": data[0]}),
    qml.DepolarizingChannel: lambda data: ("noise.depolarize", {"p": data[0]}),
    qml.AmplitudeDamping: lambda data: ("noise.amplitude_damping", {"gamma": data[0]}),
    qml.PhaseDamping: lambda data: ("noise.phase_damping", {"lam": data[0]}),
}
"""Channels that are ours by another name; the others are read by their Kraus operators."""
