"""The lightning engine: PennyLane's lightning.qubit state vector, driven without PennyLane, in either precision."""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native import ALL_GATES

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40


def cost(method: str, features: Features, shots: int) -> Cost:
    """8 or 16 bytes an amplitude, and as much again for the copy that is read out."""
    wide = 2 if method == "f64" else 1
    amplitudes = 2.0**features.n_qubits
    one_pass = wide * (2.2e-10 if features.n_qubits <= 18 else 3.4e-10)
    seconds = 8e-5 + features.n_ops * (4e-6 + one_pass * amplitudes) + 4e-9 * wide * amplitudes + 4e-7 * shots
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
    requires=("pennylane_lightning", "numpy"),
    extra="lightning",
    library="pennylane-lightning",
)
