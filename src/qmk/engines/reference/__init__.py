"""The reference engine: exact state vectors in numpy, written to be read. The oracle that others are tested by."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native import ALL_GATES

MAX_QUBITS = 12


def cost(_method: str, features: Features, shots: int) -> Cost:
    """Seconds grow with operations times branches of the measurement tree; at most one branch a shot."""
    state_bytes = 16 << features.n_qubits
    repeats = min(shots, 1 << min(features.n_measure, 30)) if features.mid_circuit else 1
    seconds = 2e-4 + features.n_ops * repeats * (2e-5 + 2e-8 * (1 << features.n_qubits))
    depth = min(features.n_measure, shots) + 4 if features.mid_circuit else 4
    return Cost(seconds=seconds, memory_bytes=state_bytes * depth + shots * max(features.n_events, 1))


DECLARATION = Declaration(
    name="reference",
    doc="exact state vectors in numpy, for tests and small programs",
    load="qmk.engines.reference.engine:ReferenceEngine",
    methods={"": Capabilities(gates=ALL_GATES, max_qubits=MAX_QUBITS)},
    cost=cost,
    requires=("numpy",),
    library="numpy",
)
