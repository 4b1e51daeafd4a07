"""The segments engine: one run on several kinds of simulator, whose state moves from one to the next at fences."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from qmk.exact.chunks import tableau_bytes, walk_size
from qmk.ir.names import names
from qmk.ir.native_circuit import GATES
from qmk.ir.segment_costs import LARGEST_BOND_LOG2, WIDEST
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

RATES = {"planned": 1.0, "op_s": 2e-5, "branch_s": 2e-4, "amplitude_s": 2e-9, "branch_op_s": 2e-6}
"""By what the prediction of a plan is multiplied; and seconds, of a run of a single kind, of an operation, a branch, an
amplitude for each operation, and an operation of a branch."""

MOST_QUBITS = 900
"""Whose amplitudes, times any number of ops, are a number."""


def cost(method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """What planning found (``ir.segments``). Where nothing was planned, or the run is to stay with one kind: a state of
    that kind for each history of measurements."""
    bits = 3 * shots * max(features.n_events, 1)
    found = features.segments
    if not method and found is not None:
        return Cost(
            seconds=found.seconds(shots) * rates["planned"],
            memory_bytes=int(min(found.memory_bytes, 2.0**62)) + bits,
            note=found.note,
        )
    kind = method or ("vector" if features.n_non_clifford else "tableau")
    wide, bond = min(features.n_qubits, MOST_QUBITS), min(features.max_bond_log2, LARGEST_BOND_LOG2)
    work = {"tableau": 0.0, "vector": 2.0**wide, "chain": 8.0**bond}[kind]
    state = {"tableau": tableau_bytes(wide), "vector": 16 * 2.0**wide, "chain": 32 * wide * 4.0**bond}[kind]
    state = min(state, 2.0**62)
    walked, alive = walk_size(shots, features.n_branch, int(state))
    each = rates["branch_op_s"] + rates["amplitude_s"] * work
    seconds = rates["op_s"] * features.n_ops + walked * (rates["branch_s"] + features.n_ops * each)
    note = f"{kind} alone" if method else "no change of kind is predicted to pay"
    return Cost(seconds=seconds, memory_bytes=int(min(state * (alive + 3), 2.0**62)) + bits, note=note, may_fail=True)


_ANY = Capabilities(gates=GATES | {"gphase"}, noise=frozenset({"pauli"}), fences=True)


def _method(name: str, **changes: object) -> Capabilities:
    return msgspec.structs.replace(_ANY, method=name, **changes)


DECLARATION = Declaration(
    name="segments",
    doc="a run on several kinds of simulator: its state moves between a tableau, a state vector and a matrix product "
    "state where that is predicted to pay",
    load="qmk.engines.segments.engine:SegmentsEngine",
    methods={
        "": _ANY,
        "tableau": _method("tableau", gates=frozenset({*names("stim"), "gphase"}), clifford=True),
        "vector": _method("vector", max_qubits=WIDEST),
        "chain": _method("chain"),
    },
    cost=cost,
    rates=RATES,
    requires=("qmk_native", "stim", "numpy"),
    library="quantum-microkernel",
)
