"""Cirq's channels in ours. Source of the conventions: the docstrings of ``cirq.ops.common_channels``."""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
from collections.abc import Callable
from typing import Any

import cirq

from qmk.qvm.families.noise import MAX_OPERATORS, PAIRS

Channel = tuple[str, dict[str, Any]]
"""An op of family noise, and its arguments."""


def _depolarizing(gate: cirq.DepolarizingChannel) -> Channel | None:
    return ("noise.depolarize", {"p": float(gate.p)}) if gate.num_qubits() <= 2 else None


def _asymmetric(gate: cirq.AsymmetricDepolarizingChannel) -> Channel | None:
    chances = gate.error_probabilities
    if gate.num_qubits() > 2:
        return None
    errors = "XYZ" if gate.num_qubits() == 1 else PAIRS
    name = "noise.pauli" if gate.num_qubits() == 1 else "noise.pauli2"
    return name, {f"p{pauli.lower()}": float(chances[pauli]) for pauli in errors if chances.get(pauli)}


NATIVE: dict[Any, Callable[[Any], Channel | None]] = {
    cirq.DepolarizingChannel: _depolarizing,
    cirq.AsymmetricDepolarizingChannel: _asymmetric,
    cirq.AmplitudeDampingChannel: lambda gate: ("noise.amplitude_damping", {"gamma": float(gate.gamma)}),
    cirq.PhaseDampingChannel: lambda gate: ("noise.phase_damping", {"lam": float(gate.gamma)}),
    cirq.PhaseFlipChannel: lambda gate: ("noise.pauli", {"pz": float(gate.p)}),
    cirq.BitFlipChannel: lambda gate: ("noise.pauli", {"px": float(gate.p)}),
}
"""By type; every other channel on one or two qubits is read by its Kraus operators."""


def kraus(gate: Any) -> Channel | None:
    """A channel by its Kraus operators; None for one that has none, or too many of them."""
    if cirq.num_qubits(gate) > 2 or not cirq.has_kraus(gate):
        return None
    operators = cirq.kraus(gate)
    if len(operators) > MAX_OPERATORS:
        return None
    rows = [[[[x.real, x.imag] for x in row] for row in each.tolist()] for each in operators]
    return "noise.kraus", {"operators": [[[[float(a), float(b)] for a, b in row] for row in m] for m in rows]}
