"""The stabilizer engine: Clifford programs of thousands of qubits, exactly, on stim."""

from __future__ import annotations

from qmk.sdk.chunks import STATES_BYTES, walk_size
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features

STIM_NAMES = {
    "id": "I", "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "S_DAG", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG",
    "cnot": "CX", "cy": "CY", "cz": "CZ", "swap": "SWAP", "iswap": "ISWAP", "iswapdg": "ISWAP_DAG",
}  # fmt: skip
"""native gates and what stim calls them"""


def tableau_bytes(n_qubits: int) -> int:
    """Memory of one tableau, which stim keeps twice."""
    return n_qubits * n_qubits + 64 * n_qubits


def cost(_method: str, features: Features, shots: int) -> Cost:
    """A compiled Pauli-frame sampler where feed-forward is Pauli on parities, else one tableau a measurement branch.

    Memory: a tableau of n qubits holds 4 n^2 bits and stim keeps two; every shot holds one byte a classical bit.
    """
    n, ops = features.n_qubits, features.n_ops
    samples = shots * max(features.n_events, 1)
    tableau = tableau_bytes(n)
    if features.n_fences:
        return fenced_cost(features, shots)
    if features.feed_forward != "full":
        seconds = 1e-4 + ops * (3e-6 + 4e-10 * n) + 6e-9 * samples + ops * shots * 1e-10
        return Cost(seconds=seconds, memory_bytes=tableau + 3 * samples + 400 * ops, note="Pauli-frame sampler")
    branches = min(shots, 1 << min(features.n_branch, 30))
    seconds = 1e-4 + ops * 2e-6 + branches * (1e-5 + ops * (6e-7 + 1e-9 * n))
    live = min(features.n_branch, 2 * max(shots, 1).bit_length()) + 2
    return Cost(seconds=seconds, memory_bytes=tableau * live + 3 * samples + 400 * ops, note="a tableau a branch")


def fenced_cost(features: Features, shots: int) -> Cost:
    """Pauli frames of all shots of a chunk, bit by bit, or the tableaus of all its branches, alive at once."""
    n, ops = features.n_qubits, features.n_ops
    samples = shots * max(features.n_events, 1)
    if features.feed_forward != "full":
        rows = 2 * n + features.n_measure
        frames = min(rows * shots // 8, STATES_BYTES)
        seconds = 1e-4 + ops * (1e-5 + 4e-10 * n) + 9e-9 * samples + ops * shots * 3e-10
        return Cost(seconds=seconds, memory_bytes=2 * frames + 3 * samples + 600 * ops, note="frames, stops at fences")
    walked, alive = walk_size(shots, features.n_branch, tableau_bytes(n))
    seconds = 1e-4 + ops * 2e-6 + walked * (2e-4 + 3e-9 * n * n + ops * (6e-7 + 1e-9 * n))
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
    requires=("stim", "numpy"),
    library="stim",
)
