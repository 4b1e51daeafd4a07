"""The qulacs engine: a fast state vector in double precision."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native import ALL_GATES

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40


def cost(_method: str, features: Features, shots: int) -> Cost:
    """16 bytes an amplitude, and as much again for the copy that is read out."""
    amplitudes = 2.0**features.n_qubits
    one_pass = 1.0e-9 if features.n_qubits <= 18 else 1.4e-9
    gate = 1.2e-5 if features.n_qubits >= 15 else 3e-6
    seconds = 2.5e-4 + features.n_ops * (gate + one_pass * amplitudes) + 1.2e-8 * amplitudes + 2e-7 * shots
    memory = int(32 * amplitudes * 1.02) + (32 << 20) + shots * (80 + 10 * max(features.n_measure, 1))
    return Cost(seconds=seconds, memory_bytes=memory + 2000 * features.n_ops)


VALUES = frozenset({"counts", "events", "expectation", "state", "amplitudes", "probabilities"})

DECLARATION = Declaration(
    name="qulacs",
    doc="state vector in double precision (Qulacs)",
    load="qmk.engines.qulacs.engine:QulacsEngine",
    methods={
        "": Capabilities(
            gates=GATES,
            mid_circuit=False,
            reset=False,
            feed_forward="none",
            logic=False,
            max_qubits=MAX_QUBITS,
            outputs=VALUES,
        )
    },
    cost=cost,
    beyond_s=0.05,
    requires=("qulacs", "numpy", "scipy"),
    extra="qulacs",
    library="qulacs",
)
