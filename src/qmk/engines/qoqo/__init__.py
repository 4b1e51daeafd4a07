"""The qoqo engine: qoqo's QuEST backend, a state vector in double precision (Rust and C)."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_STATE, reading_bytes, straight
from qmk.ir.qoqo_gates import QOQO
from qmk.sdk.engine import Cost, Declaration, Features

GATES = frozenset(QOQO) - {"toffoli", "cswap"}
"""Toffoli and ControlledSWAP of qoqo-quest 0.19.0 do not act as their own unitary_matrix says."""

MAX_QUBITS = 30

RATES = {"fixed_s": 3e-4, "op_s": 4e-6, "amplitude_s": 3e-9, "read_s": 3e-7, "shot_s": 2e-7}
"""Of a program, an op, an amplitude of an op, an amplitude of the state that is read out, a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """The state twice in qoqo, and as a list of Python's complex numbers, from which the copy is made."""
    amplitudes = 2.0**features.n_qubits
    gates = features.n_ops * (rates["op_s"] + rates["amplitude_s"] * amplitudes)
    seconds = rates["fixed_s"] + gates + rates["read_s"] * amplitudes + rates["shot_s"] * shots
    return Cost(seconds=seconds, memory_bytes=int(96 * amplitudes) + reading_bytes(features, shots, 1000))


DECLARATION = Declaration(
    name="qoqo",
    doc="state vector of QuEST, through qoqo",
    load="qmk.engines.qoqo.engine:QoqoEngine",
    methods={"": straight(GATES, max_qubits=MAX_QUBITS, outputs=OF_STATE)},
    cost=cost,
    rates=RATES,
    beyond_s=10.0,
    requires=("qoqo", "qoqo_quest", "numpy"),
    extra="qoqo",
    library="qoqo_quest",
)
