"""The pyquil engine: pyQuil's numpy simulators, a state vector and a small density matrix."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_DENSITY, OF_STATE, reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = {"wavefunction": 28, "density": 7}

RATES = {"fixed_s": 1e-3, "op_s": 2.5e-5, "amplitude_s": 2.2e-8, "element_s": 1.2e-9, "shot_s": 2e-7}
"""Of a program, an op, an amplitude of an op, an element of an op's matrix products, a shot."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """The state vector and a copy; the density matrix with an op's matrix on all qubits and two products."""
    amplitudes = 2.0**features.n_qubits
    if method == "density":
        op, memory = rates["element_s"] * amplitudes**3, int(80 * amplitudes**2)
    else:
        op, memory = rates["amplitude_s"] * amplitudes, int(48 * amplitudes)
    seconds = rates["fixed_s"] + features.n_ops * (rates["op_s"] + op) + rates["shot_s"] * shots
    return Cost(seconds=seconds, memory_bytes=memory + reading_bytes(features, shots, 2000))


DECLARATION = Declaration(
    name="pyquil",
    doc="pyQuil's numpy simulators: a state vector, and a density matrix of few qubits",
    load="qmk.engines.pyquil.engine:PyquilEngine",
    methods={
        "wavefunction": straight(
            GATES,
            method="wavefunction",
            max_qubits=MAX_QUBITS["wavefunction"],
            outputs=OF_STATE,
        ),
        "density": straight(
            GATES, method="density", max_qubits=MAX_QUBITS["density"], outputs=OF_DENSITY | {"density"}
        ),
    },
    cost=cost,
    rates=RATES,
    beyond_s=10.0,
    requires=("pyquil", "numpy"),
    extra="pyquil",
    library="pyquil",
)
