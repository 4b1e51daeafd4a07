"""The stabilizer engine: Clifford programs of thousands of qubits, exactly, on stim."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.chunks import STATES_BYTES, tableau_bytes, walk_size
from qmk.exact.straight import OF_STATE
from qmk.ir.names import names
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

STIM_NAMES = names("stim")
"""Native gates and what stim calls them."""


RATES = {
    "fixed_s": 1e-4,
    "op_s": 3e-6,
    "op_qubit_s": 4e-10,
    "sample_s": 6e-9,
    "op_shot_s": 1e-10,
    "fenced_op_s": 1e-5,
    "fenced_sample_s": 9e-9,
    "fenced_op_shot_s": 3e-10,
    "tree_op_s": 2e-6,
    "branch_s": 2e-4,
    "branch_qubits_s": 3e-9,
    "branch_op_s": 6e-7,
    "branch_op_qubit_s": 1e-9,
}
"""Costs in seconds: of the frame sampler, for an op, an op for each qubit of its tableau, a bit of a shot, an op of a
shot; of frames that stop at fences, the same; of the walk over a tree of tableaux, for an op, a branch, the square of
its qubits, an op of a branch, the same for each qubit."""


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """A compiled Pauli-frame sampler where feed-forward is Pauli on parities, else one tableau a measurement branch.

    Memory: a tableau of n qubits holds 4 n^2 bits and stim keeps two; every shot holds one byte a classical bit.
    """
    n, ops = features.n_qubits, features.n_ops
    samples = shots * max(features.n_events, 1)
    if features.feed_forward == "full":
        return branches_cost(features, shots, rates)
    stops = "fenced_" if features.n_fences else ""
    made = rates["fixed_s"] + ops * (rates[f"{stops}op_s"] + rates["op_qubit_s"] * n)
    seconds = made + rates[f"{stops}sample_s"] * samples + ops * shots * rates[f"{stops}op_shot_s"]
    if not stops:
        memory = tableau_bytes(n) + 3 * samples + 400 * ops
        return Cost(seconds=seconds, memory_bytes=memory, note="Pauli-frame sampler")
    frames = min((2 * n + features.n_measure) * shots // 8, STATES_BYTES)
    return Cost(seconds=seconds, memory_bytes=2 * frames + 3 * samples + 600 * ops, note="frames, stops at fences")


def branches_cost(features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """The tableaus of all branches of a chunk, alive at once."""
    n, ops = features.n_qubits, features.n_ops
    walked, alive = walk_size(shots, features.n_branch, tableau_bytes(n))
    branch = rates["branch_s"] + rates["branch_qubits_s"] * n * n
    branch += ops * (rates["branch_op_s"] + rates["branch_op_qubit_s"] * n)
    seconds = rates["fixed_s"] + ops * rates["tree_op_s"] + walked * branch
    bits = (alive + shots) * features.n_events + 3 * shots * max(features.n_events, 1)
    memory = tableau_bytes(n) * (alive + 2) + bits + 400 * ops
    return Cost(seconds=seconds, memory_bytes=memory, note="a tableau a branch")


DECLARATION = Declaration(
    name="stabilizer",
    doc="Clifford programs of any width, exactly, by Pauli frames and tableaux (stim)",
    load="qmk.engines.stabilizer.engine:StabilizerEngine",
    methods={
        "": Capabilities(
            gates=frozenset({*STIM_NAMES, "gphase"}),
            clifford=True,
            noise=frozenset({"pauli"}),
            outputs=OF_STATE,
            fences=True,
        )
    },
    cost=cost,
    rates=RATES,
    requires=("stim", "numpy"),
    library="stim",
)
