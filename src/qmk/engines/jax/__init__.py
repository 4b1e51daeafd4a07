"""The JAX engine: state vectors compiled by XLA, on the device that JAX has, with batches of points and gradients."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.straight import OF_STATE, reading_bytes, straight
from qmk.sdk.engine import Cost, Declaration, Features

FIXED = ("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "t", "tdg", "cnot", "cy", "cz", "ch", "swap")
TURNED = ("rx", "ry", "rz", "p", "cp", "crx", "cry", "crz", "rxx", "ryy", "rzz", "rzx")
"""Gates of one angle, each of whose matrices is A + cos(k angle) B + sin(k angle) C; ``engine.FREQUENCY`` has k."""
MAX_QUBITS = 34
LANES = 64
"""Points that are computed at once, where memory has room for their states."""

RATES = {"fixed_s": 1.2, "op_s": 4e-6, "amplitude_s": 1.4e-8, "read_s": 1.2e-8, "shot_s": 2e-7}
"""Of a program, most of it compilation; an op; an amplitude of an op, on one core; one of the state that is read; a
shot."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """16 bytes an amplitude: the state, its four gathered parts, the next state. A gradient holds two states."""
    amplitudes = 2.0**features.n_qubits
    gates = features.n_ops * (rates["op_s"] + rates["amplitude_s"] * amplitudes)
    seconds = rates["fixed_s"] + gates + rates["read_s"] * amplitudes + rates["shot_s"] * shots
    states = 14 if "gradient" in features.outputs else 7
    return Cost(seconds=seconds, memory_bytes=int(16 * states * amplitudes) + reading_bytes(features, shots, 2000))


DECLARATION = Declaration(
    name="jax",
    doc="state vector compiled by XLA, on a GPU where JAX has one (JAX)",
    load="qmk.engines.jax.engine:JaxEngine",
    methods={"": straight((*FIXED, *TURNED), max_qubits=MAX_QUBITS, outputs=OF_STATE | {"gradient", "sweep"})},
    cost=cost,
    rates=RATES,
    beyond_s=5.0,
    requires=("jax", "numpy"),
    extra="jax",
    library="jax",
)
