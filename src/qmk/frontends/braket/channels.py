"""Amazon Braket's noise channels as ops of family ``noise``.

Source: the Kraus operators of ``braket.circuits.noises`` (Amazon Braket SDK 1.127).
"""

from __future__ import annotations

# the arguments of the lambdas below are numbers or expressions
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
from collections.abc import Callable, Sequence
from typing import Any

from qmk.ir.parameters import Expression

Channel = tuple[str, dict[str, Any]]
"""The name of an op, and its arguments."""


def _root(value: Any) -> Any:
    return value.sqrt() if isinstance(value, Expression) else max(value, 0.0) ** 0.5


def _matrix(*rows: Sequence[Any]) -> list[list[list[Any]]]:
    return [[[entry, 0.0] for entry in row] for row in rows]


def _generalized_damping(gamma: Any, probability: Any) -> Channel:
    """Decay towards |0> with ``probability``, towards |1> otherwise."""
    down, up = _root(probability), _root(1 - probability)
    keeps, moves = _root(1 - gamma), _root(gamma)
    operators = [
        _matrix((down, 0.0), (0.0, down * keeps)),
        _matrix((0.0, down * moves), (0.0, 0.0)),
        _matrix((up * keeps, 0.0), (0.0, up)),
        _matrix((0.0, 0.0), (up * moves, 0.0)),
    ]
    return "noise.kraus", {"operators": operators}


def _dephasing(p: Any) -> Channel:
    return "noise.pauli2", {"piz": p / 3, "pzi": p / 3, "pzz": p / 3}


NOISE: dict[str, tuple[int, int, Callable[..., Channel]]] = {
    "bit_flip": (1, 1, lambda p: ("noise.pauli", {"px": p})),
    "phase_flip": (1, 1, lambda p: ("noise.pauli", {"pz": p})),
    "pauli_channel": (3, 1, lambda x, y, z: ("noise.pauli", {"px": x, "py": y, "pz": z})),
    "depolarizing": (1, 1, lambda p: ("noise.depolarize", {"p": p})),
    "two_qubit_depolarizing": (1, 2, lambda p: ("noise.depolarize", {"p": p})),
    "two_qubit_dephasing": (1, 2, _dephasing),
    "amplitude_damping": (1, 1, lambda gamma: ("noise.amplitude_damping", {"gamma": gamma})),
    "generalized_amplitude_damping": (2, 1, _generalized_damping),
    "phase_damping": (1, 1, lambda gamma: ("noise.phase_damping", {"lam": gamma})),
}
"""By the name in a pragma: how many numbers and how many qubits it takes, and the op."""


def kraus(matrices: Sequence[Sequence[Sequence[complex]]]) -> Channel:
    """A channel by its operators."""
    operators = [[[[float(x.real), float(x.imag)] for x in row] for row in matrix] for matrix in matrices]
    return "noise.kraus", {"operators": operators}
