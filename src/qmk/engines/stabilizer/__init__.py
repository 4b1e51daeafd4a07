"""The stabilizer engine: Clifford programs of thousands of qubits, exactly, on stim."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.chunks import STATES_BYTES, walk_size
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
    "tree_op_s": 2e-6,
    "branch_s": 1e-5,
    "branch_op_s": 6e-7,
    "branch_op_qubit_s": 1e-9,
    "fenced_op_s": 1e-5,
    "fenced_sample_s": 9e-9,
    "fenced_op_shot_s": 3e-10,
    "fenced_branch_s": 2e-4,
    "fenced_branch_qubits_s": 3e-9,
}
"""Costs in seconds: of the frame sampler, for an op, an op for each qubit of its tableau, a bit of a shot, an op of a
shot; of the walk over a tree of tableaux, for an op, a branch, an op of a branch, the same for each qubit; of both
where they stop at fences."""


def tableau_bytes(n_qubits: int) -> int:
    """Memory of one tableau, which stim keeps twice."""
    return n_qubits * n_qubits + 64 * n_qubits


def cost(_method: str, features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """A compiled Pauli-frame sampler where feed-forward is Pauli on parities, else one tableau a measurement branch.

    Memory: a tableau of n qubits holds 4 n^2 bits and stim keeps two; every shot holds one byte a classical bit.
    """
    n, ops = features.n_qubits, features.n_ops
    samples = shots * max(features.n_events, 1)
    tableau = tableau_bytes(n)
    if features.n_fences:
        return fenced_cost(features, shots, rates)
    if features.feed_forward != "full":
        made = rates["fixed_s"] + ops * (rates["op_s"] + rates["op_qubit_s"] * n)
        seconds = made + rates["sample_s"] * samples + ops * shots * rates["op_shot_s"]
        return Cost(seconds=seconds, memory_bytes=tableau + 3 * samples + 400 * ops, note="Pauli-frame sampler")
    branches = min(shots, 1 << min(features.n_branch, 30))
    branch = rates["branch_s"] + ops * (rates["branch_op_s"] + rates["branch_op_qubit_s"] * n)
    seconds = rates["fixed_s"] + ops * rates["tree_op_s"] + branches * branch
    live = min(features.n_branch, 2 * max(shots, 1).bit_length()) + 2
    return Cost(seconds=seconds, memory_bytes=tableau * live + 3 * samples + 400 * ops, note="a tableau a branch")


def fenced_cost(features: Features, shots: int, rates: Mapping[str, float] = RATES) -> Cost:
    """Pauli frames of all shots of a chunk, bit by bit, or the tableaus of all its branches, alive at once."""
    n, ops = features.n_qubits, features.n_ops
    samples = shots * max(features.n_events, 1)
    if features.feed_forward != "full":
        rows = 2 * n + features.n_measure
        frames = min(rows * shots // 8, STATES_BYTES)
        made = rates["fixed_s"] + ops * (rates["fenced_op_s"] + rates["op_qubit_s"] * n)
        seconds = made + rates["fenced_sample_s"] * samples + ops * shots * rates["fenced_op_shot_s"]
        return Cost(seconds=seconds, memory_bytes=2 * frames + 3 * samples + 600 * ops, note="frames, stops at fences")
    walked, alive = walk_size(shots, features.n_branch, tableau_bytes(n))
    branch = rates["fenced_branch_s"] + rates["fenced_branch_qubits_s"] * n * n
    branch += ops * (rates["branch_op_s"] + rates["branch_op_qubit_s"] * n)
    seconds = rates["fixed_s"] + ops * rates["tree_op_s"] + walked * branch
    memory = tableau_bytes(n) * (alive + 2) + (alive + shots) * features.n_events + 3 * samples + 400 * ops
    return Cost(seconds=seconds, memory_bytes=memory, note="a tableau a branch, stops at fences")


DECLARATION = Declaration(
    name="stabilizer",
    doc="Clifford programs of any width, exactly, by Pauli frames and tableaux (stim)",
    load="qmk.engines.stabilizer.engine:StabilizerEngine",
    methods={
        "": Capabilities(
            gates=frozenset({*STIM_NAMES, "gphase"}),
            clifford=True,
            noise=frozenset({"pauli"}),
            outputs=frozenset({"counts", "events", "expectation", "state", "amplitudes", "probabilities"}),
            fences=True,
        )
    },
    cost=cost,
    rates=RATES,
    requires=("stim", "numpy"),
    library="stim",
)
