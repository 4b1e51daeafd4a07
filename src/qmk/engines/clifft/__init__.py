"""The clifft engine: Clifford frames round a small dense active state (Unitary Foundation's clifft).

The library needs Python 3.12. Where QMK itself runs on an older one, the engine's worker runs in an environment of its
own (``sdk.interpreters``).
"""

from __future__ import annotations

from collections.abc import Mapping

from qmk.ir.names import names
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

NAMES = {**names("stim"), **names("clifft")}
"""Clifft reads Stim's gates and more."""

GATES = frozenset({*NAMES, "gphase"})
MAX_QUBITS = 4096

ACTIVE_BYTES = 4 << 30
"""What the amplitudes of the active state may take, with the copy that a measurement needs."""

MAX_ACTIVE = 27
"""Active qubits that fit ``ACTIVE_BYTES`` at 16 bytes an amplitude, twice."""

RATES = {
    "fixed_s": 2e-4,
    "op_s": 3e-6,
    "op_qubit_s": 2e-8,
    "shot_s": 1.5e-7,
    "measure_s": 4e-9,
    "pass_s": 1e-8,
    "amplitude_s": 1.5e-10,
}
"""Seconds of planning for a program, an op, and an op for each qubit; seconds of a shot for itself, a measurement, a
pass over the active state, and an amplitude of a pass."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Predicts from the largest possible number of active qubits, which is the number of gates that are not Clifford.
    Planning makes it smaller for most programs, and says so before anything of that size is allocated."""
    n = features.n_qubits
    active = min(features.n_non_clifford, features.entangling_width, n)
    width = min(active, MAX_ACTIVE)
    plan = rates["fixed_s"] + features.n_ops * (rates["op_s"] + rates["op_qubit_s"] * n)
    passes = 3 * features.n_non_clifford + features.n_measure if active else 0  # a general gate is three rotations
    shot = rates["shot_s"] + rates["measure_s"] * features.n_measure
    shot += passes * (rates["pass_s"] + rates["amplitude_s"] * 2.0**width)
    seconds = plan + shots * shot  # the active state is gone through anew for every shot
    return Cost(
        seconds=seconds,
        memory_bytes=(32 << 20) + (32 << width) + shots * 4 * max(features.n_measure, 1) + 2000 * features.n_ops,
        note=f"at most {active} active qubits" if active else "",
        upper_bound=active > 0,
        may_fail=active > MAX_ACTIVE,
    )


DECLARATION = Declaration(
    name="clifft",
    doc="Clifford frames round a small dense active state (clifft)",
    load="qmk.engines.clifft.engine:ClifftEngine",
    methods={
        "": Capabilities(
            gates=GATES, feed_forward="pauli", logic=False, max_qubits=MAX_QUBITS, noise=frozenset({"pauli"})
        )
    },
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("clifft", "numpy"),
    extra="clifft",
    library="clifft",
    python=(3, 12),
)
