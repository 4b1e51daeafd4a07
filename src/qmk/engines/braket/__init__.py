"""The Braket engine: Braket's local state vector and density matrix simulators, for answers that are Braket's own."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_STATE, density_matrix, reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}

RATES = {"fixed_s": 2e-3, "op_s": 1e-4, "amplitude_s": 3.2e-9, "entry_s": 8e-9, "shot_s": 2e-7}
"""Of a program; an op; an amplitude of an op; an entry of a density matrix of an op; a shot."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """16 bytes an amplitude and an entry of a density matrix; Braket holds three of a state vector, five of a density
    matrix."""
    mixed = method == "density_matrix"
    size = (4.0 if mixed else 2.0) ** features.n_qubits
    work = features.n_ops * (rates["op_s"] + rates["entry_s" if mixed else "amplitude_s"] * size)
    memory = int((80 if mixed else 48) * size) + reading_bytes(features, shots, 2000)
    return Cost(seconds=rates["fixed_s"] + work + rates["shot_s"] * shots, memory_bytes=memory)


DECLARATION = Declaration(
    name="braket",
    doc="state vector and density matrix (the local simulators of Amazon Braket's SDK)",
    load="qmk.engines.braket.engine:BraketEngine",
    methods={
        "statevector": straight(GATES, method="statevector", max_qubits=26, outputs=OF_STATE),
        "density_matrix": density_matrix(GATES),
    },
    cost=cost,
    rates=RATES,
    beyond_s=60.0,
    requires=("braket.default_simulator", "numpy"),
    extra="braket",
    library="amazon-braket-sdk",
)
