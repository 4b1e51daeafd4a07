"""The reference engine: exact state vectors in numpy, written to be read. The oracle that others are tested by."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.chunks import walk_size
from qmk.exact.straight import OF_STATE
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

MAX_QUBITS = 12

RATES = {"fixed_s": 2e-4, "op_s": 2e-5, "amplitude_s": 5e-9, "shot_s": 1e-7}
"""Of a program, an op of a branch, an amplitude of such an op, a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Seconds grow with operations times branches of the measurement tree, at most one a shot; all branches of a chunk
    are alive at once."""
    state_bytes = 16 << features.n_qubits
    walked, alive = walk_size(shots, features.n_branch, state_bytes)
    work = features.n_ops * walked * (rates["op_s"] + rates["amplitude_s"] * state_bytes / 16)
    seconds = rates["fixed_s"] + work + shots * rates["shot_s"]
    memory = state_bytes * (alive + 4) + shots * (8 + 2 * features.n_events)
    return Cost(seconds=seconds, memory_bytes=memory, note="stops at fences" if features.n_fences else "")


DECLARATION = Declaration(
    name="reference",
    doc="exact state vectors in numpy, for tests and small programs",
    load="qmk.engines.reference.engine:ReferenceEngine",
    methods={
        "": Capabilities(
            gates=ALL_GATES,
            max_qubits=MAX_QUBITS,
            noise=frozenset({"pauli", "kraus"}),
            outputs=OF_STATE,
            fences=True,
        )
    },
    cost=cost,
    rates=RATES,
    requires=("numpy",),
    library="numpy",
)
