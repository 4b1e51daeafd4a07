"""The reference engine: exact state vectors in numpy, written to be read. The oracle that others are tested by."""

from __future__ import annotations

from qmk.sdk.chunks import walk_size
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native import ALL_GATES

MAX_QUBITS = 12


def cost(_method: str, features: Features, shots: int) -> Cost:
    """Seconds grow with operations times branches of the measurement tree; at most one branch a shot."""
    amplitudes = 1 << features.n_qubits
    if features.n_fences:
        return fenced_cost(features, shots)
    branches = min(shots, 1 << min(features.n_branch, 30))
    seconds = 2e-4 + features.n_ops * branches * (2e-5 + 5e-9 * amplitudes) + shots * 1e-7
    waiting = min(features.n_branch, shots) + 4
    return Cost(seconds=seconds, memory_bytes=16 * amplitudes * waiting + shots * (8 + 2 * features.n_events))


def fenced_cost(features: Features, shots: int) -> Cost:
    """As ``cost``, with all branches of a chunk alive at once."""
    state_bytes = 16 << features.n_qubits
    walked, alive = walk_size(shots, features.n_branch, state_bytes)
    seconds = 2e-4 + features.n_ops * walked * (2e-5 + 3e-10 * state_bytes) + shots * 1e-7
    memory = state_bytes * (alive + 4) + shots * (8 + 2 * features.n_events)
    return Cost(seconds=seconds, memory_bytes=memory, note="stops at fences")


DECLARATION = Declaration(
    name="reference",
    doc="exact state vectors in numpy, for tests and small programs",
    load="qmk.engines.reference.engine:ReferenceEngine",
    methods={
        "": Capabilities(
            gates=ALL_GATES,
            max_qubits=MAX_QUBITS,
            noise=frozenset({"pauli", "kraus"}),
            outputs=frozenset({"counts", "events", "expectation", "state", "amplitudes", "probabilities"}),
            fences=True,
        )
    },
    cost=cost,
    requires=("numpy",),
    library="numpy",
)
