"""The native engine: our own simulators, a rewritten program on whichever of them is predicted to be fastest."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from qmk.exact.straight import OF_STATE, straight
from qmk.ir.chains import CHAIN, LONGEST_S, state_bytes
from qmk.ir.native_circuit import GATES
from qmk.ir.propagation import MOST_BYTES
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

RATES = {
    "fixed_s": 2e-4,
    "op_s": 2e-6,
    "outcome_s": 4e-9,
    "guess_op_s": 1e-6,
    "guess_amplitude_s": 1e-9,
    "auto": 1.0,
    "frame": 1.0,
    "tableau": 1.0,
    "dense": 1.0,
    "dense64": 1.0,
    "mps": 1.0,
    "cut": 1.0,
    "pauli": 1.0,
}
"""Seconds to hand over a program and an op of it, and to hand over and count one bit of one shot; of a guess where the
core was not asked, an op and an amplitude; and by what the core's own prediction is multiplied, for each method."""

LONGEST_STRINGS_S = 25.0
"""Seconds after which a run of Pauli strings has made as many as one may (``qmk_native.PAULI_WORK``), about."""

STRING_BYTES = 1 << 20
"""Bytes of Pauli strings, at least."""

MOST_QUBITS = 900
"""Whose amplitudes, times any number of ops, are a number; more cost as much as these: nobody has room for them"""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """What the native core predicted (``Features.native``); where it was not asked, a guess that no router takes: a
    state vector."""
    bits = 3 * shots * max(features.n_events, 1)
    found = features.native.get(method)
    if method == "tableau":
        return _tableau(features, shots, rates, bits)
    if method == "pauli":
        return _strings(features, rates)
    if method == "mps" and features.outputs:
        return _chain(features, rates)
    if "loss" in features.noise:
        return _patterns(features, shots, rates, bits)
    if features.outputs:  # a state in double precision, not samples
        amplitudes = 2.0 ** min(features.n_qubits, MOST_QUBITS)
        seconds = 2e-5 + features.n_ops * (2e-7 + 1.5e-9 * amplitudes)
        return Cost(seconds=seconds, memory_bytes=int(min(48 * amplitudes, 2.0**62)))
    if found is None:
        amplitudes = 2.0 ** min(features.n_qubits, MOST_QUBITS)
        seconds = 1e-4 + features.n_ops * (rates["guess_op_s"] + rates["guess_amplitude_s"] * amplitudes)
        note = "not looked at"
        return Cost(seconds=seconds, memory_bytes=int(min(16 * amplitudes, 2.0**62)) + bits, note=note, may_fail=True)
    handing = rates["fixed_s"] + rates["op_s"] * features.n_ops + rates["outcome_s"] * shots * max(features.n_events, 1)
    return Cost(
        seconds=found.seconds(shots) * rates[method] + handing,
        memory_bytes=int(min(found.memory_bytes, 2.0**62)) + bits,
        note=found.note,
        may_fail=found.may_fail,
        upper_bound=found.upper_bound,
    )


