"""The clifft engine: Clifford frames round a small dense active state (Unitary Foundation's clifft).

The library needs Python 3.12. Where QMK itself runs on an older one, the engine's worker runs in an environment of its
own (``sdk.interpreters``).
"""

from __future__ import annotations

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

GATES = frozenset(
    {
        *("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "t", "tdg", "rx", "ry", "rz", "p", "u", "gphase"),
        *("cnot", "cy", "cz", "swap", "iswap", "iswapdg", "rxx", "ryy", "rzz", "toffoli", "ccz"),
    }
)
MAX_QUBITS = 4096

ACTIVE_BYTES = 4 << 30
"""what the amplitudes of the active state may take, with the copy that a measurement needs"""

MAX_ACTIVE = 27
"""active qubits that fit ``ACTIVE_BYTES`` at 16 bytes an amplitude, twice"""


def cost(_method: str, features: Features, shots: int) -> Cost:
    """By the largest active width there can be: a qubit of it takes a gate that is not Clifford. Planning makes it
    smaller for most programs, and says so before anything of that size is allocated."""
    n = features.n_qubits
    active = min(features.n_non_clifford, features.entangling_width, n)
    width = min(active, MAX_ACTIVE)
    plan = 2e-4 + features.n_ops * (3e-6 + 2e-8 * n)
    passes = 3 * features.n_non_clifford + features.n_measure if active else 0  # a general gate is three rotations
    shot = 1.5e-7 + 4e-9 * features.n_measure + passes * (1e-8 + 1.5e-10 * 2.0**width)
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
    beyond_s=0.05,
    requires=("clifft", "numpy"),
    extra="clifft",
    library="clifft",
    python=(3, 12),
)
