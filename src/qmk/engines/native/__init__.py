"""The native engine: our own simulators, a rewritten program on whichever of them is predicted to be fastest."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from qmk.sdk.engine import Capabilities, Cost, Declaration, Features
from qmk.sdk.native_circuit import GATES
from qmk.sdk.straight import straight

RATES = {
    "fixed_s": 2e-4,
    "op_s": 2e-6,
    "outcome_s": 4e-9,
    "guess_op_s": 1e-6,
    "guess_amplitude_s": 1e-9,
    "auto": 1.0,
    "frame": 1.0,
    "dense": 1.0,
    "dense64": 1.0,
    "mps": 1.0,
    "cut": 1.0,
}
"""seconds to hand over a program and an op of it, and to hand over and count one bit of one shot; of a guess where the
core was not asked, an op and an amplitude; and by what the core's own prediction is multiplied, for each method"""

MOST_QUBITS = 900
"""whose amplitudes, times any number of ops, are a number; more cost as much as these: nobody has room for them"""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """What the native core predicted (``Features.native``); where it was not asked, since others are fast enough, a
    guess that no router takes: a state vector."""
    bits = 3 * shots * max(features.n_events, 1)
    found = features.native.get(method)
    if features.outputs:  # a state in double precision, not samples
        amplitudes = 2.0 ** min(features.n_qubits, MOST_QUBITS)
        seconds = 2e-5 + features.n_ops * (2e-7 + 1.5e-9 * amplitudes)
        return Cost(seconds=seconds, memory_bytes=int(min(48 * amplitudes, 2.0**62)))
    if found is None:
        amplitudes = 2.0 ** min(features.n_qubits, MOST_QUBITS)
        seconds = 1e-4 + features.n_ops * (rates["guess_op_s"] + rates["guess_amplitude_s"] * amplitudes)
        note = "not looked at: others are fast enough"
        return Cost(seconds=seconds, memory_bytes=int(min(16 * amplitudes, 2.0**62)) + bits, note=note, may_fail=True)
    handing = rates["fixed_s"] + rates["op_s"] * features.n_ops + rates["outcome_s"] * shots * max(features.n_events, 1)
    return Cost(
        seconds=found.seconds(shots) * rates[method] + handing,
        memory_bytes=int(min(found.memory_bytes, 2.0**62)) + bits,
        note=found.note,
        may_fail=found.may_fail,
        upper_bound=found.upper_bound,
    )


_ALL = GATES | {"gphase"}
OUTPUTS = frozenset((
    "counts", "events", "expectation", "state", "amplitudes", "probabilities", "gradient", "sweep",
))  # fmt: skip
"""of the methods that hold amplitudes; all but counts in double precision"""

_ANY = Capabilities(gates=_ALL, noise=frozenset({"pauli"}), precision_bits=32)


def _method(name: str, **changes: object) -> Capabilities:
    return msgspec.structs.replace(_ANY, method=name, **changes)


DECLARATION = Declaration(
    name="native",
    doc="QMK's own simulators after rewriting: Clifford frames, dense and matrix product states, cut circuits",
    load="qmk.engines.native.engine:NativeEngine",
    methods={
        "auto": _method("auto", outputs=OUTPUTS),
        "frame": _method("frame"),
        "dense": _method("dense", outputs=OUTPUTS),
        "dense64": _method("dense64", precision_bits=64, outputs=OUTPUTS),
        "mps": straight(_ALL, method="mps", logic=True),
        "cut": straight(_ALL, method="cut", logic=True, precision_bits=32),
    },
    cost=cost,
    rates=RATES,
    beyond_s=0.05,
    requires=("qmk_native",),
    library="qmk-native",
)