def _tableau(features: Features, shots: int, rates: Mapping[str, float], bits: int) -> Cost:
    """Three columns of words for each qubit. A gate of two qubits is a handful of operations on them, one of a single
    qubit none; a measurement that collapses the state goes through all columns, one of the last through those of the
    last ones before it."""
    words, qubits = max(4.0, 2.0 * (features.n_qubits // 64 + 1)), features.n_qubits
    looks = max(0, features.n_branch - 2 * features.n_noise)
    shot = 3e-7 + features.n_two_qubit * (4e-9 + 5e-10 * words) + looks * qubits * (2e-9 + 1.5e-10 * words)
    shot += features.n_measure * (3e-8 + min(qubits, features.n_measure) * (1e-9 + 1.2e-10 * words))
    handing = rates["fixed_s"] + rates["op_s"] * features.n_ops + rates["outcome_s"] * shots * max(features.n_events, 1)
    memory = bits + 64 * int(words) * qubits + 200 * features.n_ops
    return Cost(seconds=shot * shots * rates["tableau"] + handing, memory_bytes=memory, note="a tableau a shot")


def _strings(features: Features, rates: Mapping[str, float]) -> Cost:
    """What a short try showed (``router.propagation``); no other number says how many strings there will be."""
    handing = rates["fixed_s"] + rates["op_s"] * features.n_ops
    found = features.native.get("pauli")
    if found is None:
        note = "not tried: the program is narrow, or none that it takes"
        seconds = LONGEST_STRINGS_S * rates["pauli"] + handing
        return Cost(seconds=seconds, memory_bytes=STRING_BYTES, note=note, may_fail=True, upper_bound=True)
    return Cost(
        seconds=found.seconds(1) * rates["pauli"] + handing,
        memory_bytes=int(min(found.memory_bytes, MOST_BYTES)) + STRING_BYTES,
        note=found.note,
        may_fail=found.may_fail,
        upper_bound=found.upper_bound,
    )


def _chain(features: Features, rates: Mapping[str, float]) -> Cost:
    """Of the values of a matrix product state: what a short try showed (``router.outputs``)."""
    handing = rates["fixed_s"] + rates["op_s"] * features.n_ops
    found = features.native.get(CHAIN)
    if found is None:
        note, memory = "not tried: the program is narrow, or not of gates alone", state_bytes(features.n_qubits)
        return Cost(seconds=LONGEST_S + handing, memory_bytes=memory, note=note, may_fail=True, upper_bound=True)
    return Cost(
        seconds=found.seconds(1) * rates["mps"] + handing,
        memory_bytes=int(found.memory_bytes),
        note=found.note,
        may_fail=found.may_fail,
        upper_bound=found.upper_bound,
    )


def _patterns(features: Features, shots: int, rates: Mapping[str, float], bits: int) -> Cost:
    """At most a run for each shot, or for each set of losses."""
    amplitudes = 2.0 ** min(features.n_qubits, MOST_QUBITS)
    runs = min(shots, 1 << min(features.n_noise, 30))
    run = rates["fixed_s"] + features.n_ops * (rates["op_s"] + rates["guess_op_s"] + 1e-9 * amplitudes)
    memory = int(min(16 * amplitudes, 2.0**62)) + bits
    return Cost(seconds=runs * run, memory_bytes=memory, note="a run a pattern of losses", upper_bound=True)


_ALL = GATES | {"gphase"}
CLIFFORD = frozenset({"gphase", *(short for short in GATES if FIXED_SIZE[short].flow)})
OUTPUTS = OF_STATE | {"gradient", "sweep"}
"""Of the methods that hold amplitudes; all but counts in double precision."""

_ANY = Capabilities(gates=_ALL, noise=frozenset({"pauli"}), precision_bits=32)
_LOSSES = frozenset({"pauli", "loss"})


def _method(name: str, **changes: object) -> Capabilities:
    return msgspec.structs.replace(_ANY, method=name, **changes)


DECLARATION = Declaration(
    name="native",
    doc="QMK's own simulators after rewriting: Clifford frames, dense and matrix product states, cut circuits; "
    "and observables as sums of Pauli strings",
    load="qmk.engines.native.engine:NativeEngine",
    methods={
        "auto": _method("auto", noise=_LOSSES, outputs=OUTPUTS),
        "frame": _method("frame"),
        "tableau": _method("tableau", gates=CLIFFORD, clifford=True, noise=_LOSSES, max_qubits=2048),
        "dense": _method("dense", noise=_LOSSES, outputs=OUTPUTS),
        "dense64": _method("dense64", noise=_LOSSES, precision_bits=64, outputs=OUTPUTS),
        "mps": straight(
            _ALL,
            method="mps",
            logic=True,
            outputs=frozenset({"counts", "events", "expectation", "probabilities", "sums"}),
        ),
        "cut": straight(_ALL, method="cut", logic=True, precision_bits=32),
        "pauli": _method(
            "pauli",
            noise=frozenset({"pauli", "kraus"}),
            mid_circuit=False,
            feed_forward="none",
            precision_bits=64,
            outputs=frozenset({"expectation", "probabilities", "noisy", "sums"}),
        ),
    },
    cost=cost,
    rates=RATES,
    requires=("qmk_native",),
    library="quantum-microkernel",
)
