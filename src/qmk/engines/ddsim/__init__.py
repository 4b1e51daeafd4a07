"""The ddsim engine: states as decision diagrams (MQT DDSIM), small where a state has structure, of any width."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import straight
from qmk.ir.names import gates_with
from qmk.sdk.engine import Cost, Declaration, Features

GATES = gates_with("ddsim") | {"gphase", "mod"}
MAX_QUBITS = 4096

DIAGRAM_BYTES = 4 << 30
"""What the diagrams of one run may take; a run that needs more ends in RESOURCE_EXHAUSTED."""

BASE_BYTES = 64 << 20
"""The simulator's tables before the first gate."""

NODE_BYTES = 220
"""A node with its share of the tables, measured on random circuits of 14 to 18 qubits."""

RATES = {"fixed_s": 3e-3, "op_s": 2e-5, "node_s": 6e-7, "sample_s": 3e-8}
"""Of a program, an op, a node that an op looks at, a qubit of a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """An upper bound: n qubits need at most 2^n nodes, and an op looks at all of them; most programs stay far below."""
    every = 2.0 ** min(features.n_qubits, 900)  # beyond some thousand there is no such number
    nodes = min(every, DIAGRAM_BYTES / NODE_BYTES)
    memory = BASE_BYTES + int(nodes * NODE_BYTES)
    bits = shots * (400 + 8 * features.n_qubits)
    gates = features.n_ops * (rates["op_s"] + rates["node_s"] * nodes)
    seconds = rates["fixed_s"] + gates + shots * features.n_qubits * rates["sample_s"]
    return Cost(
        seconds=seconds,
        memory_bytes=min(memory, DIAGRAM_BYTES) + bits,
        note="if the state has no structure; far less where it has",
        upper_bound=True,
        may_fail=every * NODE_BYTES > DIAGRAM_BYTES,
    )


DECLARATION = Declaration(
    name="ddsim",
    doc="states as decision diagrams, of any width where the state has structure (MQT DDSIM)",
    load="qmk.engines.ddsim.engine:DdsimEngine",
    methods={"": straight(GATES, max_qubits=MAX_QUBITS)},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("mqt.ddsim", "mqt.core", "numpy"),
    extra="ddsim",
    library="mqt.ddsim",
)
