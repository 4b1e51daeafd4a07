"""The qulacs engine: a fast state vector in double precision."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_STATE, reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40

RATES = {
    "fixed_s": 2.5e-4,
    "op_s": 3e-6,
    "wide_op_s": 1.2e-5,
    "cached_s": 1.0e-9,
    "memory_s": 1.4e-9,
    "read_s": 1.2e-8,
    "shot_s": 2e-7,
}
"""Of a program, an op, an op on 15 qubits or more (threads), an amplitude of an op up to 18 qubits and beyond, an
amplitude of the state that is read out, a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """16 bytes an amplitude, and as much again for the copy that is read out."""
    amplitudes = 2.0**features.n_qubits
    one_pass = rates["cached_s" if features.n_qubits <= 18 else "memory_s"]
    gate = rates["wide_op_s" if features.n_qubits >= 15 else "op_s"]
    gates = features.n_ops * (gate + one_pass * amplitudes)
    seconds = rates["fixed_s"] + gates + rates["read_s"] * amplitudes + rates["shot_s"] * shots
    return Cost(seconds=seconds, memory_bytes=int(32 * amplitudes * 1.02) + reading_bytes(features, shots, 2000))


DECLARATION = Declaration(
    name="qulacs",
    doc="state vector in double precision (Qulacs)",
    load="qmk.engines.qulacs.engine:QulacsEngine",
    methods={"": straight(GATES, max_qubits=MAX_QUBITS, outputs=OF_STATE)},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("qulacs", "numpy", "scipy"),
    extra="qulacs",
    library="qulacs",
)
