"""The lightning engine: PennyLane's lightning.qubit state vector, driven without PennyLane, in either precision."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native import ALL_GATES

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40


_PASS_S = {"f32": (2.0e-10, 2.7e-10, 4.0e-10), "f64": (3.0e-10, 5.4e-10, 1.2e-9)}
"""seconds an amplitude and gate: in the processor's own cache, in the shared one, in memory"""


def cost(method: str, features: Features, shots: int) -> Cost:
    """8 or 16 bytes an amplitude, and as much again for the copy that is read out."""
    wide = 2 if method == "f64" else 1
    amplitudes = 2.0**features.n_qubits
    one_pass = _PASS_S[method][(features.n_qubits > 17) + (features.n_qubits > 22)]
    seconds = 2e-4 + features.n_ops * (1.8e-6 + one_pass * amplitudes) + 5e-9 * wide * amplitudes + 2e-7 * shots
    memory = int(16 * wide * amplitudes * 1.02) + (32 << 20) + shots * (80 + 10 * max(features.n_measure, 1))
    return Cost(seconds=seconds, memory_bytes=memory + 1000 * features.n_ops)


def _method(name: str, precision_bits: int) -> Capabilities:
    return Capabilities(
        method=name,
        gates=GATES,
        mid_circuit=False,
        reset=False,
        feed_forward="none",
        logic=False,
        max_qubits=MAX_QUBITS,
        precision_bits=precision_bits,
    )


DECLARATION = Declaration(
    name="lightning",
    doc="state vector in single or double precision (PennyLane lightning.qubit, without PennyLane)",
    load="qmk.engines.lightning.engine:LightningEngine",
    methods={"f32": _method("f32", 32), "f64": _method("f64", 64)},
    cost=cost,
    beyond_s=0.05,
    requires=("pennylane_lightning", "numpy"),
    extra="lightning",
    library="pennylane-lightning",
)
