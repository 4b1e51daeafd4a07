"""The pennylane engine: default.mixed, PennyLane's density matrix in numpy, for noisy programs on few qubits."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_DENSITY, reading_bytes
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

MAX_QUBITS = 10

RATES = {"fixed_s": 1e-3, "op_s": 4e-4, "entry_s": 3e-8, "shot_s": 3e-7}
"""Of a program, of an op, of an entry of the density matrix and op, of a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """16 bytes an entry of a 4^n matrix, and copies of it."""
    entries = 4.0**features.n_qubits
    seconds = rates["fixed_s"] + features.n_ops * (rates["op_s"] + rates["entry_s"] * entries) + rates["shot_s"] * shots
    return Cost(seconds=seconds, memory_bytes=int(80 * entries) + reading_bytes(features, shots, 2000))


DECLARATION = Declaration(
    name="pennylane",
    doc="density matrix of programs with noise (PennyLane default.mixed)",
    load="qmk.engines.pennylane.engine:PennylaneEngine",
    methods={
        "": Capabilities(
            gates=ALL_GATES,
            mid_circuit=False,
            feed_forward="none",
            logic=False,
            max_qubits=MAX_QUBITS,
            noise=frozenset({"pauli", "kraus"}),
            outputs=OF_DENSITY | {"noisy", "density"},
        )
    },
    cost=cost,
    rates=RATES,
    beyond_s=10.0,
    requires=("pennylane", "numpy"),
    extra="pennylane",
    library="pennylane",
)
