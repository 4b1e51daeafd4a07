"""The Cirq engine: Cirq's state-vector and density-matrix simulators, for answers that are Cirq's own."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_STATE, density_matrix, reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}

RATES = {"fixed_s": 2e-3, "op_s": 1e-4, "amplitude_s": 4e-9, "entry_s": 1.2e-8, "noise_s": 6e-8, "shot_s": 2e-7}
"""Of a program; an op; an amplitude of an op; an entry of a density matrix of an op, and of a channel; a shot."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """16 bytes an amplitude of a state vector and an entry of a density matrix; Cirq holds three of each."""
    mixed = method == "density_matrix"
    size = (4.0 if mixed else 2.0) ** features.n_qubits
    gates = (features.n_ops - features.n_noise) * rates["entry_s" if mixed else "amplitude_s"]
    work = features.n_ops * rates["op_s"] + (gates + features.n_noise * rates["noise_s"]) * size
    memory = int(48 * size) + reading_bytes(features, shots, 1000)
    return Cost(seconds=rates["fixed_s"] + work + rates["shot_s"] * shots, memory_bytes=memory)


DECLARATION = Declaration(
    name="cirq",
    doc="state vector and density matrix (Cirq's own simulators)",
    load="qmk.engines.cirq.engine:CirqEngine",
    methods={
        "statevector": straight(GATES, method="statevector", max_qubits=26, outputs=OF_STATE),
        "density_matrix": density_matrix(GATES),
    },
    cost=cost,
    rates=RATES,
    beyond_s=60.0,
    requires=("cirq", "numpy"),
    extra="cirq",
    library="cirq-core",
)
