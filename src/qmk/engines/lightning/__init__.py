"""The lightning engine: PennyLane's lightning.qubit state vector, driven without PennyLane, in either precision."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import reading_bytes, straight
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

GATES = ALL_GATES - {"paulirot"}
MAX_QUBITS = 40


RATES = {
    "fixed_s": 2e-4,
    "op_s": 1.8e-6,
    "f32.cached_s": 2.0e-10,
    "f32.shared_s": 2.7e-10,
    "f32.memory_s": 4.0e-10,
    "f64.cached_s": 3.0e-10,
    "f64.shared_s": 5.4e-10,
    "f64.memory_s": 1.2e-9,
    "read_s": 5e-9,
    "shot_s": 2e-7,
}
"""Of a program and an op; of an amplitude and gate in the processor's own cache, in the shared one, in memory; of 8
bytes of the state that is read out; of a shot."""

_PLACES = ("cached_s", "shared_s", "memory_s")


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """8 or 16 bytes an amplitude, and as much again for the copy that is read out."""
    wide = 2 if method == "f64" else 1
    amplitudes = 2.0**features.n_qubits
    one_pass = rates[f"{method}.{_PLACES[(features.n_qubits > 17) + (features.n_qubits > 22)]}"]
    gates = features.n_ops * (rates["op_s"] + one_pass * amplitudes)
    seconds = rates["fixed_s"] + gates + rates["read_s"] * wide * amplitudes + rates["shot_s"] * shots
    memory = int(16 * wide * amplitudes * 1.02) + reading_bytes(features, shots, 1000)
    return Cost(seconds=seconds, memory_bytes=memory)


def _method(name: str, precision_bits: int) -> Capabilities:
    return straight(GATES, method=name, max_qubits=MAX_QUBITS, precision_bits=precision_bits)


DECLARATION = Declaration(
    name="lightning",
    doc="state vector in single or double precision (PennyLane lightning.qubit, without PennyLane)",
    load="qmk.engines.lightning.engine:LightningEngine",
    methods={"f32": _method("f32", 32), "f64": _method("f64", 64)},
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("pennylane_lightning", "numpy"),
    extra="lightning",
    library="pennylane-lightning",
)
