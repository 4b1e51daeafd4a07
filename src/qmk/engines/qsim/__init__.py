"""The qsim engine: Google's state-vector simulator in single precision, driven without Cirq."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40

RATES = {"fixed_s": 2.5e-4, "op_s": 3.5e-6, "amplitude_s": 1.1e-10, "read_s": 5e-9, "shot_s": 2e-7}
"""Of a program, an op, an amplitude of an op, an amplitude of the state that is read out, a shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """8 bytes an amplitude. Gates are fused: about a third of them makes a pass over the state."""
    amplitudes = 2.0**features.n_qubits
    gates = features.n_ops * (rates["op_s"] + rates["amplitude_s"] * amplitudes)
    seconds = rates["fixed_s"] + gates + rates["read_s"] * amplitudes + rates["shot_s"] * shots
    return Cost(seconds=seconds, memory_bytes=int(8 * amplitudes * 1.02) + reading_bytes(features, shots, 600))


DECLARATION = Declaration(
    name="qsim",
    doc="state vector in single precision (Google's qsim, without Cirq)",
    load="qmk.engines.qsim.engine:QsimEngine",
    methods={"": straight(GATES, max_qubits=MAX_QUBITS, precision_bits=32)},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("qsimcirq", "numpy"),
    extra="qsim",
    library="qsimcirq",
)
