"""How many shots of a branching run are worked at once: a fact of the program, so bits never depend on the machine.

A run with fences keeps every branch of its shots alive from fence to fence. At most one branch a shot, and at most two
to the number of branch points, exist at once; shots are taken in turns ("chunks") so that their states fit
``STATES_BYTES``. Pure Python: engines' cost functions use it in the daemon.
"""

from __future__ import annotations

STATES_BYTES = 256 << 20
"""Most memory that the states of one chunk may take; a single state may be larger."""

CHUNK_SHOTS = 1 << 22
"""Most shots of a chunk, whatever its states take, since each costs some bytes of bookkeeping."""


def chunk_shots(shots: int, branch_points: int, state_bytes: int) -> int:
    """Shots of each chunk but the last, at least 1. ``branch_points``: measurements, resets and random choices that may
    split a branch, the final read-out aside."""
    fits = max(1, STATES_BYTES // max(state_bytes, 1))
    if branch_points < 63 and 1 << branch_points <= fits:
        return max(1, min(shots, CHUNK_SHOTS))
    return max(1, min(shots, fits, CHUNK_SHOTS))


def histories(shots: int, branch_points: int) -> int:
    """Upper bound on the branches that a number of shots spread over."""
    return min(shots, 1 << min(branch_points, 62))


def walk_size(shots: int, branch_points: int, state_bytes: int) -> tuple[int, int]:
    """What a run costs: (branches simulated from start to end in all chunks, states alive at once), upper bounds."""
    if shots < 1:
        return 0, 0
    size = chunk_shots(shots, branch_points, state_bytes)
    alive = histories(size, branch_points)
    return -(-shots // size) * alive, alive


def tableau_bytes(n_qubits: int) -> int:
    """Memory of one tableau, which stim keeps twice."""
    return n_qubits * n_qubits + 64 * n_qubits
