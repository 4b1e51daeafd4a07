"""The native engine: our own simulators, a rewritten program on whichever of them is predicted to be fastest."""

from __future__ import annotations

import msgspec

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native_circuit import GATES

OUTCOME_S = 4e-9
"""seconds to hand over and count one bit of one shot"""


def cost(method: str, features: Features, shots: int) -> Cost:
    """What the native core predicted (``Features.native``); where it was not asked, since others are fast enough, a
    guess that no router takes: a state vector."""
    bits = 3 * shots * max(features.n_events, 1)
    found = features.native.get(method)
    if found is None:
        amplitudes = 2.0**features.n_qubits
        seconds = 1e-4 + features.n_ops * (1e-6 + 1e-9 * amplitudes)
        note = "not looked at: others are fast enough"
        return Cost(seconds=seconds, memory_bytes=int(16 * amplitudes) + bits, note=note, may_fail=True)
    return Cost(
        seconds=found.seconds(shots) + OUTCOME_S * shots * max(features.n_events, 1),
        memory_bytes=int(min(found.memory_bytes, 2.0**62)) + bits,
        note=found.note,
        may_fail=found.may_fail,
    )


_ALL = GATES | {"gphase"}
_ANY = Capabilities(gates=_ALL, noise=frozenset({"pauli"}), precision_bits=32)


def _method(name: str, **changes: object) -> Capabilities:
    return msgspec.structs.replace(_ANY, method=name, **changes)


_STRAIGHT: dict[str, object] = {
    "noise": frozenset(),
    "mid_circuit": False,
    "reset": False,
    "feed_forward": "none",
}
"""gates and one read-out"""

DECLARATION = Declaration(
    name="native",
    doc="QMK's own simulators after rewriting: Clifford frames, dense and matrix product states, cut circuits",
    load="qmk.engines.native.engine:NativeEngine",
    methods={
        "auto": _method("auto"),
        "frame": _method("frame"),
        "dense": _method("dense"),
        "dense64": _method("dense64", precision_bits=64),
        "mps": _method("mps", **_STRAIGHT, precision_bits=64),
        "cut": _method("cut", **_STRAIGHT),
    },
    cost=cost,
    beyond_s=0.05,
    requires=("qmk_native",),
    library="qmk-native",
)
